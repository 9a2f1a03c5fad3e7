#include "passes/lookup_before_reshape.h"

#include <utility>

#include "passes/edit.h"

namespace mote::passes {
namespace {

/// Swaps the Lookup `index` with the Reshape it alone reads; false when there is none.
bool swap_with_reshape(ir::Graph& graph, size_t index) {
  const Uses uses = uses_of(graph);
  const int before = uses.private_producer(graph.operators[index].inputs[0]);
  if (before < 0) return false;
  ir::Operator& first = graph.operators[static_cast<size_t>(before)];
  ir::Operator& second = graph.operators[index];
  if (!std::holds_alternative<ir::Reshape>(first.attributes) || !is_plain(first) || !is_plain(second)) return false;
  const ir::Tensor& a = graph.tensor(first.inputs[0]);
  // Only where it ends up next to an operator of the graph, and where the Reshape does not also change the parameters.
  if (uses.private_producer(first.inputs[0]) < 0 || a.quant != graph.tensor(first.output).quant) return false;

  ir::Tensor& between = graph.tensor(first.output);
  between.shape = a.shape;
  between.quant = graph.tensor(second.output).quant;
  between.source_index = -1;
  std::swap(first.attributes, second.attributes);
  std::swap(first.source, second.source);
  std::swap(first.source_macs, second.source_macs);
  return true;
}

}  // namespace

ir::Graph lookup_before_reshape(ir::Graph graph) {
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    // The lookup may have further reshapes in front of it; follow it.
    size_t at = i;
    while (std::holds_alternative<ir::Lookup>(graph.operators[at].attributes)) {
      const int before = uses_of(graph).producer[static_cast<size_t>(graph.operators[at].inputs[0])];
      if (!swap_with_reshape(graph, at)) break;
      at = static_cast<size_t>(before);
    }
  }
  return graph;
}

}  // namespace mote::passes
