// Where activations and scratch live: the memory of a network, planned.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "deploy/network.h"
#include "memory/plan.h"

namespace mote::deploy {

/// A stretch of the arena: one or more tensors that share it (an operator works in place, or only changes the shape),
/// or the scratch memory of one operator. Regions may overlap as far as the kernel between them allows. Steps are
/// operators.
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

/// Footprints of kernels by operator; nothing for an alias.
using Footprints = std::vector<std::optional<Footprint>>;

/// Regions and the planning problem, without a plan: all offsets are 0.
Arena lay_out(const ir::Graph& graph, const Footprints& footprints);

Arena plan_arena(const Network& network, const memory::Effort& effort = {});

/// Marks the programs whose operands share memory in the plan, so that their code expects it.
void mark_overlaps(Network* network, const Arena& arena);

/// The constant that `id` is, or is a reshaped view of; kNoTensor when it lives in the arena.
ir::TensorId constant_behind(const Network& network, ir::TensorId id);

}  // namespace mote::deploy
