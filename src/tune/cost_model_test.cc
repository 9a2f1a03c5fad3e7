#include "tune/cost_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/random.h"
#include "tune/features.h"
#include "tune/testing.h"

namespace mote::tune {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Points of four features, of which two matter, and not linearly.
std::vector<Example> examples_of(uint64_t seed, int count, uint32_t group = 0) {
  Random random(seed);
  std::vector<Example> examples;
  for (int i = 0; i < count; ++i) {
    Example example{{}, 0, group};
    for (int k = 0; k < 4; ++k) example.features.push_back(static_cast<float>(random.unit()));
    example.merit = 1 - std::abs(example.features[0] - 0.7F) - 0.5F * example.features[2];
    examples.push_back(example);
  }
  return examples;
}

std::vector<std::vector<float>> rows_of(const std::vector<Example>& examples) {
  std::vector<std::vector<float>> rows;
  for (const Example& example : examples) rows.push_back(example.features);
  return rows;
}

/// The share of pairs that the scores put in the right order.
double share_in_order(const std::vector<Example>& examples, const std::vector<float>& scores) {
  int right = 0, all = 0;
  for (size_t i = 0; i < examples.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      ++all;
      right += (examples[i].merit < examples[k].merit) == (scores[i] < scores[k]);
    }
  }
  return static_cast<double>(right) / all;
}

TEST(CostModel, LearnsTheOrderOfPointsItHasNotSeen) {
  CostModel model(1);
  model.fit(examples_of(1, 200));
  const std::vector<Example> others = examples_of(2, 200);
  EXPECT_GT(share_in_order(others, model.score(rows_of(others))), 0.9);
}

TEST(CostModel, IsTheSameEveryTime) {
  const std::vector<std::vector<float>> rows = rows_of(examples_of(2, 50));
  CostModel a(7), b(7);
  a.fit(examples_of(5, 30));  // forgotten
  a.fit(examples_of(1, 100));
  b.fit(examples_of(1, 100));
  EXPECT_EQ(a.score(rows), b.score(rows));
}

TEST(CostModel, KnowsNothingBeforeItLearns) {
  CostModel model(1);
  EXPECT_THAT(model.score(rows_of(examples_of(1, 5))), Each(0.0F));
  EXPECT_THAT(model.score({}), IsEmpty());
  model.fit({});
  EXPECT_THAT(model.score(rows_of(examples_of(1, 5))), Each(0.0F));
}

TEST(CostModel, ComparesOnlyWithinAGroup) {
  // The second group's merits are all far greater, for a reason the features do not show.
  std::vector<Example> mixed = examples_of(1, 150, 5);
  for (Example example : examples_of(3, 150, 2)) {
    example.merit += 100;
    mixed.insert(mixed.begin() + static_cast<std::ptrdiff_t>(mixed.size() / 2), example);
  }
  CostModel model(1);
  model.fit(mixed);
  const std::vector<Example> others = examples_of(2, 200);
  EXPECT_GT(share_in_order(others, model.score(rows_of(others))), 0.9);
}

TEST(CostModel, OfMeritsTellsThemOverAllGroups) {
  std::vector<Example> mixed;
  for (int i = 0; i < 20; ++i) {
    for (uint32_t group = 1; group <= 3; ++group) mixed.push_back({{static_cast<float>(group)}, 7.0F * group, group});
  }
  CostModel a(1, CostModel::Goal::kMerit), b(2, CostModel::Goal::kMerit);
  a.fit(mixed);
  b.fit(mixed);
  const std::vector<std::vector<float>> rows{{1}, {2}, {3}};
  const std::vector<float> scores = a.score(rows);
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_NEAR(scores[i], 7.0F * static_cast<float>(i + 1), 0.1);
  EXPECT_EQ(b.score(rows), scores);
}

TEST(CostModel, BearsPointsThatAreAllAlike) {
  std::vector<Example> examples(20, Example{{1, 2}, 0.5F, 0});
  CostModel model(1);
  model.fit(examples);
  for (const float score : model.score(rows_of(examples))) EXPECT_TRUE(std::isfinite(score));
}

TEST(KnobFeatures, NumbersLabelsAndProducts) {
  const Task task = small_task("w");
  const space::Config config{"", {{"tile", 32}, {"unroll", 4}, {"packed", 1}, {"order", 1}}};
  EXPECT_THAT(knob_features(task, config), ElementsAre(32, 4, 1, 0, 1, 0, 128));
}

TEST(KnobFeatures, SplitsAndOrdersOfAlternatives) {
  Task task;
  task.space.alternatives = {{"a", {space::split("k", 8, 3, {}, "")}, {}},
                             {"b", {space::order("o", {"x", "y", "z"}, {}, ""), space::flag("packed", "")}, {}}};
  const std::vector<float> a = knob_features(task, *task.space.parse("algorithm=a k=2x1x4"));
  ASSERT_EQ(a.size(), 2u + 3 + 4);
  EXPECT_THAT(std::vector<float>(a.begin(), a.begin() + 5), ElementsAre(1, 0, 2, 1, 4));
  EXPECT_TRUE(std::all_of(a.begin() + 5, a.end(), [](float f) { return std::isnan(f); }));
  const std::vector<float> b = knob_features(task, *task.space.parse("algorithm=b o=z,x,y packed=1"));
  EXPECT_TRUE(std::isnan(b[2]));
  EXPECT_THAT(std::vector<float>(b.begin() + 5, b.end()), ElementsAre(1, 2, 0, 1));
}

TEST(KnobFeatures, AsManyForEveryPoint) {
  Task task = small_task("w");
  task.space.alternatives.front().knobs.push_back(space::one_of("constant", {3}, ""));
  for (uint64_t i = 0; i < task.space.size(); ++i) {
    EXPECT_EQ(knob_features(task, task.space.at(i)).size(), 7u);
  }
}

TEST(CostModel, LearnsWhatIsToBeAddedToAPrior) {
  // The prior knows of the first feature only, and all examples agree about that one.
  std::vector<Example> examples;
  for (int i = 0; i < 40; ++i) {
    const float a = static_cast<float>(i % 5), b = static_cast<float>(i / 5);
    examples.push_back({{a, b}, (a + b) / 11, 0, a});
  }
  CostModel model(1);
  model.fit(examples);
  const std::vector<std::vector<float>> rows{{1, 1}, {1, 1}, {1, 6}};
  const std::vector<float> scores = model.score(rows, std::vector<float>{0, 3, 0});
  EXPECT_NEAR(scores[1] - scores[0], 3, 1e-4);
  EXPECT_GT(scores[2], scores[0]);
}

}  // namespace
}  // namespace mote::tune
