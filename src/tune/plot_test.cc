#include "tune/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mote::tune {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Plot, DrawsACurveAsStepsAndEscapesText) {
  const Plot plot{"a < b & c", "trials", "cycles", {{"model", {{1, 300}, {10, 200}, {100, 100}}}}};
  const std::string svg = svg_of(plot);
  EXPECT_THAT(svg, HasSubstr("a &lt; b &amp; c"));
  EXPECT_THAT(svg, HasSubstr(">model</text>"));
  // From x = 90 (1 trial) to x = 700 (100 trials); ten are half-way.
  EXPECT_THAT(svg, HasSubstr("<path d=\"M90.0 55.0L395.0 55.0L395.0 205.0L700.0 205.0L700.0 355.0\""));
}

TEST(Plot, BearsCurvesWithoutPointsAndFlatOnes) {
  for (const std::vector<std::pair<double, double>>& points :
       {std::vector<std::pair<double, double>>{}, {{1, 5}}, {{1, 0}, {2, 0}}}) {
    const std::string svg = svg_of({"t", "x", "y", {{"c", points}}});
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_THAT(svg, Not(HasSubstr("inf")));
  }
  EXPECT_THAT(svg_of({"t", "x", "y", {}, false}), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace mote::tune
