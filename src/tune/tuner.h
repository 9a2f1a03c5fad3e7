// The tuner: spends trials on the tasks of a model, and records every one.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include "records/database.h"
#include "tune/budget.h"
#include "tune/progress.h"
#include "tune/search.h"

namespace mote::tune {

struct Options {
  Strategy strategy = Strategy::kAnnealing;
  ModelInputs model;      // what the model of Strategy::kModel learns from
  uint64_t seed = 1;      // of every random choice: same seed, same records and same outcomes, same trials
  size_t trials = 500;    // of this run, over all tasks, fallbacks included
  size_t batch = 16;      // trials given to the Measurer at once
  bool in_turns = false;  // all tasks get the same number of trials, instead of the most promising the next ones
  size_t early_stop = 0;  // a task is finished after so many trials in a row without progress; 0: never
  size_t errors = 90;  // failures in a row, over all tasks, after which the run ends; a task that fails from its start
                       // is finished after a third of that
  std::optional<std::chrono::duration<double>> time_limit;
  std::optional<uint64_t> target_cycles;             // of the whole model
  Budget budget;                                     // searches look for what makes the whole model fast within it
  records::Setting setting;                          // what the records say of where the trials were run
  const std::atomic<bool>* stop = nullptr;           // set from outside: ends the run when the batch in flight is done
  std::function<void(const Progress&)> on_progress;  // before and after every batch
  std::function<std::chrono::system_clock::time_point()> now = std::chrono::system_clock::now;
};

/// Tasks of equal workload merged into one, their occurrences added up; in the order of their first occurrence.
std::vector<Task> merge_equal(std::vector<Task> tasks);

/// Tunes `tasks` (all of different workload). Every task's fallback is measured first, then
/// the first point of every other alternative and the fallback with each of its named choices changed; what `records`
/// has of the same workload, template version and setting is not measured again, but learned from. Each batch is in the
/// records before the next one starts. `records` may be null. Throws what the Measurer and the records throw;
/// everything measured until then is recorded. The result points to `tasks`.
Result tune(const std::vector<Task>& tasks, Measurer& measurer, records::Database* records, const Options& options);
Result tune(std::vector<Task>&& tasks, Measurer&, records::Database*, const Options&) = delete;

}  // namespace mote::tune
