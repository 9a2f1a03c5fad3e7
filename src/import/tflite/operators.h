// Operators of a model file -> ir operators, one function per family. Each checks everything that the operator's struct
// in ir/operators.h promises and that TensorFlow Lite Micro's kernels demand, so that what comes through is legal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "import/tflite/source.h"

namespace mote::import {

/// An operator on its way in.
struct OpReader {
  Source& source;
  const tflite::Operator& op;
};

/// An operator as it comes out; operands are indices of the model's subgraph, -1 for an absent one.
struct ReadOp {
  ir::OpAttributes attributes;
  std::vector<int> inputs;
  int output = -1;
};

/// Converts one operator. Throws Refusal.
ReadOp read_operator(const OpReader& reader);

// The families.
ReadOp read_conv_2d(const OpReader& reader);
ReadOp read_depthwise_conv_2d(const OpReader& reader);
ReadOp read_fully_connected(const OpReader& reader);
ReadOp read_pool(const OpReader& reader, bool average);
ReadOp read_add(const OpReader& reader);
ReadOp read_mul(const OpReader& reader);
ReadOp read_softmax(const OpReader& reader);
ReadOp read_logistic(const OpReader& reader);
ReadOp read_tanh(const OpReader& reader);
ReadOp read_relu(const OpReader& reader, ir::Relu::Kind kind);
ReadOp read_quantize(const OpReader& reader);
ReadOp read_dequantize(const OpReader& reader);
ReadOp read_mean(const OpReader& reader);
ReadOp read_pad(const OpReader& reader);
ReadOp read_reshape(const OpReader& reader);
ReadOp read_concatenation(const OpReader& reader);

// What the families share. All throw Refusal.

/// Refuses unless the operator has `least` to `most` operands and one result.
void expect_arity(const OpReader& reader, uint32_t least, uint32_t most);
/// Index of operand `position`; -1 when it is absent or beyond the end.
int input_index(const OpReader& reader, uint32_t position);
int output_index(const OpReader& reader);
/// Operand `position`, which must be there.
ir::Tensor& input(const OpReader& reader, uint32_t position);
ir::Tensor& output(const OpReader& reader);

/// Refuses unless `tensor` is float32, or int8 quantised per tensor. `role` names it: "the input".
void expect_activation(const ir::Tensor& tensor, const std::string& role);
/// Refuses unless `tensor` is such an activation of the same type as `like`.
void expect_activation_like(const ir::Tensor& tensor, const ir::Tensor& like, const std::string& role);
/// Refuses unless the scales differ by at most `tolerance` and the zero points not at all. Both int8, or neither is
/// checked.
void expect_same_quantization(const ir::Tensor& a, const ir::Tensor& b, double tolerance, const std::string& what);
/// Refuses unless `tensor` has `rank` dimensions.
void expect_rank(const ir::Tensor& tensor, size_t rank, const std::string& role);
/// Refuses unless `tensor` has the shape `shape`.
void expect_shape(const ir::Tensor& tensor, const ir::Shape& shape, const std::string& role);
/// Refuses a factor between scales that does not fit the 31-bit fixed-point multiplier and left shift of the kernels.
void expect_multiplier(double factor);
/// The bounds of a fused activation on `output`; refuses those that are no bounds.
ir::Clamp fused_clamp(tflite::Activation activation, const ir::Tensor& output);

/// Explicit padding and output size of a window that slides over height and width.
struct Windowing {
  ir::Padding2D padding;
  ir::Size2D out;
};
Windowing windowing(tflite::Padding padding, const ir::Shape& image, ir::Size2D window, ir::Size2D stride,
                    ir::Size2D dilation);

}  // namespace mote::import
