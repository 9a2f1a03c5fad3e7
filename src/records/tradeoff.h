// Which kernel to take for each operator when memory is scarce: of every operator's measured points the ones that are
// worth having (pareto_of), and the combinations of those that are fastest for their size (Tradeoff).
//
// With a flash budget F and scratch limits, deploy does
//     groups[i] = pareto_of(trials of operator i), without those whose scratch its memory plan has no room for
//     tradeoff.best_within(F)          which kernels
//     tradeoff.totals()                what more (or less) memory would buy
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "records/trial.h"

namespace mote::records {

/// The successes of `trials`, all of one workload, that no other one beats or equals in cycles, flash bytes and scratch
/// bytes at once (of equals the first stays). The fastest first.
std::vector<Trial> pareto_of(const std::vector<Trial>& trials);

/// One way to do an operator.
struct Option {
  uint64_t cycles = 0, bytes = 0;
};

/// All combinations of one option per group that are fastest for their size, exactly (a multiple-choice knapsack for
/// every budget at once). Time and memory grow with the number of such combinations: at most one per byte of the
/// largest total, in practice some thousands.
class Tradeoff {
 public:
  /// Every group must have an option.
  explicit Tradeoff(const std::vector<std::vector<Option>>& groups);

  /// Smallest first; each is faster than all before it. At least one.
  const std::vector<Option>& totals() const { return totals_; }
  /// The place in totals() of the fastest combination of at most `bytes`; nothing when even the smallest needs more.
  std::optional<size_t> best_within(uint64_t bytes) const;
  /// The option of each group in combination `total`, a place in totals().
  std::vector<size_t> choice(size_t total) const;

 private:
  /// How a combination of the first groups came about: from which of the groups before, with which option.
  struct Step {
    size_t before = 0, option = 0;
  };
  std::vector<Option> totals_;
  std::vector<std::vector<Step>> steps_;  // per group, of each combination that was worth keeping
};

}  // namespace mote::records
