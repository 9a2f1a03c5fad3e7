// CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED and the pools.
#include <fmt/format.h>

#include <cmath>

#include "import/tflite/operators.h"

namespace mote::import {

namespace {

template <typename Options>
const Options& options_of(const OpReader& reader, const Options* options) {
  if (options == nullptr)
    throw Refusal(reader.op.builtin_options() == nullptr ? "its options are missing"
                                                         : "its options are another operator's");
  return *options;
}

// Weights: constant, of the input's type; int8 ones symmetric, per tensor or along `axis`.
void expect_weights(const ir::Tensor& weights, const ir::Tensor& x, int axis) {
  if (weights.dtype != x.dtype) {
    throw Refusal(
        fmt::format("{} weights with {} input are not supported", ir::name_of(weights.dtype), ir::name_of(x.dtype)));
  }
  if (!weights.is_constant()) throw Refusal("its weights must be a constant");
  if (weights.dtype != ir::DType::kInt8) return;
  if (!weights.quant) throw Refusal("its weights are int8 without a scale");
  if (weights.quant->per_channel() && weights.quant->axis != axis) {
    throw Refusal(
        fmt::format("its weights are quantised along dimension {} and should be along {}", weights.quant->axis, axis));
  }
  if (weights.quant->zero_points[0] != 0) throw Refusal("its weights must be symmetric (zero point 0)");
}

// The bias operand's index, -1 when there is none; a bias of any shape with `channels` values becomes [channels].
int read_bias(const OpReader& reader, const ir::Tensor& x, int32_t channels) {
  const int index = input_index(reader, 2);
  if (index < 0) return -1;
  ir::Tensor& bias = tensor_at(reader.source, index);
  const ir::DType wanted = x.dtype == ir::DType::kInt8 ? ir::DType::kInt32 : ir::DType::kFloat32;
  if (bias.dtype != wanted) {
    throw Refusal(fmt::format("its bias is {} and should be {}", ir::name_of(bias.dtype), ir::name_of(wanted)));
  }
  if (!bias.is_constant()) throw Refusal("its bias must be a constant");
  if (ir::elements(bias.shape) != channels) {
    throw Refusal(fmt::format("its bias is {} and should be {}", ir::text_of(bias.shape), channels));
  }
  bias.shape = {channels};
  if (bias.quant && bias.quant->per_channel()) bias.quant->axis = 0;
  return index;
}

void expect_output_multipliers(const ir::Tensor& x, const ir::Tensor& weights, const ir::Tensor& y) {
  if (x.dtype != ir::DType::kInt8) return;
  for (const float scale : weights.quant->scales) {
    expect_multiplier(static_cast<double>(x.scale()) * static_cast<double>(scale) / static_cast<double>(y.scale()));
  }
}

// FULLY_CONNECTED with one weight scale demands that the bias has the accumulator's scale, to within 2 % of an output
// step.
void expect_consistent_bias(const ir::Tensor& x, const ir::Tensor& weights, const ir::Tensor& bias,
                            const ir::Tensor& y) {
  if (x.dtype != ir::DType::kInt8 || weights.quant->per_channel()) return;
  const double accumulator = static_cast<double>(x.scale()) * static_cast<double>(weights.scale());
  const double scale = bias.quant ? static_cast<double>(bias.scale()) : 0;
  if (std::abs(accumulator - scale) / static_cast<double>(y.scale()) <= 0.02) return;
  throw Refusal(fmt::format("its bias has scale {}, input times weights {}", scale, accumulator));
}

}  // namespace

ReadOp read_conv_2d(const OpReader& reader) {
  expect_arity(reader, 2, 3);
  const tflite::Conv2DOptions& options = options_of(reader, reader.op.builtin_options_as_Conv2DOptions());
  const ir::Tensor& x = input(reader, 0);
  const ir::Tensor& weights = input(reader, 1);
  const ir::Tensor& y = output(reader);
  expect_activation(x, "the input");
  expect_activation_like(y, x, "the output");
  expect_weights(weights, x, 0);
  expect_rank(x, 4, "the input");
  expect_rank(weights, 4, "the weights");
  if (weights.shape[3] != x.shape[3]) {
    throw Refusal(fmt::format("weights {} on input {}: grouped convolution is not supported",
                              ir::text_of(weights.shape), ir::text_of(x.shape)));
  }
  ir::Conv2D conv;
  conv.stride = {options.stride_h(), options.stride_w()};
  conv.dilation = {options.dilation_h(), options.dilation_w()};
  const Windowing window =
      windowing(options.padding(), x.shape, {weights.shape[1], weights.shape[2]}, conv.stride, conv.dilation);
  conv.padding = window.padding;
  expect_shape(y, {x.shape[0], window.out.h, window.out.w, weights.shape[0]}, "the output");
  expect_output_multipliers(x, weights, y);
  conv.clamp = fused_clamp(options.activation(), y);
  return {conv,
          {input_index(reader, 0), input_index(reader, 1), read_bias(reader, x, weights.shape[0])},
          output_index(reader)};
}

ReadOp read_depthwise_conv_2d(const OpReader& reader) {
  expect_arity(reader, 2, 3);
  const tflite::DepthwiseConv2DOptions& options =
      options_of(reader, reader.op.builtin_options_as_DepthwiseConv2DOptions());
  const ir::Tensor& x = input(reader, 0);
  const ir::Tensor& weights = input(reader, 1);
  const ir::Tensor& y = output(reader);
  expect_activation(x, "the input");
  expect_activation_like(y, x, "the output");
  expect_weights(weights, x, 3);
  expect_rank(x, 4, "the input");
  expect_rank(weights, 4, "the weights");
  const int32_t channels = weights.shape[3];
  ir::DepthwiseConv2D conv;
  conv.multiplier = channels / x.shape[3];
  // The option repeats what the shapes say; newer converters leave it at 0.
  const bool agrees = options.depth_multiplier() == 0 || options.depth_multiplier() == conv.multiplier;
  if (weights.shape[0] != 1 || channels % x.shape[3] != 0 || !agrees) {
    throw Refusal(fmt::format("weights {} and depth multiplier {} do not fit input {}", ir::text_of(weights.shape),
                              options.depth_multiplier(), ir::text_of(x.shape)));
  }
  conv.stride = {options.stride_h(), options.stride_w()};
  conv.dilation = {options.dilation_h(), options.dilation_w()};
  const Windowing window =
      windowing(options.padding(), x.shape, {weights.shape[1], weights.shape[2]}, conv.stride, conv.dilation);
  conv.padding = window.padding;
  expect_shape(y, {x.shape[0], window.out.h, window.out.w, channels}, "the output");
  expect_output_multipliers(x, weights, y);
  conv.clamp = fused_clamp(options.activation(), y);
  return {conv, {input_index(reader, 0), input_index(reader, 1), read_bias(reader, x, channels)}, output_index(reader)};
}

ReadOp read_fully_connected(const OpReader& reader) {
  expect_arity(reader, 2, 3);
  const tflite::FullyConnectedOptions& options =
      options_of(reader, reader.op.builtin_options_as_FullyConnectedOptions());
  if (options.weights_format() != tflite::WeightsFormat::DEFAULT) throw Refusal("shuffled weights are not supported");
  const ir::Tensor& x = input(reader, 0);
  const ir::Tensor& weights = input(reader, 1);
  const ir::Tensor& y = output(reader);
  expect_activation(x, "the input");
  expect_activation_like(y, x, "the output");
  expect_weights(weights, x, 0);
  expect_rank(weights, 2, "the weights");
  const int32_t channels = weights.shape[0];
  const int64_t rows = ir::elements(x.shape) / weights.shape[1];
  if (ir::elements(x.shape) % weights.shape[1] != 0) {
    throw Refusal(fmt::format("weights {} do not fit input {}", ir::text_of(weights.shape), ir::text_of(x.shape)));
  }
  if (y.shape.empty() || y.shape.back() != channels || ir::elements(y.shape) != rows * channels) {
    throw Refusal(fmt::format("the output is {} and should be {}x{}", ir::text_of(y.shape), rows, channels));
  }
  expect_output_multipliers(x, weights, y);
  const int bias = read_bias(reader, x, channels);
  if (bias >= 0) expect_consistent_bias(x, weights, input(reader, 2), y);
  return {ir::Dense{fused_clamp(options.activation(), y)},
          {input_index(reader, 0), input_index(reader, 1), bias},
          output_index(reader)};
}

ReadOp read_pool(const OpReader& reader, bool average) {
  expect_arity(reader, 1, 1);
  const tflite::Pool2DOptions& options = options_of(reader, reader.op.builtin_options_as_Pool2DOptions());
  const ir::Tensor& x = input(reader, 0);
  const ir::Tensor& y = output(reader);
  expect_activation(x, "the input");
  expect_activation_like(y, x, "the output");
  expect_rank(x, 4, "the input");
  // The tolerance is TensorFlow Lite Micro's.
  expect_same_quantization(x, y, 1e-6, "the input and the output");
  const ir::Size2D size{options.filter_h(), options.filter_w()};
  const ir::Size2D stride{options.stride_h(), options.stride_w()};
  const Windowing window = windowing(options.padding(), x.shape, size, stride, {1, 1});
  expect_shape(y, {x.shape[0], window.out.h, window.out.w, x.shape[3]}, "the output");
  const ir::Clamp clamp = fused_clamp(options.activation(), y);
  ReadOp op{ir::MaxPool2D{size, stride, window.padding, clamp}, {input_index(reader, 0)}, output_index(reader)};
  if (average) op.attributes = ir::AveragePool2D{size, stride, window.padding, clamp};
  return op;
}

}  // namespace mote::import
