// CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED and the pools.
#include <fmt/format.h>

#include <cmath>

#include "import/tflite/operators.h"

namespace mote::import {

namespace {

template <typename Options>
const Options& given(const Options* options) {
  if (options == nullptr) throw Refusal("its options are missing, or another operator's");
  return *options;
}

// A bias of any shape with one value a channel, [1,1,1,C] say, becomes [C].
void flatten_bias(const OpReader& reader, int32_t channels) {
  if (input_index(reader, 2) < 0) return;
  ir::Tensor& bias = input(reader, 2);
  if (ir::elements(bias.shape) != channels) return;
  bias.shape = {channels};
  if (bias.quant && bias.quant->per_channel()) bias.quant->axis = 0;
}

// With one weight scale, FULLY_CONNECTED demands the accumulator's scale of the bias, to within 2 % of an output step.
void expect_consistent_bias(const OpReader& reader) {
  const ir::Tensor& x = input(reader, 0);
  const ir::Tensor& weights = input(reader, 1);
  const ir::Tensor& y = output(reader);
  if (!x.quant || !y.quant || !weights.quant || weights.quant->per_channel() || input_index(reader, 2) < 0) return;
  const ir::Tensor& bias = input(reader, 2);
  const double accumulator = static_cast<double>(x.scale()) * static_cast<double>(weights.scale());
  const double scale = bias.quant ? static_cast<double>(bias.scale()) : 0;
  if (std::abs(accumulator - scale) / static_cast<double>(y.scale()) <= 0.02) return;
  throw Refusal(fmt::format("its bias has scale {}, but input times weights {}", scale, accumulator));
}

template <typename Pool>
ir::Operator read_pool(const OpReader& reader) {
  expect_arity(reader, 1, 1);
  const tflite::Pool2DOptions& options = given(reader.op.builtin_options_as_Pool2DOptions());
  expect_rank(input(reader, 0), 4, "the input");
  Pool pool;
  pool.window = {options.filter_h(), options.filter_w()};
  pool.stride = {options.stride_h(), options.stride_w()};
  pool.padding = padding_of(options.padding(), input(reader, 0).shape, pool.window, pool.stride, {1, 1});
  pool.clamp = fused_clamp(reader, options.activation());
  return make_operator(reader, pool, 1);
}

}  // namespace

ir::Operator read_conv_2d(const OpReader& reader) {
  expect_arity(reader, 2, 3);
  const tflite::Conv2DOptions& options = given(reader.op.builtin_options_as_Conv2DOptions());
  expect_rank(input(reader, 0), 4, "the input");
  expect_rank(input(reader, 1), 4, "the weights");
  const ir::Shape& image = input(reader, 0).shape;
  const ir::Shape& weights = input(reader, 1).shape;
  if (weights[3] != image[3] && image[3] % weights[3] == 0) throw Refusal("grouped convolution is not supported");
  ir::Conv2D conv;
  conv.stride = {options.stride_h(), options.stride_w()};
  conv.dilation = {options.dilation_h(), options.dilation_w()};
  conv.padding = padding_of(options.padding(), image, {weights[1], weights[2]}, conv.stride, conv.dilation);
  conv.clamp = fused_clamp(reader, options.activation());
  flatten_bias(reader, weights[0]);
  return make_operator(reader, conv, 3);
}

ir::Operator read_depthwise_conv_2d(const OpReader& reader) {
  expect_arity(reader, 2, 3);
  const tflite::DepthwiseConv2DOptions& options = given(reader.op.builtin_options_as_DepthwiseConv2DOptions());
  expect_rank(input(reader, 0), 4, "the input");
  expect_rank(input(reader, 1), 4, "the weights");
  const ir::Shape& image = input(reader, 0).shape;
  const ir::Shape& weights = input(reader, 1).shape;
  ir::DepthwiseConv2D conv;
  conv.multiplier = weights[3] / image[3];
  // The option repeats what the shapes say; newer converters leave it at 0.
  if (options.depth_multiplier() != 0 && options.depth_multiplier() != conv.multiplier) {
    throw Refusal(fmt::format("depth multiplier {} does not fit weights {} and input {}", options.depth_multiplier(),
                              ir::text_of(weights), ir::text_of(image)));
  }
  conv.stride = {options.stride_h(), options.stride_w()};
  conv.dilation = {options.dilation_h(), options.dilation_w()};
  conv.padding = padding_of(options.padding(), image, {weights[1], weights[2]}, conv.stride, conv.dilation);
  conv.clamp = fused_clamp(reader, options.activation());
  flatten_bias(reader, weights[3]);
  return make_operator(reader, conv, 3);
}

ir::Operator read_fully_connected(const OpReader& reader) {
  expect_arity(reader, 2, 3);
  const tflite::FullyConnectedOptions& options = given(reader.op.builtin_options_as_FullyConnectedOptions());
  if (options.weights_format() != tflite::WeightsFormat::DEFAULT) throw Refusal("shuffled weights are not supported");
  expect_rank(input(reader, 1), 2, "the weights");
  flatten_bias(reader, input(reader, 1).shape[0]);
  expect_consistent_bias(reader);
  return make_operator(reader, ir::Dense{fused_clamp(reader, options.activation())}, 3);
}

ir::Operator read_average_pool_2d(const OpReader& reader) {
  return read_pool<ir::AveragePool2D>(reader);
}
ir::Operator read_max_pool_2d(const OpReader& reader) {
  return read_pool<ir::MaxPool2D>(reader);
}

}  // namespace mote::import
