// Operators of a model file -> ir operators, one function each. They check what conversion needs, and what TensorFlow
// Lite Micro's kernels demand beyond ir::problem_of(), which the reader calls on what they return.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "import/tflite/source.h"

namespace mote::import {

/// An operator on its way in.
struct OpReader {
  Source& source;
  const tflite::Operator& op;
};

/// Converts one operator to those that compute the same, in order. Their operands are tensors of the source's draft,
/// all of them converted; results between them are added to it. Throws Refusal.
std::vector<ir::Operator> read_operator(const OpReader& reader);

/// The bytes of the result of an operator that computes integers from constants or from shapes, all of which are
/// static: SHAPE, and STRIDED_SLICE, PACK and CONCATENATION of such. Nothing for any other operator. Throws Refusal.
std::optional<Bytes> folded(const OpReader& reader);

// The kinds of operators.
ir::Operator read_conv_2d(const OpReader& reader);
ir::Operator read_depthwise_conv_2d(const OpReader& reader);
ir::Operator read_fully_connected(const OpReader& reader);
ir::Operator read_average_pool_2d(const OpReader& reader);
ir::Operator read_max_pool_2d(const OpReader& reader);
ir::Operator read_add(const OpReader& reader);
ir::Operator read_mul(const OpReader& reader);
ir::Operator read_softmax(const OpReader& reader);
ir::Operator read_mean(const OpReader& reader);
ir::Operator read_pad(const OpReader& reader);
ir::Operator read_reshape(const OpReader& reader);
ir::Operator read_slice(const OpReader& reader);
ir::Operator read_concatenation(const OpReader& reader);
ir::Operator read_transpose(const OpReader& reader);
/// EXPAND_DIMS and SQUEEZE, too: the output's shape says all.
ir::Operator read_same_bytes(const OpReader& reader, uint32_t least, uint32_t most);
// Made of several.
std::vector<ir::Operator> read_strided_slice(const OpReader& reader);
std::vector<ir::Operator> read_split(const OpReader& reader);
std::vector<ir::Operator> read_split_v(const OpReader& reader);
std::vector<ir::Operator> read_pack(const OpReader& reader);
std::vector<ir::Operator> read_unpack(const OpReader& reader);
/// One operand, no options.
ir::Operator read_unary(const OpReader& reader, ir::OpAttributes attributes);

// What they share. All throw Refusal.

/// Refuses unless the operator has `least` to `most` operands and `results` results.
void expect_arity(const OpReader& reader, uint32_t least, uint32_t most, uint32_t results = 1);
/// The operator with its first `operands` operands; those that are absent or beyond the end become kNoTensor.
ir::Operator make_operator(const OpReader& reader, ir::OpAttributes attributes, uint32_t operands);

/// Index of operand `position`; -1 when it is absent or beyond the end.
int input_index(const OpReader& reader, uint32_t position);
/// Operand `position`, which must be there.
ir::Tensor& input(const OpReader& reader, uint32_t position);
ir::Tensor& output(const OpReader& reader);

/// `axis` of `shape` counted from the front; a negative one counts from behind.
int32_t positive_axis(int64_t axis, const ir::Shape& shape);

/// What STRIDED_SLICE takes of a tensor.
struct Strided {
  std::vector<int64_t> begin, stride, extent;  // by dimension of the operand
  ir::Shape shape;                             // of the result
};
Strided strided_of(const OpReader& reader);

/// Refuses unless `tensor` is float32, or int8 quantised per tensor. `role` names it: "the input".
void expect_activation(const ir::Tensor& tensor, const std::string& role);
/// Refuses unless `tensor` has `rank` dimensions.
void expect_rank(const ir::Tensor& tensor, size_t rank, const std::string& role);
/// The bounds of a fused activation on the output; refuses those that are no bounds.
ir::Clamp fused_clamp(const OpReader& reader, tflite::Activation activation);

/// Explicit padding of a window that slides over height and width of an image [N,H,W,C].
ir::Padding2D padding_of(tflite::Padding padding, const ir::Shape& image, ir::Size2D window, ir::Size2D stride,
                         ir::Size2D dilation);

}  // namespace mote::import
