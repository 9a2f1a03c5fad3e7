#include "passes/fuse_activation.h"

#include <algorithm>

#include "passes/edit.h"

namespace mote::passes {
namespace {

/// Fuses the float Relu `index` into its producer, and removes it; false when it cannot be.
bool fuse(ir::Graph& graph, size_t index) {
  const ir::Operator& op = graph.operators[index];
  const ir::Relu* const relu = std::get_if<ir::Relu>(&op.attributes);
  if (relu == nullptr || graph.tensor(op.output).dtype != ir::DType::kFloat32) return false;
  const int before = uses_of(graph).private_producer(op.inputs[0]);
  if (before < 0) return false;
  ir::Operator& producer = graph.operators[static_cast<size_t>(before)];
  ir::Clamp* const clamp = clamp_of(producer);
  if (clamp == nullptr) return false;

  const double most = relu->kind == ir::Relu::Kind::kRelu6 ? 6 : std::numeric_limits<double>::infinity();
  *clamp = {std::clamp(clamp->lo, 0.0, most), std::clamp(clamp->hi, 0.0, most)};
  producer.output = op.output;
  absorb(producer, op);
  erase_operator(graph, index);
  return true;
}

}  // namespace

ir::Graph fuse_activation(ir::Graph graph) {
  for (size_t i = 0; i < graph.operators.size();) {
    if (!fuse(graph, i)) ++i;
  }
  return graph;
}

}  // namespace mote::passes
