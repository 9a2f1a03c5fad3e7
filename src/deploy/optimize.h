// Which kernel to take for each operator, and whether to compute some of them by rows, so that all of them together are
// fast and fit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "deploy/candidates.h"

namespace mote::deploy {

/// What a library is made for.
struct Goal {
  enum class Optimize : uint8_t { kSpeed, kRam, kFlash };
  // kRam: small, but a per cent of RAM is worth at most three per cent of the cycles; kFlash: as small as possible, and
  // then as fast as possible.
  Optimize optimize = Optimize::kSpeed;
  std::optional<int64_t> ram_bytes;  // at most so much for activations and scratch
  // At most so much for kernels and their constants, as far as known; make_linked_library() knows better.
  std::optional<int64_t> flash_bytes;
  std::optional<int64_t> fast_bytes = {};  // place() what is hot in fast memory, with at most so much for copies
  bool is_speed_alone() const { return optimize == Optimize::kSpeed && !ram_bytes && !flash_bytes; }
};

/// The network with the kernels that `goal` asks for; where that takes less RAM, a stretch of its graph is computed by
/// rows (passes/stream.h). Throws InputError for `model` when a budget cannot be met: it says how many bytes there
/// would have to be.
Network make_network(ir::Graph graph, const std::string& prefix, const target::Target& target, const Choose& choose,
                     const Goal& goal, const std::string& model);

}  // namespace mote::deploy
