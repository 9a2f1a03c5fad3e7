// What was measured elsewhere (other workloads, boards, models), learned for searches that begin without a trial.
#pragma once

#include <functional>
#include <vector>

#include "tune/cost_model.h"

namespace mote::tune {

/// Scores of lowered programs are told by how much they differ: half the cycles score so much more.
constexpr float kScorePerHalf = 10;

/// The log2 of the cycles per operation that a program is expected to take, by its features (loop_features.h) alone.
using Estimate = std::function<float(const std::vector<float>& program)>;

class Taught {
 public:
  /// `examples`, at least one: features of programs and the operations per cycle they were measured at (0 for a
  /// failure, which counts as half as fast as the slowest of its group). What is learned is what has to be added to
  /// `estimate`, which may be empty. The same examples, in the same order, teach the same.
  Taught(std::vector<Example> examples, const Estimate& estimate);

  /// The score of a program whose estimate alone scores `estimated` (0 without one).
  float score(const std::vector<float>& program, float estimated) const;

 private:
  CostModel model_;
};

/// -kScorePerHalf times the estimate; 0 for an empty one.
float estimated_score(const Estimate& estimate, const std::vector<float>& program);

}  // namespace mote::tune
