#include "memory/pools.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "memory/plan.h"
#include "support/random.h"

namespace mote::memory {
namespace {

struct Case {
  Problem problem;
  std::vector<Pool> pools;
};

Case random_case(Random& random, int buffers, int64_t most_bytes, int64_t most_room, bool with_costs) {
  Case made;
  for (int i = 0; i < buffers; ++i) {
    const int first = static_cast<int>(random.below(4));
    made.problem.buffers.push_back({random.between(0, most_bytes), int64_t{1} << random.below(2), first,
                                    first + static_cast<int>(random.below(3))});
  }
  for (int k = 0; k < buffers / 2; ++k) {
    const int upper = static_cast<int>(random.below(static_cast<uint64_t>(buffers)));
    const int lower = static_cast<int>(random.below(static_cast<uint64_t>(buffers)));
    if (upper != lower) made.problem.overlaps.push_back({upper, lower, random.between(0, most_bytes)});
  }
  const size_t pools = 1 + random.below(3);
  for (size_t p = 0; p < pools; ++p) {
    made.pools.push_back({random.between(0, most_room)});
    for (int i = 0; with_costs && i < buffers; ++i) made.pools.back().costs.push_back(random.between(0, 5));
  }
  return made;
}

/// The least cost of all distributions, each pool planned by itself; plan() is exact for problems of this size.
std::optional<int64_t> exhaustive_cost(const Case& c) {
  const size_t n = c.problem.buffers.size();
  std::optional<int64_t> least;
  std::vector<size_t> pool_of(n, 0);
  for (;;) {
    int64_t cost = 0;
    bool fits = true;
    for (size_t p = 0; p < c.pools.size() && fits; ++p) {
      std::vector<int> content;
      for (size_t i = 0; i < n; ++i) {
        if (pool_of[i] != p) continue;
        content.push_back(static_cast<int>(i));
        cost += c.pools[p].costs.empty() ? 0 : c.pools[p].costs[i];
      }
      fits = plan(part_of(c.problem, content)).peak_bytes <= c.pools[p].bytes;
    }
    if (fits && (!least || cost < *least)) least = cost;
    size_t i = 0;
    while (i < n && ++pool_of[i] == c.pools.size()) pool_of[i++] = 0;
    if (i == n) return least;
  }
}

/// Holds every pool against its size and the independent check of offsets.
void expect_legal(const Case& c, const PoolPlan& found) {
  const size_t n = c.problem.buffers.size();
  ASSERT_EQ(found.pool_of.size(), n);
  ASSERT_EQ(found.offsets.size(), n);
  ASSERT_EQ(found.bytes.size(), c.pools.size());
  int64_t cost = 0;
  for (size_t p = 0; p < c.pools.size(); ++p) {
    std::vector<int> content;
    std::vector<int64_t> offsets;
    int64_t peak = 0;
    for (size_t i = 0; i < n; ++i) {
      ASSERT_GE(found.pool_of[i], 0);
      ASSERT_LT(found.pool_of[i], static_cast<int>(c.pools.size()));
      if (found.pool_of[i] != static_cast<int>(p)) continue;
      content.push_back(static_cast<int>(i));
      offsets.push_back(found.offsets[i]);
      peak = std::max(peak, found.offsets[i] + c.problem.buffers[i].size);
      cost += c.pools[p].costs.empty() ? 0 : c.pools[p].costs[i];
    }
    EXPECT_THAT(violations(part_of(c.problem, content), offsets), testing::IsEmpty());
    EXPECT_EQ(found.bytes[p], peak);
    EXPECT_LE(peak, c.pools[p].bytes);
  }
  EXPECT_EQ(found.cost, cost);
}

TEST(Pools, HoldTogetherWhatNoneHoldsAlone) {
  const Case c{{{{60, 4, 0, 1}, {60, 4, 0, 1}, {30, 4, 1, 2}}, {}}, {{64}, {96}}};
  const std::optional<PoolPlan> found = plan_in_pools(c.problem, c.pools);
  ASSERT_TRUE(found);
  expect_legal(c, *found);
  EXPECT_NE(found->pool_of[0], found->pool_of[1]);
  EXPECT_EQ(found->pool_of[2], 1);
  EXPECT_FALSE(plan_in_pools(c.problem, {{64}, {64}}));
  EXPECT_FALSE(plan_in_pools(c.problem, {}));
}

TEST(Pools, GiveTheFastMemoryToWhatIsUsedMost) {
  const Case c{{{{60, 4, 0, 1}, {60, 4, 0, 1}, {30, 4, 1, 2}}, {}}, {{64}, {1000, {10, 90, 50}}}};
  const std::optional<PoolPlan> found = plan_in_pools(c.problem, c.pools);
  ASSERT_TRUE(found);
  expect_legal(c, *found);
  EXPECT_THAT(found->pool_of, testing::ElementsAre(1, 0, 1));
  EXPECT_EQ(found->cost, 60);
  EXPECT_TRUE(found->optimal);
}

TEST(Pools, FillTheFirstOfEquals) {
  const Case c{{{{8, 4, 0, 0}, {8, 4, 0, 0}}, {}}, {{16}, {16}}};
  EXPECT_THAT(plan_in_pools(c.problem, c.pools)->pool_of, testing::ElementsAre(0, 0));
}

TEST(PoolsProperty, SmallOnesEqualTheExhaustiveOptimum) {
  int fitting = 0;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    const Case c = random_case(random, static_cast<int>(random.below(6)), 9, 20, seed % 3 != 0);
    const std::optional<PoolPlan> found = plan_in_pools(c.problem, c.pools);
    const std::optional<int64_t> least = exhaustive_cost(c);
    ASSERT_EQ(found.has_value(), least.has_value());
    if (!found) continue;
    ++fitting;
    expect_legal(c, *found);
    ASSERT_EQ(found->cost, *least);
    ASSERT_TRUE(found->optimal);
  }
  EXPECT_GT(fitting, 1000);
}

TEST(PoolsProperty, HundredsOfBuffersAreLegal) {
  for (const int buffers : {40, 200, 500}) {
    Random random(static_cast<uint64_t>(buffers));
    Case c = random_case(random, buffers, 1000, 0, true);
    for (Buffer& buffer : c.problem.buffers) {
      const int later = static_cast<int>(random.below(static_cast<uint64_t>(buffers)));
      buffer.first += later;
      buffer.last += later;
    }
    const int64_t peak = plan(c.problem, {.hill_climbing = 0, .exact = 0}).peak_bytes;
    c.pools.resize(1);
    c.pools[0].bytes = peak * 2 / 3;
    c.pools.push_back({peak * 2 / 3});
    const std::optional<PoolPlan> found = plan_in_pools(c.problem, c.pools, {.exact = 20'000'000});
    ASSERT_TRUE(found) << buffers;
    expect_legal(c, *found);
  }
}

}  // namespace
}  // namespace mote::memory
