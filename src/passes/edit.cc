#include "passes/edit.h"

#include <algorithm>

namespace mote::passes {

int Uses::private_producer(ir::TensorId id) const {
  const size_t i = static_cast<size_t>(id);
  return readers[i].size() == 1 && !is_output[i] ? producer[i] : -1;
}

Uses uses_of(const ir::Graph& graph) {
  const size_t n = graph.tensors.size();
  Uses uses{std::vector<int>(n, -1), std::vector<std::vector<int>>(n), std::vector<bool>(n), std::vector<bool>(n)};
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const int index = static_cast<int>(i);
    for (const ir::TensorId id : graph.operators[i].inputs) {
      if (id == ir::kNoTensor) continue;
      std::vector<int>& readers = uses.readers[static_cast<size_t>(id)];
      if (readers.empty() || readers.back() != index) readers.push_back(index);
    }
    uses.producer[static_cast<size_t>(graph.operators[i].output)] = index;
  }
  for (const ir::TensorId id : graph.inputs) uses.is_input[static_cast<size_t>(id)] = true;
  for (const ir::TensorId id : graph.outputs) uses.is_output[static_cast<size_t>(id)] = true;
  return uses;
}

bool same_type(const ir::Tensor& a, const ir::Tensor& b) {
  return a.dtype == b.dtype && a.shape == b.shape && a.quant == b.quant;
}

void read_instead(ir::Graph& graph, ir::TensorId from, ir::TensorId to) {
  for (ir::Operator& op : graph.operators) std::replace(op.inputs.begin(), op.inputs.end(), from, to);
}

void erase_operators(ir::Graph& graph, const std::vector<bool>& erased) {
  std::vector<ir::Operator> kept;
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    if (!erased[i]) kept.push_back(std::move(graph.operators[i]));
  }
  graph.operators = std::move(kept);
}

void erase_operator(ir::Graph& graph, size_t index) {
  graph.operators.erase(graph.operators.begin() + static_cast<std::ptrdiff_t>(index));
}

void absorb(ir::Operator& op, const ir::Operator& other) {
  op.source.insert(op.source.end(), other.source.begin(), other.source.end());
  std::sort(op.source.begin(), op.source.end());
  op.source.erase(std::unique(op.source.begin(), op.source.end()), op.source.end());
  op.source_macs += other.source_macs;
}

ir::TensorId add_tensor(ir::Graph& graph, ir::Tensor tensor) {
  graph.tensors.push_back(std::move(tensor));
  return static_cast<ir::TensorId>(graph.tensors.size()) - 1;
}

ir::Clamp* clamp_of(ir::Operator& op) {
  return std::visit(
      []<typename T>(T& attributes) -> ir::Clamp* {
        if constexpr (requires { attributes.clamp; })
          return &attributes.clamp;
        else
          return nullptr;
      },
      op.attributes);
}

}  // namespace mote::passes
