#include "passes/bypass_reshape.h"

#include "passes/edit.h"

namespace mote::passes {
namespace {

/// Whether an operator computes the same from its input in any shape.
bool ignores_shape(const ir::OpAttributes& attributes) {
  return std::holds_alternative<ir::Reshape>(attributes) || std::holds_alternative<ir::Dense>(attributes);
}

}  // namespace

ir::Graph bypass_reshape(ir::Graph graph) {
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const ir::Operator& reshape = graph.operators[i];
    if (!std::holds_alternative<ir::Reshape>(reshape.attributes) || !is_plain(reshape)) continue;
    const ir::Tensor& x = graph.tensor(reshape.inputs[0]);
    if (x.quant != graph.tensor(reshape.output).quant) continue;
    for (ir::Operator& reader : graph.operators) {
      if (reader.inputs[0] != reshape.output || !ignores_shape(reader.attributes)) continue;
      reader.inputs[0] = reshape.inputs[0];
      absorb(reader, reshape);
    }
  }
  return graph;
}

}  // namespace mote::passes
