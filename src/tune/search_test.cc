#include "tune/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "support/random.h"
#include "tune/synthetic.h"
#include "tune/testing.h"

namespace mote::tune {
namespace {

using ::testing::IsEmpty;

class EverySearch : public ::testing::TestWithParam<Strategy> {
 protected:
  Task task_ = small_task("w");

  Outcome outcome_of(uint64_t index) const { return ok_outcome(small_cost(task_.space.at(index))); }
  /// The points of a whole search, in batches of `batch`; `outcome` answers.
  template <typename Answer>
  std::vector<uint64_t> path(uint64_t seed, size_t batch, size_t most, const Answer& outcome) const {
    const std::unique_ptr<Search> search = make_search(GetParam(), task_, seed);
    std::vector<uint64_t> points;
    while (points.size() < most) {
      const std::vector<uint64_t> proposals = search->propose(std::min(batch, most - points.size()));
      if (proposals.empty()) break;
      for (const uint64_t index : proposals) search->tell(index, outcome(index));
      points.insert(points.end(), proposals.begin(), proposals.end());
    }
    return points;
  }
};

TEST_P(EverySearch, ProposesEveryLegalPointExactlyOnceWhateverComesBack) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const std::vector<uint64_t> points = path(seed, 1 + random.below(20), 1000, [&](uint64_t index) {
      if (random.below(3) == 0) return failed_outcome(static_cast<Status>(random.between(1, 8)), "so it goes");
      return random.below(2) == 0 ? outcome_of(index) : ok_outcome(random.below(4));
    });
    EXPECT_EQ(points.size(), 160u);
    EXPECT_EQ(std::set<uint64_t>(points.begin(), points.end()).size(), points.size());
    for (const uint64_t index : points) EXPECT_EQ(task_.space.why_illegal(task_.space.at(index)), std::nullopt);
  }
}

TEST_P(EverySearch, ProposesAllWithoutBeingToldAnything) {
  const std::unique_ptr<Search> search = make_search(GetParam(), task_, 1);
  std::set<uint64_t> seen;
  for (int i = 0; i < 40; ++i) {
    for (const uint64_t index : search->propose(7)) EXPECT_TRUE(seen.insert(index).second);
  }
  EXPECT_EQ(seen.size(), 160u);
}

TEST_P(EverySearch, NeverProposesWhatItWasTold) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const std::unique_ptr<Search> search = make_search(GetParam(), task_, seed);
    std::set<uint64_t> known;
    while (known.size() < 100) {
      const uint64_t index = random.below(task_.space.size());
      known.insert(index);
      search->tell(index, outcome_of(index));
      search->tell(index, outcome_of(index));
    }
    for (std::vector<uint64_t> points = search->propose(9); !points.empty(); points = search->propose(9)) {
      for (const uint64_t index : points) {
        EXPECT_TRUE(known.insert(index).second);
        search->tell(index, outcome_of(index));
      }
    }
  }
}

TEST_P(EverySearch, ProposesNoMoreThanItIsAskedFor) {
  const std::unique_ptr<Search> search = make_search(GetParam(), task_, 1);
  for (const size_t count : {0, 4, 0, 1, 0, 9}) {
    const std::vector<uint64_t> points = search->propose(count);
    EXPECT_EQ(points.size(), count);
    for (const uint64_t index : points) search->tell(index, outcome_of(index));
  }
}

TEST_P(EverySearch, SameSeedSamePath) {
  const auto run = [&](uint64_t seed) { return path(seed, 16, 96, [&](uint64_t index) { return outcome_of(index); }); };
  EXPECT_EQ(run(5), run(5));
  if (GetParam() != Strategy::kExhaustive) {
    EXPECT_NE(run(5), run(6));
  }
}

TEST_P(EverySearch, ASpaceOfOnePointAndOneWithoutALegalPoint) {
  Task one;
  EXPECT_EQ(make_search(GetParam(), one, 1)->propose(4), std::vector<uint64_t>{0});
  Task none = small_task("w");
  none.space.alternatives.front().illegal = [](const space::Config&) { return "never"; };
  EXPECT_THAT(make_search(GetParam(), none, 1)->propose(4), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(All, EverySearch, ::testing::ValuesIn(strategies()),
                         [](const auto& info) { return std::string(name_of(info.param)); });

/// The geometric mean, over seeds and workloads, of the best after 90 trials over the fallback.
double quality(Strategy strategy, uint64_t seeds) {
  double total = 0;
  int runs = 0;
  for (uint64_t variant = 1; variant <= 4; ++variant) {
    const Task task = synthetic_task("w");
    const uint64_t fallback = synthetic_cycles(task.fallback, variant);
    for (uint64_t seed = 1; seed <= seeds; ++seed, ++runs) {
      const std::unique_ptr<Search> search = make_search(strategy, task, seed);
      search->tell(0, ok_outcome(fallback));
      uint64_t best = fallback;
      for (size_t trials = 0; trials < 90; trials += 15) {
        for (const uint64_t index : search->propose(15)) {
          const uint64_t cycles = synthetic_cycles(task.space.at(index), variant);
          search->tell(index, ok_outcome(cycles));
          best = std::min(best, cycles);
        }
      }
      total += std::log(static_cast<double>(best) / static_cast<double>(fallback));
    }
  }
  return std::exp(total / runs);
}

TEST(Search, EachLearnsMoreThanTheOneBefore) {
  const double random = quality(Strategy::kRandom, 20);
  const double annealing = quality(Strategy::kAnnealing, 20);
  const double genetic = quality(Strategy::kGenetic, 20);
  const double model = quality(Strategy::kModel, 4);
  RecordProperty("random", std::to_string(random));
  RecordProperty("annealing", std::to_string(annealing));
  RecordProperty("genetic", std::to_string(genetic));
  RecordProperty("model", std::to_string(model));
  EXPECT_LT(annealing, 0.9 * random);
  EXPECT_LT(genetic, 0.97 * random);
  EXPECT_LT(model, 0.95 * std::min(annealing, genetic));
}

TEST(Search, StrategiesAreKnownByTheirNames) {
  for (const Strategy strategy : strategies()) EXPECT_EQ(strategy_named(name_of(strategy)), strategy);
  EXPECT_EQ(strategy_named("luck"), std::nullopt);
}

}  // namespace
}  // namespace mote::tune
