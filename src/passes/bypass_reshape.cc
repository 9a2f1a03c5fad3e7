#include "passes/bypass_reshape.h"

#include "passes/edit.h"

namespace mote::passes {
namespace {

/// Whether `reader` computes the same when it reads `x` in place of its reshaped form.
bool ignores_shape(const ir::Graph& graph, const ir::Operator& reader, const ir::Tensor& x) {
  if (std::holds_alternative<ir::Reshape>(reader.attributes)) return true;
  if (!std::holds_alternative<ir::Dense>(reader.attributes)) return false;
  return !x.shape.empty() && x.shape.back() == graph.tensor(reader.inputs[1]).shape.at(1);
}

}  // namespace

ir::Graph bypass_reshape(ir::Graph graph) {
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const ir::Operator& reshape = graph.operators[i];
    if (!std::holds_alternative<ir::Reshape>(reshape.attributes)) continue;
    const ir::Tensor& x = graph.tensor(reshape.inputs[0]);
    if (x.quant != graph.tensor(reshape.output).quant) continue;
    for (ir::Operator& reader : graph.operators) {
      if (reader.inputs[0] != reshape.output || !ignores_shape(graph, reader, x)) continue;
      reader.inputs[0] = reshape.inputs[0];
      absorb(reader, reshape);
    }
  }
  return graph;
}

}  // namespace mote::passes
