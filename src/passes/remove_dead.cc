#include "passes/remove_dead.h"

#include "passes/edit.h"

namespace mote::passes {
namespace {

/// Marks what the outputs depend on; returns which operators they do not.
std::vector<bool> mark(const ir::Graph& graph, std::vector<bool>& needed) {
  std::vector<bool> dead(graph.operators.size());
  for (const ir::TensorId id : graph.outputs) needed[static_cast<size_t>(id)] = true;
  for (size_t i = graph.operators.size(); i-- > 0;) {
    const ir::Operator& op = graph.operators[i];
    dead[i] = !needed[static_cast<size_t>(op.output)];
    if (dead[i]) continue;
    for (const ir::TensorId id : op.inputs) {
      if (id != ir::kNoTensor) needed[static_cast<size_t>(id)] = true;
    }
  }
  return dead;
}

/// Drops the tensors that are not needed and renumbers the others.
void compact(ir::Graph& graph, const std::vector<bool>& needed) {
  std::vector<ir::TensorId> renumbered(graph.tensors.size(), ir::kNoTensor);
  std::vector<ir::Tensor> kept;
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    if (!needed[i]) continue;
    renumbered[i] = static_cast<ir::TensorId>(kept.size());
    kept.push_back(std::move(graph.tensors[i]));
  }
  graph.tensors = std::move(kept);
  const auto renumber = [&](ir::TensorId& id) {
    if (id != ir::kNoTensor) id = renumbered[static_cast<size_t>(id)];
  };
  for (ir::Operator& op : graph.operators) {
    for (ir::TensorId& id : op.inputs) renumber(id);
    renumber(op.output);
  }
  for (ir::TensorId& id : graph.inputs) renumber(id);
  for (ir::TensorId& id : graph.outputs) renumber(id);
}

}  // namespace

ir::Graph remove_dead(ir::Graph graph) {
  std::vector<bool> needed(graph.tensors.size());
  for (const ir::TensorId id : graph.inputs) needed[static_cast<size_t>(id)] = true;
  erase_operators(graph, mark(graph, needed));
  compact(graph, needed);
  return graph;
}

}  // namespace mote::passes
