#include "memory/plan.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

#include "support/random.h"

namespace mote::memory {
namespace {

Problem random_problem(Random& random, int buffers, int64_t most_bytes, int steps, bool with_overlaps) {
  Problem problem;
  for (int i = 0; i < buffers; ++i) {
    Buffer b;
    b.size = random.between(0, most_bytes);
    b.align = int64_t{1} << random.below(3);
    b.first = static_cast<int>(random.below(static_cast<uint64_t>(steps)));
    b.last = std::min(steps - 1, b.first + static_cast<int>(random.below(4)));
    problem.buffers.push_back(b);
  }
  if (!with_overlaps) return problem;
  for (int k = 0; k < buffers / 3; ++k) {
    const int upper = static_cast<int>(random.below(static_cast<uint64_t>(buffers)));
    const int lower = static_cast<int>(random.below(static_cast<uint64_t>(buffers)));
    if (upper != lower) problem.overlaps.push_back({upper, lower, random.between(0, most_bytes)});
  }
  return problem;
}

/// Written without a look at the planner: whether a and b, at these offsets, keep out of each other's way.
bool compatible(const Problem& problem, size_t a, int64_t at_a, size_t b, int64_t at_b) {
  const Buffer& x = problem.buffers[a];
  const Buffer& y = problem.buffers[b];
  if (x.size == 0 || y.size == 0 || x.last < y.first || y.last < x.first) return true;
  if (at_a + x.size <= at_b || at_b + y.size <= at_a) return true;
  return std::any_of(problem.overlaps.begin(), problem.overlaps.end(), [&](const Overlap& overlap) {
    const bool forward = overlap.upper == static_cast<int>(a) && overlap.lower == static_cast<int>(b);
    const bool backward = overlap.upper == static_cast<int>(b) && overlap.lower == static_cast<int>(a);
    return (forward && at_a - at_b >= overlap.distance) || (backward && at_b - at_a >= overlap.distance);
  });
}

/// How far above x's beginning y has to begin, at least, if y lies above x: written without a look at the planner.
int64_t gap(const Problem& problem, int x, int y) {
  int64_t bytes = problem.buffers[static_cast<size_t>(x)].size;
  for (const Overlap& overlap : problem.overlaps) {
    if (overlap.lower == x && overlap.upper == y) bytes = std::min(bytes, std::max<int64_t>(overlap.distance, 0));
  }
  const int64_t grain =
      std::gcd(problem.buffers[static_cast<size_t>(x)].align, problem.buffers[static_cast<size_t>(y)].align);
  return (bytes + grain - 1) / grain * grain;
}

bool live_together(const Buffer& x, const Buffer& y) {
  return x.size > 0 && y.size > 0 && x.first <= y.last && y.first <= x.last;
}

/// Checks a proof: knows plan.h's definition of a problem and nothing of how the planner searches.
class ProofChecker {
 public:
  ProofChecker(const Problem& problem, const Proof& proof) : problem_(problem), proof_(proof) {}

  /// Whether the proof shows that every plan has a peak of `bound` or more.
  bool holds() { return proof_.bound <= 0 || check(0, {}); }

 private:
  using Answers = std::vector<std::pair<int, int>>;  // (below, above)

  bool check(int index, const Answers& answers) {
    if (index < 0 || index >= static_cast<int>(proof_.nodes.size())) return false;
    const Proof::Node& node = proof_.nodes[static_cast<size_t>(index)];
    if (node.a < 0) return reaches_bound(node.stack, answers);
    if (!live_together(buffer(node.a), buffer(node.b))) return false;        // neither need lie below the other
    if (node.a_is_below <= index || node.b_is_below <= index) return false;  // nothing proves itself
    Answers first = answers, second = answers;
    first.emplace_back(node.a, node.b);
    second.emplace_back(node.b, node.a);
    return check(node.a_is_below, first) && check(node.b_is_below, second);
  }

  const Buffer& buffer(int i) const { return problem_.buffers.at(static_cast<size_t>(i)); }

  /// The lowest offsets the answers allow; where they go in a circle, one is beyond the bound.
  std::vector<int64_t> lowest(const Answers& answers) const {
    std::vector<int64_t> offsets(problem_.buffers.size(), 0);
    for (bool changed = true; changed;) {
      changed = false;
      for (const auto& [below, above] : answers) {
        int64_t least = offsets[static_cast<size_t>(below)] + gap(problem_, below, above);
        while (least % buffer(above).align != 0) ++least;
        if (least <= offsets[static_cast<size_t>(above)]) continue;
        offsets[static_cast<size_t>(above)] = least;
        if (least > proof_.bound) return offsets;
        changed = true;
      }
    }
    return offsets;
  }

