// A task made of trials that were measured before: searches can be compared on it in milliseconds, without a board.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "records/trial.h"
#include "tune/measurer.h"

namespace mote::tune {

struct Replay {
  Task task;  // its knobs and their values are those of the trials; a point that was not measured is illegal
  std::unordered_map<uint64_t, Outcome> outcomes;  // by the points' indices
  uint64_t best_cycles = 0;                        // of all; 0 when nothing worked
};

/// `trials` must be of one workload and all have the same knobs; of a point measured several times the first success
/// counts. The first trial's point becomes the fallback. Throws InputError, naming `where` the trials come from.
Replay replay_of(const std::vector<records::Trial>& trials, const std::string& where);

/// Answers with the outcomes of a replay, which must outlive it, and of no other task.
class ReplayMeasurer final : public Measurer {
 public:
  explicit ReplayMeasurer(const Replay& replay) : replay_(replay) {}
  std::vector<Outcome> measure(const Task& task, const std::vector<space::Config>& configs) override;

 private:
  const Replay& replay_;
};

}  // namespace mote::tune
