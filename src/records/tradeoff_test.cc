#include "records/tradeoff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/random.h"

namespace mote::records {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Trial trial(const std::string& knobs, uint64_t cycles, uint32_t flash, uint32_t ram, Status status = Status::kOk) {
  Trial t;
  t.knobs = knobs;
  t.outcome.status = status;
  t.outcome.cycles = cycles;
  t.outcome.flash_bytes = flash;
  t.outcome.ram_bytes = ram;
  return t;
}

std::vector<std::string> names_of(const std::vector<Trial>& trials) {
  std::vector<std::string> names;
  for (const Trial& t : trials) names.push_back(t.knobs);
  return names;
}

TEST(Pareto, KeepsWhatIsBestAtSomething) {
  const std::vector<Trial> kept = pareto_of(
      {trial("small", 90, 10, 50), trial("fast", 50, 40, 50), trial("slower, larger", 60, 41, 50),
       trial("failed", 1, 1, 1, Status::kFault), trial("needs no scratch", 60, 40, 0), trial("the same", 50, 40, 50)});
  EXPECT_THAT(names_of(kept), ElementsAre("fast", "needs no scratch", "small"));
  EXPECT_THAT(pareto_of({}), IsEmpty());
}

/// The fewest cycles of all combinations of at most `bytes`, by trying every one; nothing when none is so small.
std::optional<uint64_t> by_trying(const std::vector<std::vector<Option>>& groups, uint64_t bytes, size_t from = 0) {
  if (from == groups.size()) return 0;
  std::optional<uint64_t> best;
  for (const Option& option : groups[from]) {
    if (option.bytes > bytes) continue;
    const std::optional<uint64_t> rest = by_trying(groups, bytes - option.bytes, from + 1);
    if (rest && (!best || *rest + option.cycles < *best)) best = *rest + option.cycles;
  }
  return best;
}

TEST(Tradeoff, EqualsTryingEveryCombinationForEveryBudget) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::vector<std::vector<Option>> groups(random.below(6));
    for (std::vector<Option>& group : groups) {
      for (uint64_t n = 1 + random.below(5); n > 0; --n) group.push_back({random.below(30), random.below(20)});
    }
    const Tradeoff tradeoff(groups);
    for (uint64_t bytes = 0; bytes < 110; ++bytes) {
      const std::optional<size_t> best = tradeoff.best_within(bytes);
      const std::optional<uint64_t> expected = by_trying(groups, bytes);
      ASSERT_EQ(best.has_value(), expected.has_value()) << bytes;
      if (!best) continue;
      EXPECT_EQ(tradeoff.totals()[*best].cycles, *expected) << bytes;
      Option sum;
      const std::vector<size_t> choice = tradeoff.choice(*best);
      ASSERT_EQ(choice.size(), groups.size());
      for (size_t g = 0; g < groups.size(); ++g) {
        sum.cycles += groups[g].at(choice[g]).cycles;
        sum.bytes += groups[g].at(choice[g]).bytes;
      }
      EXPECT_EQ(sum.cycles, tradeoff.totals()[*best].cycles);
      EXPECT_EQ(sum.bytes, tradeoff.totals()[*best].bytes);
      EXPECT_LE(sum.bytes, bytes);
    }
  }
}

TEST(Tradeoff, ShowsWhatMoreMemoryBuys) {
  const Tradeoff tradeoff({{{100, 10}, {60, 30}}, {{50, 5}, {49, 100}}});
  std::vector<std::pair<uint64_t, uint64_t>> totals;
  for (const Option& total : tradeoff.totals()) totals.emplace_back(total.bytes, total.cycles);
  EXPECT_THAT(totals, ElementsAre(std::pair(15, 150), std::pair(35, 110), std::pair(130, 109)));
  EXPECT_EQ(tradeoff.best_within(14), std::nullopt);
  EXPECT_THAT(tradeoff.choice(*tradeoff.best_within(100)), ElementsAre(1, 0));
}

TEST(Tradeoff, OfALargeModelStaysSmall) {
  Random random(1);
  std::vector<std::vector<Option>> groups(40);
  for (std::vector<Option>& group : groups) {
    for (int n = 0; n < 12; ++n) group.push_back({10000 + random.below(100000), 500 + random.below(9000)});
  }
  const Tradeoff tradeoff(groups);
  EXPECT_GT(tradeoff.totals().size(), 100u);
  EXPECT_LT(tradeoff.totals().size(), 100000u);
}

}  // namespace
}  // namespace mote::records