  /// Buffers that all live together lie above one another in some order: whatever it is, from the lowest one's
  /// beginning on each but the last takes at least its smallest gap, and the last its size.
  bool reaches_bound(const std::vector<int>& stack, const Answers& answers) const {
    if (stack.empty()) return false;
    const std::vector<int64_t> offsets = lowest(answers);
    if (*std::max_element(offsets.begin(), offsets.end()) > proof_.bound) return true;
    int64_t base = INT64_MAX, gaps = 0, last = INT64_MAX, alone = 0;
    for (const int i : stack) {
      int64_t smallest = INT64_MAX;
      for (const int j : stack) {
        if (i == j) continue;
        if (!live_together(buffer(i), buffer(j))) return false;
        smallest = std::min(smallest, gap(problem_, i, j));
      }
      if (stack.size() == 1) smallest = 0;
      base = std::min(base, offsets[static_cast<size_t>(i)]);
      gaps += smallest;
      last = std::min(last, buffer(i).size - smallest);
      alone = std::max(alone, buffer(i).size);
    }
    return base + std::max(gaps + last, alone) >= proof_.bound;
  }

  const Problem& problem_;
  const Proof& proof_;
};

void expect_legal(const Problem& problem, const Plan& plan) {
  ASSERT_EQ(plan.offsets.size(), problem.buffers.size());
  int64_t peak = 0;
  for (size_t i = 0; i < problem.buffers.size(); ++i) {
    EXPECT_GE(plan.offsets[i], 0);
    EXPECT_EQ(plan.offsets[i] % problem.buffers[i].align, 0);
    peak = std::max(peak, plan.offsets[i] + problem.buffers[i].size);
    for (size_t j = 0; j < i; ++j) {
      EXPECT_TRUE(compatible(problem, i, plan.offsets[i], j, plan.offsets[j])) << i << " and " << j;
    }
  }
  EXPECT_EQ(plan.peak_bytes, peak);
  EXPECT_LE(plan.lower_bound_bytes, plan.peak_bytes);
  EXPECT_EQ(plan.optimal, plan.lower_bound_bytes == plan.peak_bytes);
  EXPECT_EQ(plan.proof.bound, plan.lower_bound_bytes);
  EXPECT_TRUE(ProofChecker(problem, plan.proof).holds());
}

/// Whether all buffers from `next` on can be placed below `peak`, by trying every offset.
bool fits(const Problem& problem, std::vector<int64_t>& offsets, size_t next, int64_t peak) {
  if (next == problem.buffers.size()) return true;
  const Buffer& buffer = problem.buffers[next];
  for (int64_t at = 0; at + buffer.size <= peak; at += buffer.align) {
    bool free = true;
    for (size_t i = 0; i < next && free; ++i) free = compatible(problem, next, at, i, offsets[i]);
    offsets[next] = at;
    if (free && fits(problem, offsets, next + 1, peak)) return true;
  }
  return false;
}

int64_t exhaustive_peak(const Problem& problem) {
  std::vector<int64_t> offsets(problem.buffers.size());
  int64_t peak = 0;
  while (!fits(problem, offsets, 0, peak)) ++peak;
  return peak;
}

TEST(Plan, NothingNeedsNothing) {
  const Plan empty = plan({});
  EXPECT_EQ(empty.peak_bytes, 0);
  EXPECT_TRUE(empty.optimal);
}

TEST(Plan, ReusesBytesOfTheDead) {
  const Problem chain{{{100, 4, 0, 1}, {60, 4, 1, 2}, {100, 4, 2, 3}}, {}};
  const Plan best = plan(chain);
  expect_legal(chain, best);
  EXPECT_EQ(best.peak_bytes, 160);
  EXPECT_TRUE(best.optimal);
}

TEST(Plan, RoundsToAlignmentOnlyBelowTheTop) {
  const Problem pair{{{5, 8, 0, 0}, {3, 8, 0, 0}}, {}};
  EXPECT_EQ(plan(pair).peak_bytes, 11);
  EXPECT_TRUE(plan(pair).optimal);
}

TEST(Plan, WritesInPlace) {
  const Problem in_place{{{100, 4, 0, 1}, {100, 4, 1, 2}}, {{0, 1, 0}}};
  EXPECT_EQ(plan(in_place).peak_bytes, 100);
  const Problem one_row_behind{{{100, 4, 0, 1}, {100, 4, 1, 2}}, {{0, 1, 12}}};
  const Plan behind = plan(one_row_behind);
  EXPECT_EQ(behind.peak_bytes, 112);
  EXPECT_EQ(behind.offsets[0], behind.offsets[1] + 12);
}

TEST(Plan, IsTheSameEveryTime) {
  Random random(7);
  const Problem problem = random_problem(random, 40, 1000, 20, true);
  EXPECT_EQ(plan(problem).offsets, plan(problem).offsets);
}

TEST(Plan, SaysWhatIsWrong) {
  const Problem pair{{{8, 4, 0, 1}, {8, 4, 1, 1}}, {}};
  EXPECT_THAT(violations(pair, {0, 8}), testing::IsEmpty());
  EXPECT_THAT(violations(pair, {0, 4}), testing::ElementsAre(testing::HasSubstr("overlap")));
  EXPECT_THAT(violations(pair, {0, 10}), testing::ElementsAre(testing::HasSubstr("not aligned")));
  EXPECT_THAT(violations(pair, {0}), testing::SizeIs(1));
}

TEST(PlanProperty, SmallOnesEqualTheExhaustiveOptimum) {
  for (uint64_t seed = 1; seed <= 10'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    const Problem problem = random_problem(random, 1 + static_cast<int>(random.below(6)), 6, 5, seed % 2 == 0);
    const Plan best = plan(problem);
    expect_legal(problem, best);
    EXPECT_TRUE(best.optimal);
    ASSERT_EQ(best.peak_bytes, exhaustive_peak(problem));
  }
}

TEST(Plan, ProvesWhatNoSingleStepShows) {
  int deep = 0;  // proofs
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random each(seed);
    const Problem problem = random_problem(each, 12, 9, 9, seed % 2 == 0);
    const Plan best = plan(problem);
    expect_legal(problem, best);
    deep += best.proof.nodes.size() > 1 ? 1 : 0;
  }
  EXPECT_GT(deep, 0);
}

TEST(Plan, DoubtfulProofsAreRefused) {
  const Problem pair{{{8, 4, 0, 1}, {8, 4, 1, 2}, {8, 4, 2, 2}}, {}};
  const auto holds = [&](const Proof& proof) { return ProofChecker(pair, proof).holds(); };
  EXPECT_TRUE(holds({{{.stack = {0, 1}}}, 16}));
  EXPECT_FALSE(holds({{{.stack = {0, 1}}}, 17}));
  EXPECT_FALSE(holds({{{.stack = {0, 1, 2}}}, 24})) << "they never live together";
  EXPECT_FALSE(holds({{{.stack = {}}}, 16}));
  EXPECT_FALSE(holds({{}, 1}));
  EXPECT_FALSE(holds({{{.a = 0, .b = 1, .a_is_below = 0, .b_is_below = 0}}, 16}));
  EXPECT_FALSE(holds({{{.a = 0, .b = 2, .a_is_below = 1, .b_is_below = 1}, {.stack = {0, 1}}}, 16}));
  EXPECT_TRUE(holds({{{.a = 0, .b = 1, .a_is_below = 1, .b_is_below = 2}, {.stack = {1}}, {.stack = {0}}}, 16}));
}

TEST(PlanProperty, LargeOnesAreLegal) {
  for (uint64_t seed = 1; seed <= 10'000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    const Problem problem = random_problem(random, static_cast<int>(random.below(40)), 5000, 30, seed % 2 == 0);
    const Plan best = plan(problem, {.hill_climbing = 20'000, .exact = 20'000, .seed = seed});
    expect_legal(problem, best);
    ASSERT_THAT(violations(problem, best.offsets), testing::IsEmpty());
    if (testing::Test::HasFailure()) return;
  }
}

TEST(PlanProperty, HundredsOfBuffersAreFine) {
  Random random(1);
  const Problem problem = random_problem(random, 500, 100'000, 300, true);
  const Plan best = plan(problem);
  expect_legal(problem, best);
  EXPECT_LT(best.peak_bytes, 2 * best.lower_bound_bytes);
}

}  // namespace
}  // namespace mote::memory
