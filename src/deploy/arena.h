// Where activations and scratch live: the memory of a network, planned.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deploy/network.h"
#include "memory/plan.h"

namespace mote::deploy {

/// A stretch of the arena: one or more tensors that share it (an operator works in place, or only changes the shape),
/// or the scratch memory of one operator. Steps are operators.
struct Region {
  std::string name;  // of its first tensor, or of its operator
  int64_t offset = 0, size = 0;
  int first = 0, last = 0;            // steps; inputs live from step 0, outputs to the last
  std::vector<ir::TensorId> tensors;  // none: scratch
  int scratch_of = -1;                // operator
};

struct Arena {
  std::vector<Region> regions;
  std::vector<int> region_of_tensor;   // -1: a constant, or a view of one, or not used
  std::vector<int> region_of_scratch;  // by operator; -1: it needs none
  memory::Problem problem;             // one buffer per region
  memory::Plan plan;
  int64_t alignment = 4;  // of the arena itself

  int64_t bytes() const { return plan.peak_bytes; }
  /// Bytes of all regions that are needed while operator `step` runs.
  int64_t live_bytes(size_t step) const;
};

Arena plan_arena(const Network& network, const memory::Effort& effort = {});

/// The constant that `id` is, or is a reshaped view of; kNoTensor when it lives in the arena.
ir::TensorId constant_behind(const Network& network, ir::TensorId id);

}  // namespace mote::deploy
