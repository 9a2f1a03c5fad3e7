// The cost model of the guided search: gradient-boosted trees (XGBoost) that learn to put points in order.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace mote::tune {

/// A measured point. Only points of one group (a workload on a board) are compared with each other.
struct Example {
  std::vector<float> features;
  float merit = 0;  // greater is better; 0 for a failure
  uint32_t group = 0;
  float prior = 0;  // what another model scored it: this model learns what is to be added
};

class CostModel {
 public:
  /// The same examples and seed give the same model.
  explicit CostModel(uint64_t seed);
  ~CostModel();
  CostModel(CostModel&&) noexcept;

  /// Learns the order of `examples`, which all have the same number of features, and forgets what it learned before.
  void fit(std::span<const Example> examples);
  /// One score per row, greater is better; scores mean nothing but their order and rough distance. `priors` are those
  /// of the rows, or none when fit() saw none. Without an example fit() saw, all 0.
  std::vector<float> score(std::span<const std::vector<float>> rows, std::span<const float> priors = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mote::tune
