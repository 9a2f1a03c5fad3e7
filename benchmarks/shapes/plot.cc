#include "shapes/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mote::shapes {

namespace {

constexpr double kSize = 560, kMargin = 60;

std::string colour_of(Family family) {
  return family == Family::kConvolution ? "#1f77b4" : family == Family::kDepthwise ? "#d62728" : "#2ca02c";
}

/// Maps cycles to places between the margins.
struct Axis {
  double lo, hi;  // decades
  double place(double cycles) const { return (std::log10(cycles) - lo) / (hi - lo) * (kSize - 2 * kMargin); }
  double x(double cycles) const { return kMargin + place(cycles); }
  double y(double cycles) const { return kSize - kMargin - place(cycles); }
};

std::string line(const Axis& axis, double factor, const char* dashes) {
  const double lo = std::pow(10, axis.lo) / std::min(factor, 1.0), hi = std::pow(10, axis.hi) / std::max(factor, 1.0);
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#888\" stroke-dasharray=\"{}\"/>\n",
      axis.x(lo), axis.y(lo * factor), axis.x(hi), axis.y(hi * factor), dashes);
}

}  // namespace

std::string plot(const std::string& title, const std::vector<Point>& points, double limit) {
  double least = 1e30, most = 1;
  for (const Point& point : points) {
    const double measured = static_cast<double>(point.measurement->outcome.cycles);
    least = std::min({least, point.expected, measured});
    most = std::max({most, point.expected, measured});
  }
  const Axis axis{std::floor(std::log10(least)), std::ceil(std::log10(most))};
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{0}\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n<rect width=\"{0}\" height=\"{0}\" fill=\"white\"/>\n"
      "<text x=\"{1}\" y=\"30\" font-size=\"15\">{2}</text>\n",
      kSize, kMargin, title);
  for (double decade = axis.lo; decade <= axis.hi; ++decade) {
    const double cycles = std::pow(10, decade);
    svg += fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">1e{:.0f}</text>\n"
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">1e{:.0f}</text>\n",
        axis.x(cycles), kSize - kMargin + 18, decade, kMargin - 6, axis.y(cycles) + 4, decade);
  }
  svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">cycles by the line</text>\n", kSize / 2,
                     kSize - 18);
  svg += fmt::format(
      "<text x=\"16\" y=\"{0:.1f}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {0:.1f})\">cycles</text>\n",
      kSize / 2);
  svg += line(axis, 1, "none") + line(axis, limit, "4 3");
  double legend = kMargin + 16;
  for (const Family family : {Family::kConvolution, Family::kDepthwise, Family::kDense}) {
    svg += fmt::format("<circle cx=\"{0}\" cy=\"{1}\" r=\"3\" fill=\"{2}\"/><text x=\"{3}\" y=\"{4}\">{5}</text>\n",
                       kMargin + 16, legend - 4, colour_of(family), kMargin + 26, legend, name_of(family));
    legend += 18;
  }
  for (const Point& point : points) {
    const Measurement& m = *point.measurement;
    svg += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\" fill-opacity=\"0.6\"><title>{}: {} "
        "cycles</title></circle>\n",
        axis.x(point.expected), axis.y(static_cast<double>(m.outcome.cycles)), colour_of(m.layer.family),
        text_of(m.layer), m.outcome.cycles);
  }
  return svg + "</svg>\n";
}

}  // namespace mote::shapes
