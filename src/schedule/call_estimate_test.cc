#include "schedule/call_estimate.h"

#include <gtest/gtest.h>

#include "schedule/list.h"
#include "support/random.h"

namespace mote::schedule {
namespace {

std::vector<AssemblyLine> code_of(const std::string& text) {
  return read_assembly(text).at(0).lines;
}

/// Products and loads at random.
std::vector<Instruction> some_code(Random& random, int count) {
  std::vector<Instruction> code;
  for (int i = 0; i < count; ++i) {
    const Reg reg = static_cast<Reg>(4 + random.below(4));
    if (random.below(3) == 0)
      code.push_back(ldr(reg, 1, static_cast<int32_t>(4 * random.below(8))));
    else
      code.push_back(smlad(8, reg, 5, 8));
  }
  return code;
}

TEST(CallEstimate, OfStraightCodeIsThatOfTheRules) {
  const std::string pipeline = "m7";
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const std::vector<Instruction> code = some_code(random, 30);
    const CallEstimate estimate = CallEstimator(pipeline).call(code_of(text_of(code)), {});
    EXPECT_EQ(estimate.cycles, estimate_cycles(code, Rules(pipeline)));
    EXPECT_EQ(estimate.instructions, 30);
  }
}

TEST(CallEstimate, CountsTheRoundsOfLoopsItDoesNotWalkThrough) {
  for (const std::string pipeline : {"m7", "m4"}) {
    const CallEstimator estimator(pipeline);
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      SCOPED_TRACE(pipeline + " seed " + std::to_string(seed));
      Random random(seed);
      const int outer = static_cast<int>(random.between(1, 40)), inner = static_cast<int>(random.between(1, 40));
      const std::string body = text_of(some_code(random, 10));
      // The outer loop counts down an argument, the inner one walks a pointer to a limit on the stack.
      const CallEstimate estimate = estimator.call(
          code_of("f:\n  push {r4-r11, lr}\n  sub sp, sp, #16\n  vmov s0, r2\n1:\n  addw r3, r1, #" +
                  std::to_string(4 * inner) + "\n  str r3, [sp, #8]\n2:\n" + body +
                  "  addw r1, r1, #4\n  ldr r3, [sp, #8]\n  cmp r1, r3\n  bne 2b\n  vmov r3, s0\n  subs r3, r3, #1\n"
                  "  vmov s0, r3\n  bgt 1b\n  add sp, sp, #16\n  pop {r4-r11, pc}\n"),
          {0, 1 << 20, outer});
      EXPECT_EQ(estimate.instructions, 3 + outer * (2 + inner * 14 + 4) + 2);
      EXPECT_GT(estimate.cycles, 5.0 * outer * inner);
      EXPECT_LT(estimate.cycles, 40.0 * outer * (inner + 1) + 20);
    }
  }
}

TEST(CallEstimate, TakesWhatItCannotKnowForOneRound) {
  const CallEstimator estimator("m7");
  const std::string text = "f:\n  ldr r2, [r0]\n1:\n  mla r3, r3, r3, r3\n  subs r2, r2, #1\n  bne 1b\n  bx lr\n";
  EXPECT_EQ(estimator.call(code_of(text), {1 << 20}).multiplies, 1);
}

TEST(CallEstimate, Ends) {
  const CallEstimator estimator("m7");
  EXPECT_GT(estimator.call(code_of("f:\n1:\n  b 1b\n"), {}).instructions, 1000);
  EXPECT_GT(estimator.call(code_of("f:\n1:\n  subs r0, r0, #2\n  bne 1b\n"), {7}).instructions, 1000);
  EXPECT_EQ(CallEstimator("").call({}, {}).instructions, 0);
  const std::vector<int64_t> huge = {INT64_MAX, INT64_MIN, INT64_MAX};
  EXPECT_GT(estimator.call(code_of("f:\n1:\n  adds r0, r0, r2\n  cmp r1, r0\n  bne 1b\n"), huge).instructions, 0);
}

}  // namespace
}  // namespace mote::schedule
