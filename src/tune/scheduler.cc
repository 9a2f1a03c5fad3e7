#include "tune/scheduler.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mote::tune {
namespace {

/// What a doubling of the trials is expected to take off before anything is known: this share of the cycles.
constexpr double kPriorShare = 0.25;
/// Trials within which a promise is expected to be kept, and after which it counts half.
constexpr double kPatience = 8;
/// How much the latest doubling counts against all before it.
constexpr double kLatest = 0.4;

/// The best of the first `trials` trials; the first success when there was none among them.
double best_after(const TaskState& task, double trials) {
  double best = static_cast<double>(task.improvements.front().cycles);
  for (const TaskState::Record& improvement : task.improvements) {
    if (static_cast<double>(improvement.trial) <= trials) best = static_cast<double>(improvement.cycles);
  }
  return best;
}

/// The share of its cycles that the next doubling of the trials is expected to take off.
double share_per_doubling(const TaskState& task) {
  const double trials = static_cast<double>(task.trials);
  double share = kPriorShare;
  for (double from = 1; from < trials; from *= 2) {
    const double to = std::min(2 * from, trials);
    const double seen = (to - from) / from;  // of this doubling: all of it but for the last
    const double drop = 1 - best_after(task, to) / best_after(task, from);
    share = (1 - kLatest * seen) * share + kLatest * drop;
  }
  return share;
}

}  // namespace

double expected_gain(const TaskState& task) {
  if (task.improvements.empty()) return std::numeric_limits<double>::infinity();
  const double cycles = static_cast<double>(task.improvements.back().cycles);
  const double trials = static_cast<double>(std::max<size_t>(task.trials, 1));
  const double by_curve = share_per_doubling(task) / trials;
  const double since = trials - static_cast<double>(task.improvements.back().trial);
  const double promised = task.promise.value_or(0) / kPatience * std::exp2(-since / kPatience);
  return task.occurrences * cycles * std::max(by_curve, promised);
}

std::optional<size_t> next_task(const std::vector<TaskState>& tasks) {
  std::optional<size_t> choice;
  double most = 0;
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (tasks[i].finished) continue;
    const double gain = expected_gain(tasks[i]);
    if (choice && gain <= most) continue;
    choice = i;
    most = gain;
  }
  return choice;
}

}  // namespace mote::tune
