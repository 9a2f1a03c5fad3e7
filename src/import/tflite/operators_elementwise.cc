// ADD, MUL, SOFTMAX, LOGISTIC, TANH, RELU, RELU6, QUANTIZE, DEQUANTIZE.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "import/tflite/operators.h"

namespace mote::import {

namespace {

// numpy broadcasting of two shapes.
ir::Shape broadcast(const ir::Shape& a, const ir::Shape& b) {
  constexpr size_t kMaxRank = 4;  // as far as TensorFlow Lite Micro broadcasts
  ir::Shape shape(std::max(a.size(), b.size()));
  for (size_t i = 0; i < shape.size(); ++i) {  // from the last dimension
    const int32_t in_a = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int32_t in_b = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (in_a != in_b && in_a != 1 && in_b != 1) {
      throw Refusal(fmt::format("shapes {} and {} do not broadcast", ir::text_of(a), ir::text_of(b)));
    }
    shape[shape.size() - 1 - i] = std::max(in_a, in_b);
  }
  if (a != b && shape.size() > kMaxRank) throw Refusal("broadcasting in more than 4 dimensions is not supported");
  return shape;
}

ReadOp binary(const OpReader& reader, ir::OpAttributes attributes) {
  return {std::move(attributes), {input_index(reader, 0), input_index(reader, 1)}, output_index(reader)};
}

void expect_binary(const OpReader& reader) {
  expect_arity(reader, 2, 2);
  expect_activation(input(reader, 0), "the first operand");
  expect_activation_like(input(reader, 1), input(reader, 0), "the second operand");
  expect_activation_like(output(reader), input(reader, 0), "the output");
  expect_shape(output(reader), broadcast(input(reader, 0).shape, input(reader, 1).shape), "the output");
}

// One operand and a result of the same shape, both activations of the same type.
void expect_unary(const OpReader& reader) {
  expect_arity(reader, 1, 1);
  expect_activation(input(reader, 0), "the input");
  expect_activation_like(output(reader), input(reader, 0), "the output");
  expect_shape(output(reader), input(reader, 0).shape, "the output");
}

ReadOp unary(const OpReader& reader, ir::OpAttributes attributes) {
  return {std::move(attributes), {input_index(reader, 0)}, output_index(reader)};
}

double ratio(const ir::Tensor& a, const ir::Tensor& b) {
  return static_cast<double>(a.scale()) / static_cast<double>(b.scale());
}

// The kernels scale the input to 4 integer bits by a left shift of at most 31.
void expect_input_scale_for_fixed_point(const ir::Tensor& x) {
  if (x.dtype != ir::DType::kInt8 || x.scale() < 16) return;
  throw Refusal(fmt::format("its input scale {} is too large for the fixed-point kernel (16 or more)", x.scale()));
}

}  // namespace

ReadOp read_add(const OpReader& reader) {
  expect_binary(reader);
  const tflite::AddOptions* options = reader.op.builtin_options_as_AddOptions();
  const ir::Tensor& y = output(reader);
  if (y.dtype == ir::DType::kInt8) {
    const double largest = std::max(input(reader, 0).scale(), input(reader, 1).scale());
    // The sum is held with 20 fractional bits, and the last factor must be below one.
    if (2 * largest / (static_cast<double>(1 << 20) * static_cast<double>(y.scale())) >= 1) {
      throw Refusal("its output scale is too small for its input scales");
    }
  }
  return binary(reader, ir::Add{fused_clamp(options == nullptr ? tflite::Activation::NONE : options->activation(), y)});
}

ReadOp read_mul(const OpReader& reader) {
  expect_binary(reader);
  const tflite::MulOptions* options = reader.op.builtin_options_as_MulOptions();
  const ir::Tensor& y = output(reader);
  if (y.dtype == ir::DType::kInt8)
    expect_multiplier(ratio(input(reader, 0), y) * static_cast<double>(input(reader, 1).scale()));
  return binary(reader, ir::Mul{fused_clamp(options == nullptr ? tflite::Activation::NONE : options->activation(), y)});
}

ReadOp read_softmax(const OpReader& reader) {
  expect_unary(reader);
  const tflite::SoftmaxOptions* options = reader.op.builtin_options_as_SoftmaxOptions();
  const ir::Tensor& x = input(reader, 0);
  const ir::Tensor& y = output(reader);
  const float beta = options == nullptr ? 1.0f : options->beta();
  if (!std::isfinite(beta)) throw Refusal(fmt::format("beta is {}", beta));
  if (x.shape.empty()) throw Refusal("the input is a scalar");
  if (x.dtype == ir::DType::kInt8) {
    if (y.scale() != 0x1p-8f || y.zero_point() != -128) {
      throw Refusal(fmt::format("its int8 output must have scale 1/256 and zero point -128, not ({}, {})", y.scale(),
                                y.zero_point()));
    }
    // The input is scaled to 5 integer bits by a factor that must be above one.
    if (!(static_cast<double>(beta) * static_cast<double>(x.scale()) * 0x1p26 > 1)) {
      throw Refusal(
          fmt::format("beta {} times input scale {} is too small for the fixed-point kernel", beta, x.scale()));
    }
  }
  return unary(reader, ir::Softmax{beta});
}

ReadOp read_logistic(const OpReader& reader) {
  expect_unary(reader);
  const ir::Tensor& y = output(reader);
  expect_input_scale_for_fixed_point(input(reader, 0));
  if (y.dtype == ir::DType::kInt8 && y.zero_point() != -128) {
    throw Refusal(fmt::format("its int8 output must have zero point -128, not {}", y.zero_point()));
  }
  return unary(reader, ir::Logistic{});
}

ReadOp read_tanh(const OpReader& reader) {
  expect_unary(reader);
  expect_input_scale_for_fixed_point(input(reader, 0));
  return unary(reader, ir::Tanh{});
}

ReadOp read_relu(const OpReader& reader, ir::Relu::Kind kind) {
  expect_unary(reader);
  const ir::Tensor& x = input(reader, 0);
  if (x.dtype == ir::DType::kInt8 && kind == ir::Relu::Kind::kRelu) expect_multiplier(ratio(x, output(reader)));
  return unary(reader, ir::Relu{kind});
}

ReadOp read_quantize(const OpReader& reader) {
  expect_arity(reader, 1, 1);
  const ir::Tensor& x = input(reader, 0);
  const ir::Tensor& y = output(reader);
  expect_activation(x, "the input");
  expect_activation(y, "the output");
  if (y.dtype != ir::DType::kInt8) throw Refusal("the output must be int8");
  expect_shape(y, x.shape, "the output");
  if (x.dtype == ir::DType::kInt8) expect_multiplier(ratio(x, y));
  return unary(reader, ir::Quantize{});
}

ReadOp read_dequantize(const OpReader& reader) {
  expect_arity(reader, 1, 1);
  const ir::Tensor& x = input(reader, 0);
  const ir::Tensor& y = output(reader);
  expect_activation(x, "the input");
  expect_activation(y, "the output");
  if (x.dtype != ir::DType::kInt8 || y.dtype != ir::DType::kFloat32) throw Refusal("only int8 to float32 is supported");
  expect_shape(y, x.shape, "the output");
  return unary(reader, ir::Dequantize{});
}

}  // namespace mote::import
