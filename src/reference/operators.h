// How each operator family computes; interpret.cc dispatches to them. One file per family. They ignore Operator::post,
// which evaluate() applies.
#pragma once

#include <algorithm>
#include <vector>

#include "ir/graph.h"
#include "ir/quantized.h"

namespace mote::reference {

/// One operator and the bytes of its operands.
struct Call {
  const ir::Graph& graph;
  const ir::Operator& op;
  const std::vector<Bytes>& operands;

  const ir::Tensor& input(size_t i) const { return graph.tensor(op.inputs.at(i)); }
  const ir::Tensor& output() const { return graph.tensor(op.output); }
  /// Whether the optional operand `i` is there.
  bool has(size_t i) const { return i < op.inputs.size() && op.inputs[i] != ir::kNoTensor; }
  template <typename T>
  std::vector<T> values(size_t i) const {
    return to_values<T>(operands.at(i));
  }
};

// convolution.cc
Bytes conv_2d(const Call& call, const ir::Conv2D& conv);
Bytes depthwise_conv_2d(const Call& call, const ir::DepthwiseConv2D& conv);
Bytes dense(const Call& call, const ir::Dense& dense);

// arithmetic.cc
Bytes add(const Call& call, const ir::Add& add);
Bytes mul(const Call& call, const ir::Mul& mul);

// pooling.cc
Bytes average_pool_2d(const Call& call, const ir::AveragePool2D& pool);
Bytes max_pool_2d(const Call& call, const ir::MaxPool2D& pool);
Bytes mean(const Call& call, const ir::Mean& mean);

// activation.cc: float only; int8 Logistic, Tanh, Relu and Lookup are tables (ir::table_of)
Bytes logistic(const Call& call);
Bytes tanh(const Call& call);
Bytes relu(const Call& call, const ir::Relu& relu);
Bytes quantize(const Call& call);  // from float
Bytes dequantize(const Call& call);

// softmax.cc
Bytes softmax(const Call& call, const ir::Softmax& softmax);

// movement.cc
Bytes pad(const Call& call, const ir::Pad& pad);
Bytes reshape(const Call& call);
Bytes concat(const Call& call, const ir::Concat& concat);
Bytes slice(const Call& call, const ir::Slice& slice);
Bytes insert(const Call& call, const ir::Insert& insert);

/// A stored float within the clamp.
inline float clamped(float value, const ir::Clamp& clamp) {
  return std::min(std::max(value, static_cast<float>(clamp.lo)), static_cast<float>(clamp.hi));
}
/// A stored int8 within the clamp.
inline int8_t clamped(int32_t value, ir::ClampI8 clamp) {
  return static_cast<int8_t>(std::min(std::max(value, clamp.lo), clamp.hi));
}

}  // namespace mote::reference
