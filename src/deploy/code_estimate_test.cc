#include "deploy/code_estimate.h"

#include <gtest/gtest.h>

#include "loop/build.h"
#include "loop/schedule.h"

namespace mote::deploy {
namespace {

using loop::var;

loop::Program copying(int64_t elements) {
  loop::Program p;
  p.name = "copy";
  p.buffers = {loop::input("x", loop::Type::kI8, {elements}), loop::output("y", loop::Type::kI8, {elements})};
  p.body = {loop::loop("i", elements, {loop::store("y", {var("i")}, loop::load("x", {var("i")}))})};
  return p;
}

TEST(CodeEstimate, GrowsWithWhatIsWrittenOutAndNotWithTheData) {
  const uint64_t small = code_estimate(copying(16));
  EXPECT_EQ(code_estimate(copying(1600)), small);
  loop::Program written_out = copying(16);
  loop::unroll(&written_out, "i");
  EXPECT_GT(code_estimate(written_out), 3 * small);
  EXPECT_LT(small, 300u);
}

TEST(CodeEstimate, CountsInstructionsOfTheFormThatTheTargetGets) {
  loop::Program p = copying(16);
  const uint64_t before = code_estimate(p);
  std::string assembly;
  for (int i = 0; i < 100; ++i) assembly += "\"  smlad r0, r1, r2, r3\\n\"\n";
  p.functions = {
      {"f", "#if defined(__ARM_FEATURE_DSP)\n" + assembly + "#else\n" + std::string(5000, ' ') + "\n#endif\n", {}}};
  EXPECT_GE(code_estimate(p), before + 400);
  EXPECT_LE(code_estimate(p), before + 600);
}

}  // namespace
}  // namespace mote::deploy
