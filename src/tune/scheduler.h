// Which task gets the next trials: the one where they are expected to shorten the whole model most.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace mote::tune {

/// What the choice depends on, of one task.
struct TaskState {
  int occurrences = 1;
  size_t trials = 0;  // so far, of earlier runs too
  /// Every success that was faster than all before: {the number of trials then, its cycles}, in order.
  struct Record {
    size_t trial = 0;
    uint64_t cycles = 0;
  };
  std::vector<Record> improvements;
  bool finished = false;            // exhausted, or given up
  std::optional<double> promise{};  // the share of its cycles that its search expects the next trials to take off
};

/// The cycles the whole model is expected to lose per trial of this task.
///
/// Best-so-far falls by about the same share with every doubling of the trials (of n trials in random order the n-th is
/// the best with probability 1/n), and by less as the bottom comes near. The share of the next doubling is guessed from
/// the earlier ones, the latest counting most, with a prior for a task of which nothing is known yet. What a search
/// promises counts where it is more, and the less the more trials have gone without keeping it.
double expected_gain(const TaskState& task);

/// The unfinished task of greatest expected gain; the first among equals; nothing when all are finished.
/// A task that has not had a single success yet comes before the others.
std::optional<size_t> next_task(const std::vector<TaskState>& tasks);

}  // namespace mote::tune
