#include "passes/evaluate.h"

#include <algorithm>

#include "passes/edit.h"
#include "reference/interpret.h"

namespace mote::passes {
namespace {

/// A constant whose elements are all the same, as one with a single element; nothing when they differ.
std::optional<ir::Tensor> as_scalar(const ir::Tensor& tensor) {
  if (!tensor.is_constant() || tensor.data->empty()) return std::nullopt;
  const size_t size = ir::size_of(tensor.dtype);
  const Bytes& data = *tensor.data;
  for (size_t i = size; i < data.size(); ++i) {
    if (data[i] != data[i - size]) return std::nullopt;
  }
  ir::Tensor scalar = tensor;
  scalar.shape = {1};
  scalar.data = Bytes(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size));
  return scalar;
}

bool is_unary_elementwise(const ir::OpAttributes& attributes) {
  return std::holds_alternative<ir::Logistic>(attributes) || std::holds_alternative<ir::Tanh>(attributes) ||
         std::holds_alternative<ir::Relu>(attributes) || std::holds_alternative<ir::Quantize>(attributes) ||
         std::holds_alternative<ir::Dequantize>(attributes) || std::holds_alternative<ir::Lookup>(attributes);
}

bool is_binary_elementwise(const ir::OpAttributes& attributes) {
  return std::holds_alternative<ir::Add>(attributes) || std::holds_alternative<ir::Mul>(attributes);
}

/// The operand that `op` maps element by element, the other one (if any) being one constant value; nothing otherwise.
std::optional<ir::TensorId> mapped_operand(const ir::Graph& graph, const ir::Operator& op) {
  ir::TensorId x = ir::kNoTensor;
  if (is_unary_elementwise(op.attributes)) {
    x = op.inputs[0];
  } else if (is_binary_elementwise(op.attributes)) {
    if (as_scalar(graph.tensor(op.inputs[1])))
      x = op.inputs[0];
    else if (as_scalar(graph.tensor(op.inputs[0])))
      x = op.inputs[1];
  }
  if (x == ir::kNoTensor || graph.tensor(x).is_constant()) return std::nullopt;
  if (graph.tensor(x).shape != graph.tensor(op.output).shape) return std::nullopt;  // it broadcasts
  return x;
}

/// The graph of `operators` (the last first) alone, its tensors replaced by vectors of 256 and its input by every int8
/// value.
ir::Graph tabulation(const ir::Graph& graph, ir::TensorId x, const std::vector<int>& operators) {
  ir::Graph small;
  small.tensors = graph.tensors;
  for (ir::Tensor& tensor : small.tensors) {
    if (tensor.is_constant())
      tensor = as_scalar(tensor).value_or(tensor);
    else
      tensor.shape = {256};
  }
  for (size_t i = operators.size(); i-- > 0;) {
    small.operators.push_back(graph.operators[static_cast<size_t>(operators[i])]);
  }
  small.inputs = {x};
  small.outputs = {small.operators.back().output};
  return small;
}

}  // namespace

Bytes evaluate(const ir::Graph& graph, const ir::Operator& op) {
  std::vector<Bytes> operands;
  for (const ir::TensorId id : op.inputs) operands.push_back(id == ir::kNoTensor ? Bytes{} : *graph.tensor(id).data);
  return reference::evaluate(graph, op, operands);
}

std::optional<Elementwise> elementwise(const ir::Graph& graph, size_t index) {
  const ir::Operator& last = graph.operators[index];
  if (graph.tensor(last.output).dtype != ir::DType::kInt8) return std::nullopt;
  const Uses uses = uses_of(graph);
  Elementwise result;
  int next = static_cast<int>(index);
  do {
    if (next < 0) return std::nullopt;
    const std::optional<ir::TensorId> x = mapped_operand(graph, graph.operators[static_cast<size_t>(next)]);
    if (!x) return std::nullopt;
    result.operators.push_back(next);
    result.x = *x;
    next = uses.producer[static_cast<size_t>(*x)];
  } while (graph.tensor(result.x).dtype == ir::DType::kFloat32);
  if (graph.tensor(result.x).dtype != ir::DType::kInt8) return std::nullopt;

  Bytes every_value(256);
  for (int i = 0; i < 256; ++i) every_value[static_cast<size_t>(i)] = static_cast<std::byte>(i - 128);
  const ir::Graph small = tabulation(graph, result.x, result.operators);
  const std::vector<Bytes> tensors = reference::interpret(small, {every_value});
  const std::vector<int8_t> values = to_values<int8_t>(tensors.at(static_cast<size_t>(small.outputs[0])));
  std::copy(values.begin(), values.end(), result.table.begin());
  return result;
}

}  // namespace mote::passes
