// A model with a kernel chosen for every operator: all that is known of a deployment before its memory is planned.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "deploy/sharing.h"
#include "ir/graph.h"
#include "kernels/kernel.h"
#include "loop/ir.h"
#include "target/target.h"

namespace mote::deploy {

/// The kernel of one operator.
struct Kernel {
  loop::Program program;  // its name is that of the C function
  std::string knobs;      // the config it was made by, as text; empty when there was nothing to choose
  bool tuned = false;     // the config comes from records; otherwise it is the template's fallback
  space::Config config = {};
  Footprint footprint = {};             // of its operands in memory
  std::optional<uint64_t> cycles = {};  // of one run, or of as many rows: known to records when `tuned`, else estimated
};

struct Network {
  std::string prefix;                          // of everything the library defines: a C identifier
  ir::Graph graph;                             // after the passes
  std::vector<std::optional<Kernel>> kernels;  // by operator; nothing for one that takes no code (see views.h)
  bool search_requantisation = true;           // see kernels::RequantLayer::searched
  uint64_t flash_bytes = 0;                    // of what a goal other than speed chose, as known before compiling
};

/// A config that was measured.
struct Known {
  space::Config config;
  uint64_t cycles = 0;
  uint32_t flash_bytes = 0;  // code and constants
};

/// Configs for a workload, the fastest first, as records know them. The first one that can be lowered is taken.
using Choose = std::function<std::vector<Known>(const kernels::Workload&, const space::Space&)>;

/// Lowers every operator of `graph`, which must have gone through the passes. Without `choose`, or where it has nothing
/// that can be lowered, the fallback.
Network make_network(ir::Graph graph, const std::string& prefix, const target::Target& target,
                     const Choose& choose = {}, bool search_requantisation = true);

/// "kws_03_conv_2d": the C function of operator `index`.
std::string function_of(const std::string& prefix, const ir::Graph& graph, size_t index);

}  // namespace mote::deploy
