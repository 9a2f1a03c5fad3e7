#include "passes/pipeline.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ir/verify.h"
#include "passes/bypass_reshape.h"
#include "passes/depthwise_to_conv.h"
#include "passes/drop_no_ops.h"
#include "passes/fold_constants.h"
#include "passes/fuse_activation.h"
#include "passes/fuse_lookup.h"
#include "passes/fuse_pad.h"
#include "passes/lookup_before_reshape.h"
#include "passes/remove_constant_channels.h"
#include "passes/remove_dead.h"
#include "passes/share_constants.h"
#include "passes/use_lookups.h"

namespace mote::passes {
namespace {

constexpr Pass kPasses[] = {
    {"fold_constants", "compute at compile time what depends on constants only", fold_constants},
    {"depthwise_to_conv", "a depthwise convolution of one channel is a convolution", depthwise_to_conv},
    {"use_lookups", "one-input int8 operators become tables", use_lookups},
    {"fuse_pad", "pad inside the operators that read a Pad", fuse_pad},
    {"bypass_reshape", "read through a Reshape where the shape does not matter", bypass_reshape},
    {"drop_no_ops", "remove operators that only copy", drop_no_ops},
    {"lookup_before_reshape", "move a table next to the operator it can be fused into", lookup_before_reshape},
    {"remove_dead", "remove what no output depends on, before it counts as a reader", remove_dead},
    {"fuse_lookup", "apply a table where its input is computed", fuse_lookup},
    {"fuse_activation", "clamp where the input of a float activation is computed", fuse_activation},
    {"remove_constant_channels", "channels that are the same for every input go into their readers' biases",
     remove_constant_channels},
    {"share_constants", "store equal constants once", share_constants},
    {"remove_dead", "remove what no output depends on", remove_dead},
};

/// More rounds than any graph has needed; an end to them is certain.
constexpr int kMostRounds = 8;

std::vector<std::string_view> kinds_of(const ir::Graph& graph) {
  std::vector<std::string_view> kinds;
  for (const ir::Operator& op : graph.operators) kinds.push_back(ir::kind_of(op.attributes));
  return kinds;
}

ir::Graph apply(const Pass& pass, ir::Graph graph) {
  graph = pass.function(std::move(graph));
  const std::vector<std::string> violations = ir::verify(graph);
  if (!violations.empty()) {
    unreachable(fmt::format("pass {} broke the graph: {}", pass.name, fmt::join(violations, "; ")));
  }
  return graph;
}

}  // namespace

std::span<const Pass> passes() {
  return kPasses;
}

ir::Graph run_passes(ir::Graph graph, const std::function<void(const Pass&, const ir::Graph&)>& after,
                     std::span<const std::string> without) {
  for (int round = 0; round < kMostRounds; ++round) {
    const std::vector<std::string_view> before_round = kinds_of(graph);
    for (const Pass& pass : kPasses) {
      if (std::find(without.begin(), without.end(), pass.name) != without.end()) continue;
      const std::vector<std::string_view> before = kinds_of(graph);
      graph = apply(pass, std::move(graph));
      if (after && (round == 0 || kinds_of(graph) != before)) after(pass, graph);
    }
    if (kinds_of(graph) == before_round) break;
  }
  return graph;
}

}  // namespace mote::passes
