#include "import/tflite/operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "import/tflite/activation.h"

namespace mote::import {

namespace {

struct Extent {
  int32_t before, after, out;
};

// One dimension of windowing(): TensorFlow's rule. SAME puts the odd row or column of padding behind.
Extent extent(tflite::Padding padding, int64_t size, int64_t window, int64_t stride, int64_t dilation) {
  constexpr int64_t kLargest = 1 << 20;
  if (window < 1 || stride < 1 || dilation < 1 || window > kLargest || stride > kLargest || dilation > kLargest) {
    throw Refusal(fmt::format("window {}, stride {} and dilation {} make no sense", window, stride, dilation));
  }
  const int64_t reach = (window - 1) * dilation + 1;
  if (padding == tflite::Padding::VALID) {
    if (reach > size)
      throw Refusal(fmt::format("a window that reaches over {} does not fit {} without padding", reach, size));
    return {0, 0, static_cast<int32_t>((size - reach) / stride + 1)};
  }
  const int64_t out = (size + stride - 1) / stride;
  const int64_t total = std::max<int64_t>(0, (out - 1) * stride + reach - size);
  if (total > INT32_MAX) throw Refusal("the padding is larger than mote can count");
  return {static_cast<int32_t>(total / 2), static_cast<int32_t>(total - total / 2), static_cast<int32_t>(out)};
}

}  // namespace

ReadOp read_operator(const OpReader& reader) {
  using Code = tflite::BuiltinOperator;
  switch (operator_code(reader.source, reader.op)) {
    case Code::CONV_2D:
      return read_conv_2d(reader);
    case Code::DEPTHWISE_CONV_2D:
      return read_depthwise_conv_2d(reader);
    case Code::FULLY_CONNECTED:
      return read_fully_connected(reader);
    case Code::ADD:
      return read_add(reader);
    case Code::MUL:
      return read_mul(reader);
    case Code::AVERAGE_POOL_2D:
      return read_pool(reader, true);
    case Code::MAX_POOL_2D:
      return read_pool(reader, false);
    case Code::MEAN:
      return read_mean(reader);
    case Code::SOFTMAX:
      return read_softmax(reader);
    case Code::LOGISTIC:
      return read_logistic(reader);
    case Code::TANH:
      return read_tanh(reader);
    case Code::RELU:
      return read_relu(reader, ir::Relu::Kind::kRelu);
    case Code::RELU6:
      return read_relu(reader, ir::Relu::Kind::kRelu6);
    case Code::PAD:
    case Code::PADV2:
      return read_pad(reader);
    case Code::RESHAPE:
      return read_reshape(reader);
    case Code::CONCATENATION:
      return read_concatenation(reader);
    case Code::QUANTIZE:
      return read_quantize(reader);
    case Code::DEQUANTIZE:
      return read_dequantize(reader);
    default:
      throw Refusal("this operator is not supported");
  }
}

void expect_arity(const OpReader& reader, uint32_t least, uint32_t most) {
  const uint32_t inputs = reader.op.inputs() == nullptr ? 0 : reader.op.inputs()->size();
  const uint32_t outputs = reader.op.outputs() == nullptr ? 0 : reader.op.outputs()->size();
  if (inputs < least || inputs > most) {
    const std::string wanted = least == most ? std::to_string(least) : fmt::format("{} to {}", least, most);
    throw Refusal(fmt::format("has {} operands and should have {}", inputs, wanted));
  }
  if (outputs != 1) throw Refusal(fmt::format("has {} results and should have 1", outputs));
}

int input_index(const OpReader& reader, uint32_t position) {
  const auto* inputs = reader.op.inputs();
  if (inputs == nullptr || position >= inputs->size()) return -1;
  return std::max(-1, inputs->Get(position));
}

int output_index(const OpReader& reader) {
  return reader.op.outputs()->Get(0);
}

ir::Tensor& input(const OpReader& reader, uint32_t position) {
  return tensor_at(reader.source, input_index(reader, position));
}

ir::Tensor& output(const OpReader& reader) {
  return tensor_at(reader.source, output_index(reader));
}

void expect_activation(const ir::Tensor& tensor, const std::string& role) {
  if (tensor.dtype == ir::DType::kFloat32) return;
  if (tensor.dtype != ir::DType::kInt8) throw Refusal(fmt::format("{} must be int8 or float32", role));
  if (!tensor.quant) throw Refusal(fmt::format("{} is int8 without a scale", role));
  if (tensor.quant->per_channel()) throw Refusal(fmt::format("{} must not be quantised per channel", role));
}

void expect_activation_like(const ir::Tensor& tensor, const ir::Tensor& like, const std::string& role) {
  if (tensor.dtype != like.dtype) {
    throw Refusal(fmt::format("{} is {} where {} is needed", role, ir::name_of(tensor.dtype), ir::name_of(like.dtype)));
  }
  expect_activation(tensor, role);
}

void expect_same_quantization(const ir::Tensor& a, const ir::Tensor& b, double tolerance, const std::string& what) {
  if (a.dtype != ir::DType::kInt8 || b.dtype != ir::DType::kInt8) return;
  const double difference = std::abs(static_cast<double>(a.scale()) - static_cast<double>(b.scale()));
  if (difference <= tolerance && a.zero_point() == b.zero_point()) return;
  throw Refusal(fmt::format("{} must agree in scale and zero point, but one has ({}, {}) and the other ({}, {})", what,
                            a.scale(), a.zero_point(), b.scale(), b.zero_point()));
}

void expect_rank(const ir::Tensor& tensor, size_t rank, const std::string& role) {
  if (tensor.shape.size() == rank) return;
  throw Refusal(fmt::format("{} is {} and should have {} dimensions", role, ir::text_of(tensor.shape), rank));
}

void expect_shape(const ir::Tensor& tensor, const ir::Shape& shape, const std::string& role) {
  if (tensor.shape == shape) return;
  throw Refusal(fmt::format("{} is {} and should be {}", role, ir::text_of(tensor.shape), ir::text_of(shape)));
}

void expect_multiplier(double factor) {
  // The kernels shift an accumulator left by as much as 30 bits at most.
  if (factor > 0 && factor < 0x1p30) return;
  throw Refusal(fmt::format("its scales give a factor of {}, which fixed-point arithmetic cannot express", factor));
}

ir::Clamp fused_clamp(tflite::Activation activation, const ir::Tensor& output) {
  const std::optional<ir::Clamp> clamp = clamp_of(activation, output);
  if (clamp) return *clamp;
  const std::string name = tflite::EnumNameActivation(activation);
  throw Refusal(fmt::format("its fused activation {} is not supported",
                            name.empty() ? std::to_string(static_cast<int>(activation)) : name));
}

Windowing windowing(tflite::Padding padding, const ir::Shape& image, ir::Size2D window, ir::Size2D stride,
                    ir::Size2D dilation) {
  if (padding != tflite::Padding::SAME && padding != tflite::Padding::VALID) {
    throw Refusal(fmt::format("padding {} is neither SAME nor VALID", static_cast<int>(padding)));
  }
  const Extent h = extent(padding, image[1], window.h, stride.h, dilation.h);
  const Extent w = extent(padding, image[2], window.w, stride.w, dilation.w);
  return {{h.before, h.after, w.before, w.after}, {h.out, w.out}};
}

}  // namespace mote::import
