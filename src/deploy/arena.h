// Where activations and scratch live: the memory of a network, planned.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "deploy/network.h"
#include "memory/plan.h"

namespace mote::deploy {

/// A tensor in a region, or the scratch memory that a region is.
struct Part {
  ir::TensorId tensor = ir::kNoTensor;  // kNoTensor: scratch
  int64_t offset = 0, size = 0;         // in the region
  int first = 0, last = 0;              // steps
};

/// A stretch of the arena: one or more tensors that share it (an operator works in place, or a tensor is part of
/// another), or the scratch memory of one operator. Regions may overlap as far as the kernel between them allows, and
/// where one's bytes are not wanted while the other's are. Steps are operators.
struct Region {
  std::string name;  // of its first tensor, or of its operator
  int64_t offset = 0, size = 0;
  int first = 0, last = 0;  // steps; inputs live from step 0, outputs to the last
  std::vector<Part> parts;
  int scratch_of = -1;  // operator
  size_t pool = 0;      // of a divided arena; `offset` counts from its beginning
};

/// The part of a divided arena that lies in one of the board's memories (see pools.h).
struct ArenaPool {
  std::string memory;  // the board's name of it
  std::string suffix;  // of its C names: nothing for the first one, "_dtcm"
  int64_t bytes = 0;
};

struct Arena {
  std::vector<Region> regions;
  std::vector<int> region_of_tensor;      // -1: a constant, or a view of one, or not used
  std::vector<int64_t> offset_in_region;  // of each tensor
  std::vector<int> region_of_scratch;     // by operator; -1: it needs none
  memory::Problem problem;                // one buffer per region
  memory::Plan plan;                      // of a divided arena: bytes of all pools, offsets in them
  std::vector<ArenaPool> pools;           // none: it is not divided
  int64_t alignment = 4;                  // of the arena itself

  int64_t bytes() const { return plan.peak_bytes; }
  /// The region of a tensor that has one.
  const Region& region_of(ir::TensorId id) const;
  /// Where such a tensor begins, in its pool.
  int64_t offset_of(ir::TensorId id) const;
  /// What ends the C name of the memory that the region is in: "" or "_dtcm".
  std::string suffix_of(const Region& region) const;
  /// Bytes of tensors and scratch that are needed while operator `step` runs.
  int64_t live_bytes(size_t step) const;
};

/// Footprints of kernels by operator; nothing for one that takes no code.
using Footprints = std::vector<std::optional<Footprint>>;

/// Regions and the planning problem, without a plan: all offsets are 0.
Arena lay_out(const ir::Graph& graph, const Footprints& footprints);

/// Regions alone, as if nothing were known of kernels: which tensors live when.
Arena regions_of(const ir::Graph& graph);

Arena plan_arena(const Network& network, const memory::Effort& effort = {});

/// Marks the programs whose operands share memory in the plan, so that their code expects it.
void mark_overlaps(Network* network, const Arena& arena);

/// The constant that `id` is, or is a reshaped view of; kNoTensor when it lives in the arena.
ir::TensorId constant_behind(const Network& network, ir::TensorId id);

}  // namespace mote::deploy
