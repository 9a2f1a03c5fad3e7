#include "deploy/hand_over.h"

#include <algorithm>

namespace mote::deploy {
namespace {

/// A tensor between two operators, with kernels for its being int16.
struct HandOver {
  ir::TensorId tensor;
  size_t producer, consumer;
};

/// The only operator that reads `id`; nothing when several do or it is an output of the graph.
std::optional<size_t> only_reader(const ir::Graph& graph, ir::TensorId id) {
  if (std::find(graph.outputs.begin(), graph.outputs.end(), id) != graph.outputs.end()) return std::nullopt;
  std::optional<size_t> reader;
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const std::vector<ir::TensorId>& inputs = graph.operators[i].inputs;
    if (std::find(inputs.begin(), inputs.end(), id) == inputs.end()) continue;
    if (reader) return std::nullopt;
    reader = i;
  }
  return reader;
}

/// Lowers the operator again, by the config it has, for the types that the graph has now; false when that cannot be.
bool lower_again(Network& network, size_t index, const target::Target& target) {
  kernels::Workload workload = kernels::make_workload(network.graph, network.graph.operators[index]);
  workload.search_requantisation = network.search_requantisation;
  Kernel& kernel = *network.kernels[index];
  try {
    kernel.program = kernels::lower(workload, kernel.config, target, function_of(network.prefix, network.graph, index));
    kernel.footprint = footprint_of(kernel.program);
  } catch (const loop::ScheduleError&) {
    return false;
  }
  return true;
}

/// Gives the tensor a type, and both operators kernels for it; changes nothing when there are none.
bool retype(Network& network, const HandOver& edge, ir::DType type, const target::Target& target) {
  const Kernel producer = *network.kernels[edge.producer], consumer = *network.kernels[edge.consumer];
  const ir::DType before = network.graph.tensor(edge.tensor).dtype;
  network.graph.tensor(edge.tensor).dtype = type;
  if (lower_again(network, edge.producer, target) && lower_again(network, edge.consumer, target)) return true;
  network.graph.tensor(edge.tensor).dtype = before;
  network.kernels[edge.producer] = producer;
  network.kernels[edge.consumer] = consumer;
  return false;
}

/// Everything that can be handed over, handed over.
std::vector<HandOver> hand_over_all(Network& network, const target::Target& target) {
  std::vector<HandOver> done;
  for (size_t i = 0; i < network.graph.operators.size(); ++i) {
    const ir::Operator& op = network.graph.operators[i];
    if (!std::holds_alternative<ir::DepthwiseConv2D>(op.attributes)) continue;
    const std::optional<size_t> reader = only_reader(network.graph, op.output);
    if (!reader || !std::holds_alternative<ir::Conv2D>(network.graph.operators[*reader].attributes)) continue;
    if (network.graph.tensor(op.output).dtype != ir::DType::kInt8) continue;
    const HandOver edge{op.output, i, *reader};
    if (retype(network, edge, ir::DType::kInt16, target)) done.push_back(edge);
  }
  return done;
}

}  // namespace

Arena hand_over_int16(Network& network, const target::Target& target, int64_t ram_bytes) {
  std::vector<HandOver> edges = hand_over_all(network, target);
  Arena arena = plan_arena(network);
  while (arena.bytes() > ram_bytes && !edges.empty()) {
    const auto live = [&](const HandOver& edge) {
      return std::max(arena.live_bytes(edge.producer), arena.live_bytes(edge.consumer));
    };
    const auto worst = std::max_element(edges.begin(), edges.end(),
                                        [&](const HandOver& a, const HandOver& b) { return live(a) < live(b); });
    check(retype(network, *worst, ir::DType::kInt8, target), "a kernel that was there before");
    edges.erase(worst);
    arena = plan_arena(network);
  }
  return arena;
}

}  // namespace mote::deploy
