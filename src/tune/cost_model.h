// The cost model of the guided search: gradient-boosted trees (XGBoost) that learn how good points are.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace mote::tune {

/// A measured point of a group (a workload on a board).
struct Example {
  std::vector<float> features;
  float merit = 0;  // greater is better; 0 for a failure
  uint32_t group = 0;
  float prior = 0;   // what another model scored it: this model learns what is to be added
  float weight = 1;  // of kMerit: how much its error counts
};

class CostModel {
 public:
  enum class Goal : uint8_t {
    kOrder,  // of the points within each group; which groups are the better ones plays no part
    kMerit   // the merit itself, over all groups; nothing of it depends on the seed
  };

  /// The same examples and seed give the same model.
  explicit CostModel(uint64_t seed, Goal goal = Goal::kOrder);
  ~CostModel();
  CostModel(CostModel&&) noexcept;

  /// Learns from `examples`, which all have the same number of features, and forgets what it learned before.
  void fit(std::span<const Example> examples);
  /// One score per row, greater is better; of kMerit they are merits, of kOrder they mean nothing but their order and
  /// rough distance. `priors` are those of the rows, or none when fit() saw none. Without an example fit() saw, all 0.
  std::vector<float> score(std::span<const std::vector<float>> rows, std::span<const float> priors = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mote::tune
