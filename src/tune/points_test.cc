#include "tune/points.h"

#include <gtest/gtest.h>

#include <set>

#include "tune/testing.h"

namespace mote::tune {
namespace {

TEST(Points, DrawTakesEveryLegalPointOnce) {
  const Task task = small_task("w");
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Points points(task.space);
    Random random(seed);
    std::set<uint64_t> seen;
    for (int i = 0; i < 160; ++i) {
      const std::optional<uint64_t> index = points.draw(random);
      ASSERT_TRUE(index);
      EXPECT_TRUE(points.is_legal(*index));
      EXPECT_TRUE(seen.insert(*index).second);
    }
    EXPECT_EQ(points.draw(random), std::nullopt);
  }
}

TEST(Points, DrawIsUniform) {
  const Task task = small_task("w");
  Random random(1);
  std::vector<int> hits(task.space.size());
  for (int i = 0; i < 16000; ++i) {
    Points points(task.space);
    ++hits[*points.draw(random)];
  }
  for (uint64_t i = 0; i < task.space.size(); ++i) {
    if (task.space.why_illegal(task.space.at(i))) {
      EXPECT_EQ(hits[i], 0);
    } else {
      EXPECT_GT(hits[i], 50) << i;  // 100 expected
      EXPECT_LT(hits[i], 160) << i;
    }
  }
}

TEST(Points, NeighboursDifferInOneKnob) {
  const Task task = small_task("w");
  const Points points(task.space);
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    const uint64_t from = random.below(points.size());
    const uint64_t to = points.neighbour(from, random);
    EXPECT_LT(to, points.size());
    EXPECT_EQ(points.distance(from, to), 1);
    const space::Config a = task.space.at(from), b = task.space.at(to);
    int different = 0;
    for (size_t k = 0; k < a.values.size(); ++k) different += a.values[k] != b.values[k];
    EXPECT_EQ(different, 1);
  }
}

TEST(Points, DrawNearWidensWhenTheNeighboursAreTaken) {
  const Task task = small_task("w");
  Points points(task.space);
  Random random(1);
  const uint64_t from = 0;
  points.take(from);
  int drawn = 0, widest = 0;
  while (const std::optional<uint64_t> index = points.draw_near(from, random)) {
    EXPECT_TRUE(points.is_legal(*index));
    widest = std::max(widest, points.distance(from, *index));
    if (++drawn <= 5) {
      EXPECT_EQ(widest, 1);
    }
  }
  EXPECT_GT(drawn, 60);
  EXPECT_GE(widest, 2);
}

TEST(Points, CrossingTakesEachKnobFromAParent) {
  const Task task = small_task("w");
  const Points points(task.space);
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    const uint64_t a = random.below(points.size()), b = random.below(points.size());
    const uint64_t child = points.crossing(a, b, random);
    EXPECT_EQ(points.crossing(a, a, random), a);
    const space::Config parents[] = {task.space.at(a), task.space.at(b)};
    const space::Config made = task.space.at(child);
    for (size_t k = 0; k < made.values.size(); ++k) {
      EXPECT_TRUE(made.values[k] == parents[0].values[k] || made.values[k] == parents[1].values[k]);
    }
  }
}

/// Alternatives of 30, 1 and 8 points; "tile" is a knob of two of them, with other values.
space::Space three_alternatives() {
  space::Space space;
  space.alternatives = {{"a", {space::one_of("tile", {1, 2, 3}, ""), space::divisors("deep", 48, 48, "")}, {}},
                        {"b", {}, {}},
                        {"c", {space::flag("packed", ""), space::one_of("tile", {4, 3, 2, 9}, "")}, {}}};
  return space;
}

TEST(Points, ANeighbourMayBeOfAnotherAlternativeAndKeepsWhatBothHave) {
  const space::Space space = three_alternatives();
  const Points points(space);
  Random random(1);
  std::set<std::pair<std::string, std::string>> moves;
  for (int i = 0; i < 3000; ++i) {
    const uint64_t from = random.below(points.size()), to = points.neighbour(from, random);
    ASSERT_LT(to, points.size());
    const space::Config a = space.at(from), b = space.at(to);
    moves.emplace(a.alternative, b.alternative);
    if (a.alternative == b.alternative) {
      EXPECT_EQ(points.distance(from, to), 1);
      continue;
    }
    EXPECT_GT(points.distance(from, to), 2);
    const bool both = a.alternative != "b" && b.alternative != "b";
    if (both && (a.at("tile") == 2 || a.at("tile") == 3)) {
      EXPECT_EQ(b.at("tile"), a.at("tile"));
    }
  }
  EXPECT_EQ(moves.size(), 8u);  // all but from b to b, which has one point
}

TEST(Points, CrossingOfTwoAlternativesIsAPointOfOneOfThem) {
  const space::Space space = three_alternatives();
  const Points points(space);
  Random random(1);
  bool crossed = false;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t a = random.below(points.size()), b = random.below(points.size());
    const space::Config mother = space.at(a), father = space.at(b), child = space.at(points.crossing(a, b, random));
    ASSERT_TRUE(child.alternative == mother.alternative || child.alternative == father.alternative);
    const space::Config& own = child.alternative == mother.alternative ? mother : father;
    crossed = crossed || (mother.alternative != father.alternative && child != own);
    for (const auto& [knob, value] : child.values) {
      EXPECT_TRUE(value == mother.get(knob, -1) || value == father.get(knob, -1));
    }
  }
  EXPECT_TRUE(crossed);
}

TEST(Points, ASpaceOfOnePoint) {
  const space::Space space = space::product({space::one_of("only", {7}, "")});
  Points points(space);
  Random random(1);
  EXPECT_EQ(points.neighbour(0, random), 0u);
  EXPECT_EQ(points.draw(random), 0u);
  EXPECT_EQ(points.draw(random), std::nullopt);
  EXPECT_EQ(points.draw_near(0, random), std::nullopt);
}

}  // namespace
}  // namespace mote::tune
