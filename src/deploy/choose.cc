#include "deploy/choose.h"

#include <algorithm>

namespace mote::deploy {

namespace {

/// Cycles as they count for the order. A loop beyond the instruction cache runs at the pace of the flash, which trials
/// in memory without wait states do not show; what it wins there is a few percent, so it has to win more.
uint64_t cycles_to_rank(const Known& known, const target::Cache& instruction_cache) {
  constexpr uint64_t kPercentToWin = 10;
  const bool beyond = instruction_cache.size != 0 && known.config.get("code_budget", 0) > instruction_cache.size;
  return beyond ? known.cycles + known.cycles * kPercentToWin / 100 : known.cycles;
}

}  // namespace

Choose choose_from(const records::Database& records, const target::Board& board) {
  return [&records, &board](const kernels::Workload& workload, const space::Space& space) {
    constexpr size_t kMost =
        64;  // enough for the small ones, and in case the best cannot be lowered with these weights
    records::Query query;
    query.workload = workload.key;
    query.template_version = kernels::template_name(workload);
    query.target = board.target.name;
    query.board = board.name;
    std::vector<Known> known;
    for (const records::Trial& trial : records.ranked(query, kMost)) {
      const std::optional<space::Config> config = space.parse(trial.knobs);
      if (config && !space.why_illegal(*config))
        known.push_back({*config, trial.outcome.cycles, trial.outcome.flash_bytes});
    }
    std::stable_sort(known.begin(), known.end(), [&](const Known& a, const Known& b) {
      return cycles_to_rank(a, board.instruction_cache) < cycles_to_rank(b, board.instruction_cache);
    });
    return known;
  };
}

}  // namespace mote::deploy
