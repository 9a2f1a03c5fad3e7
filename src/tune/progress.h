// How far a tuning run is: what a progress bar, a summary table and a test want to know.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tune/measurer.h"

namespace mote::tune {

struct TaskProgress {
  const Task* task = nullptr;
  std::optional<uint64_t> fallback_cycles;                // nothing before it was measured, or when it failed
  std::optional<uint64_t> best_cycles;                    // of the earlier runs' trials too
  space::Config best;                                     // with best_cycles
  size_t known = 0;                                       // trials of earlier runs, from the records
  size_t trials = 0;                                      // of this run
  std::array<size_t, records::kStatusCount> by_status{};  // this run's trials by what became of them
  bool finished = false;                                  // exhausted, stopped early, or hopeless: nothing ever worked

  size_t count(Status status) const { return by_status[static_cast<size_t>(status)]; }
};

struct Progress {
  std::vector<TaskProgress> tasks;     // as given
  std::optional<size_t> current;       // the task being measured
  size_t trials = 0, most_trials = 0;  // of this run
  double seconds = 0;                  // since it began
  std::optional<double> seconds_left;  // estimated; nothing before the first trials are done

  double trials_per_second() const { return seconds > 0 ? static_cast<double>(trials) / seconds : 0; }
  /// Of the whole model: every task's best times its occurrences; nothing while a task has none.
  std::optional<uint64_t> total_cycles() const;
};

/// Why a tuning run ended.
enum class Ended : uint8_t {
  kTrials,    // as many trials as were asked for
  kTime,      // the time limit
  kTarget,    // the whole model is as fast as was asked for
  kFinished,  // no task has anything left that is worth a trial
  kStopped,   // it was asked to stop
  kErrors,    // too many failures in a row
};

struct Result {
  Progress progress;
  Ended ended = Ended::kTrials;
  std::string explanation;  // one or more lines for people, when kErrors
};

}  // namespace mote::tune
