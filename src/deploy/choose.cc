#include "deploy/choose.h"

#include <algorithm>

namespace mote::deploy {

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
    return known;
  };
}

}  // namespace mote::deploy
