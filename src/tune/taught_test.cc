#include "tune/taught.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/random.h"

namespace mote::tune {
namespace {

/// `count` programs of two features that run at 2^(a - 2 b) operations per cycle, a and b up to 1.
std::vector<Example> group_of(uint32_t group, int count, float least_a) {
  Random random(group);
  std::vector<Example> examples;
  for (int i = 0; i < count; ++i) {
    const float a = least_a + 0.5F * static_cast<float>(random.unit()), b = static_cast<float>(random.unit());
    examples.push_back({{a, b}, std::exp2(a - 2 * b), group});
  }
  return examples;
}

TEST(Taught, ScoresTellHowMuchFasterAProgramIsOverAllGroups) {
  std::vector<Example> examples = group_of(1, 200, 0);
  for (const Example& example : group_of(2, 200, 0.5F)) examples.push_back(example);
  const Taught taught(examples, {});
  // Between groups, which overlap nowhere in the first feature, as well as within one.
  const float slow = taught.score({0.2F, 0.8F}, 0), fast = taught.score({0.9F, 0.2F}, 0);
  EXPECT_NEAR(fast - slow, kScorePerHalf * (0.7F + 2 * 0.6F), 3);
  EXPECT_NEAR(fast, kScorePerHalf * (0.9F - 0.4F), 2);
}

TEST(Taught, LearnsWhatIsToBeAddedToTheEstimate) {
  // The estimate knows all but the first feature: what it leaves to learn is that one alone.
  const Estimate estimate = [](const std::vector<float>& program) { return 2 * program[1]; };
  const Taught taught(group_of(1, 200, 0), estimate);
  const std::vector<float> program{0.4F, 0.3F}, other{0.4F, 0.9F};
  EXPECT_NEAR(taught.score(program, estimated_score(estimate, program)), kScorePerHalf * (0.4F - 0.6F), 0.5);
  EXPECT_NEAR(taught.score(program, 0), taught.score(other, 0), 0.5);
}

TEST(Taught, AFailureCountsAsHalfAsFastAsTheSlowestOfItsGroup) {
  std::vector<Example> examples;
  for (int i = 0; i < 20; ++i) {
    examples.push_back({{0}, 4, 1});
    examples.push_back({{1}, 1, 1});
    examples.push_back({{2}, 0, 1});
    examples.push_back({{3}, 16, 2});
    examples.push_back({{4}, 0, 2});
  }
  const Taught taught(examples, {});
  EXPECT_NEAR(taught.score({1}, 0), 0, 0.1);
  EXPECT_NEAR(taught.score({2}, 0), -kScorePerHalf, 0.1);
  EXPECT_NEAR(taught.score({4}, 0), 3 * kScorePerHalf, 0.1);
}

TEST(Taught, BearsGroupsOfFailuresOnly) {
  const Taught taught({{{1, 2}, 0, 1}, {{2, 1}, 0, 1}}, {});
  EXPECT_TRUE(std::isfinite(taught.score({1, 2}, 0)));
}

TEST(EstimatedScore, IsSoMuchGreaterForHalfTheCycles) {
  const Estimate estimate = [](const std::vector<float>& program) { return program[0]; };
  EXPECT_FLOAT_EQ(estimated_score(estimate, {2}) - estimated_score(estimate, {3}), kScorePerHalf);
  EXPECT_FLOAT_EQ(estimated_score({}, {2}), 0);
}

}  // namespace
}  // namespace mote::tune
