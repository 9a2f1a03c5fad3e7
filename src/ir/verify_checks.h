// Checks that several operators share. Each returns its first violation, or nothing.
#pragma once

#include <optional>
#include <string>

#include "ir/graph.h"

namespace mote::ir {

using Problem = std::optional<std::string>;

/// An operator and its operands, all of them legal tensors.
struct Call {
  const Graph& graph;
  const Operator& op;

  bool has(size_t i) const { return i < op.inputs.size() && op.inputs[i] != kNoTensor; }
  const Tensor& input(size_t i) const { return graph.tensor(op.inputs[i]); }
  const Tensor& output() const { return graph.tensor(op.output); }
  bool is_i8() const { return output().dtype == DType::kInt8; }
};

/// Its name, type and shape, for messages.
std::string describe(const Tensor& tensor);

/// Between `least` and `most` operands, of which those before `least` are there.
Problem check_arity(const Call& call, size_t least, size_t most);

/// A tensor of activations: f32, or i8 with one scale.
Problem check_activation(const Tensor& tensor);

/// Operands `0 .. count-1` and the output are activations of one type.
Problem check_activations(const Call& call, size_t count);

/// The output has the shape `expected`.
Problem check_shape(const Call& call, const Shape& expected);

/// One operand, and an output like it.
Problem check_unary(const Call& call);

/// A factor from one scale to another that fixed-point arithmetic can hold.
Problem check_factor(double factor);

/// The bounds are in order, and int8 values (or infinite) for an i8 output.
Problem check_clamp(const Call& call, const Clamp& clamp);

/// The scale and zero point that go with what `op` computes; its output is an activation.
double scale_out(const Call& call);

/// Stored values go through unchanged, so both sides must mean the same by them: scales that differ by no more than
/// `tolerance`, and the same zero point.
Problem check_same_quantization(const Call& call, const Tensor& x, double tolerance = 0);

}  // namespace mote::ir
