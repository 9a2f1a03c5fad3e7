#include "reference/interpret.h"

#include <fmt/format.h>

#include "ir/quantized.h"
#include "reference/operators.h"

namespace mote::reference {
namespace {

void check_size(const ir::Tensor& tensor, const Bytes& bytes, const std::string& where) {
  if (bytes.size() == tensor.size_bytes()) return;
  throw InputError(where,
                   fmt::format("tensor '{}' ({} {}) takes {} bytes, not {}", tensor.name, ir::text_of(tensor.shape),
                               ir::name_of(tensor.dtype), tensor.size_bytes(), bytes.size()));
}

Bytes look_up(const ir::Table& table, const Bytes& stored) {
  Bytes out(stored.size());
  for (size_t i = 0; i < out.size(); ++i) {
    const int index = static_cast<int8_t>(stored[i]) + 128;
    out[i] = static_cast<std::byte>(table[static_cast<size_t>(index)]);
  }
  return out;
}

Bytes widened(const Bytes& stored) {
  std::vector<int16_t> wide;
  for (const std::byte byte : stored) wide.push_back(static_cast<int8_t>(byte));
  return to_bytes(wide);
}

Bytes compute(const Call& call) {
  return std::visit(ir::Overloaded{
                        [&](const ir::Conv2D& a) { return conv_2d(call, a); },
                        [&](const ir::DepthwiseConv2D& a) { return depthwise_conv_2d(call, a); },
                        [&](const ir::Dense& a) { return dense(call, a); },
                        [&](const ir::Add& a) { return add(call, a); },
                        [&](const ir::Mul& a) { return mul(call, a); },
                        [&](const ir::AveragePool2D& a) { return average_pool_2d(call, a); },
                        [&](const ir::MaxPool2D& a) { return max_pool_2d(call, a); },
                        [&](const ir::Mean& a) { return mean(call, a); },
                        [&](const ir::Softmax& a) { return softmax(call, a); },
                        [&](const ir::Logistic&) { return logistic(call); },
                        [&](const ir::Tanh&) { return tanh(call); },
                        [&](const ir::Relu& a) { return relu(call, a); },
                        [&](const ir::Pad& a) { return pad(call, a); },
                        [&](const ir::Reshape&) { return reshape(call); },
                        [&](const ir::Concat& a) { return concat(call, a); },
                        [&](const ir::Slice& a) { return slice(call, a); },
                        [&](const ir::Insert& a) { return insert(call, a); },
                        [&](const ir::Quantize&) { return quantize(call); },
                        [&](const ir::Dequantize&) { return dequantize(call); },
                        [](const ir::Lookup&) -> Bytes { unreachable("a lookup is a table"); },
                    },
                    call.op.attributes);
}

}  // namespace

Bytes evaluate(const ir::Graph& graph, const ir::Operator& op, const std::vector<Bytes>& operands) {
  const std::string where{ir::kind_of(op.attributes)};
  if (operands.size() != op.inputs.size()) {
    throw InputError(where, fmt::format("takes {} operands, not {}", op.inputs.size(), operands.size()));
  }
  for (size_t i = 0; i < operands.size(); ++i) {
    if (op.inputs[i] != ir::kNoTensor) check_size(graph.tensor(op.inputs[i]), operands[i], where);
  }
  if (ir::is_elementwise_i8(graph, op)) return look_up(ir::table_of(graph, op), operands[0]);
  std::vector<Bytes> values = operands;
  for (size_t i = 0; i < values.size(); ++i) {
    const bool wide = op.inputs[i] != ir::kNoTensor && graph.tensor(op.inputs[i]).dtype == ir::DType::kInt16;
    if (wide) values[i] = narrowed(values[i]);
  }
  Bytes computed = compute({graph, op, values});
  if (op.post) computed = look_up(*op.post, computed);
  return graph.tensor(op.output).dtype == ir::DType::kInt16 ? widened(computed) : computed;
}

Bytes narrowed(const Bytes& wide) {
  Bytes stored;
  for (const int16_t value : to_values<int16_t>(wide)) stored.push_back(static_cast<std::byte>(value));
  return stored;
}

std::vector<Bytes> interpret(const ir::Graph& graph, const std::vector<Bytes>& inputs) {
  const std::string where = graph.name.empty() ? "model" : graph.name;
  if (inputs.size() != graph.inputs.size()) {
    throw InputError(where, fmt::format("takes {} inputs, not {}", graph.inputs.size(), inputs.size()));
  }
  std::vector<Bytes> tensors(graph.tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (graph.tensors[i].is_constant()) tensors[i] = *graph.tensors[i].data;
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    check_size(graph.tensor(graph.inputs[i]), inputs[i], where);
    tensors.at(static_cast<size_t>(graph.inputs[i])) = inputs[i];
  }
  for (const ir::Operator& op : graph.operators) {
    std::vector<Bytes> operands;
    for (ir::TensorId id : op.inputs) {
      operands.push_back(id == ir::kNoTensor ? Bytes{} : tensors.at(static_cast<size_t>(id)));
    }
    tensors.at(static_cast<size_t>(op.output)) = evaluate(graph, op, operands);
  }
  return tensors;
}

}  // namespace mote::reference
