#include "import/tflite/operators.h"

#include <fmt/format.h>

#include <algorithm>

#include "import/tflite/activation.h"
#include "ir/verify.h"
#include "ir/window.h"

namespace mote::import {

namespace {

// The padding of one dimension.
std::pair<int32_t, int32_t> pad_extent(tflite::Padding padding, int32_t size, int32_t window, int32_t stride,
                                       int32_t dilation) {
  const auto sane = [](int32_t value) { return value >= 1 && value <= ir::kMaxExtent; };
  if (!sane(window) || !sane(stride) || !sane(dilation)) {
    throw Refusal(fmt::format("window {}, stride {} and dilation {} must be in [1, {}]", window, stride, dilation,
                              ir::kMaxExtent));
  }
  if (padding == tflite::Padding::VALID) return {0, 0};
  const ir::Extent extent = ir::same_extent(size, window, stride, dilation);
  if (extent.after > ir::kMaxExtent)
    throw Refusal(fmt::format("needs a padding of {}, which is too large", extent.after));
  return {static_cast<int32_t>(extent.before), static_cast<int32_t>(extent.after)};
}

}  // namespace

namespace {

ir::Operator read_single_operator(const OpReader& reader) {
  using Code = tflite::BuiltinOperator;
  switch (operator_code(reader.source, reader.op)) {
    case Code::CONV_2D:
      return read_conv_2d(reader);
    case Code::DEPTHWISE_CONV_2D:
      return read_depthwise_conv_2d(reader);
    case Code::FULLY_CONNECTED:
      return read_fully_connected(reader);
    case Code::AVERAGE_POOL_2D:
      return read_average_pool_2d(reader);
    case Code::MAX_POOL_2D:
      return read_max_pool_2d(reader);
    case Code::ADD:
      return read_add(reader);
    case Code::MUL:
      return read_mul(reader);
    case Code::MEAN:
      return read_mean(reader);
    case Code::SOFTMAX:
      return read_softmax(reader);
    case Code::LOGISTIC:
      return read_unary(reader, ir::Logistic{});
    case Code::TANH:
      return read_unary(reader, ir::Tanh{});
    case Code::RELU:
      return read_unary(reader, ir::Relu{ir::Relu::Kind::kRelu});
    case Code::RELU6:
      return read_unary(reader, ir::Relu{ir::Relu::Kind::kRelu6});
    case Code::QUANTIZE:
      return read_unary(reader, ir::Quantize{});
    case Code::DEQUANTIZE:
      return read_unary(reader, ir::Dequantize{});
    case Code::PAD:
    case Code::PADV2:
      return read_pad(reader);
    case Code::RESHAPE:
      return read_reshape(reader);
    case Code::SLICE:
      return read_slice(reader);
    case Code::CONCATENATION:
      return read_concatenation(reader);
    case Code::EXPAND_DIMS:
      return read_same_bytes(reader, 2, 2);
    case Code::SQUEEZE:
      return read_same_bytes(reader, 1, 1);
    case Code::TRANSPOSE:
      return read_transpose(reader);
    default:
      throw Refusal("this operator is not supported");
  }
}

}  // namespace

std::vector<ir::Operator> read_operator(const OpReader& reader) {
  using Code = tflite::BuiltinOperator;
  switch (operator_code(reader.source, reader.op)) {
    case Code::STRIDED_SLICE:
      return read_strided_slice(reader);
    case Code::SPLIT:
      return read_split(reader);
    case Code::SPLIT_V:
      return read_split_v(reader);
    case Code::PACK:
      return read_pack(reader);
    case Code::UNPACK:
      return read_unpack(reader);
    default:
      return {read_single_operator(reader)};
  }
}

ir::Operator read_unary(const OpReader& reader, ir::OpAttributes attributes) {
  expect_arity(reader, 1, 1);
  return make_operator(reader, std::move(attributes), 1);
}

void expect_arity(const OpReader& reader, uint32_t least, uint32_t most, uint32_t results) {
  const uint32_t inputs = reader.op.inputs() == nullptr ? 0 : reader.op.inputs()->size();
  const uint32_t outputs = reader.op.outputs() == nullptr ? 0 : reader.op.outputs()->size();
  if (inputs < least || inputs > most) {
    const std::string wanted = least == most ? std::to_string(least) : fmt::format("{} to {}", least, most);
    throw Refusal(fmt::format("has {} operands and should have {}", inputs, wanted));
  }
  if (outputs != results) throw Refusal(fmt::format("has {} results and should have {}", outputs, results));
}

ir::Operator make_operator(const OpReader& reader, ir::OpAttributes attributes, uint32_t operands) {
  ir::Operator op{.attributes = std::move(attributes)};
  for (uint32_t i = 0; i < operands; ++i) {
    op.inputs.push_back(input_index(reader, i));
    if (op.inputs.back() >= 0) tensor_at(reader.source, op.inputs.back());
  }
  output(reader);
  op.output = reader.op.outputs()->Get(0);
  return op;
}

int32_t positive_axis(int64_t axis, const ir::Shape& shape) {
  const int64_t rank = static_cast<int64_t>(shape.size());
  if (axis < -rank || axis >= rank) throw Refusal(fmt::format("{} has no axis {}", ir::text_of(shape), axis));
  return static_cast<int32_t>(axis < 0 ? axis + rank : axis);
}

int input_index(const OpReader& reader, uint32_t position) {
  const auto* inputs = reader.op.inputs();
  if (inputs == nullptr || position >= inputs->size()) return ir::kNoTensor;
  return std::max(ir::kNoTensor, inputs->Get(position));
}

ir::Tensor& input(const OpReader& reader, uint32_t position) {
  return tensor_at(reader.source, input_index(reader, position));
}

ir::Tensor& output(const OpReader& reader) {
  return tensor_at(reader.source, reader.op.outputs()->Get(0));
}

void expect_activation(const ir::Tensor& tensor, const std::string& role) {
  if (tensor.dtype == ir::DType::kFloat32) return;
  if (tensor.dtype != ir::DType::kInt8) throw Refusal(fmt::format("{} must be int8 or float32", role));
  if (!tensor.quant) throw Refusal(fmt::format("{} is int8 without a scale", role));
  if (tensor.quant->per_channel()) throw Refusal(fmt::format("{} must not be quantised per channel", role));
}

void expect_rank(const ir::Tensor& tensor, size_t rank, const std::string& role) {
  if (tensor.shape.size() == rank) return;
  throw Refusal(fmt::format("{} is {} and should have {} dimensions", role, ir::text_of(tensor.shape), rank));
}

ir::Clamp fused_clamp(const OpReader& reader, tflite::Activation activation) {
  expect_activation(output(reader), "the output");
  const std::optional<ir::Clamp> clamp = clamp_of(activation, output(reader));
  if (clamp) return *clamp;
  const std::string name = tflite::EnumNameActivation(activation);
  throw Refusal(fmt::format("its fused activation {} is not supported",
                            name.empty() ? std::to_string(static_cast<int>(activation)) : name));
}

ir::Padding2D padding_of(tflite::Padding padding, const ir::Shape& image, ir::Size2D window, ir::Size2D stride,
                         ir::Size2D dilation) {
  if (padding != tflite::Padding::SAME && padding != tflite::Padding::VALID) {
    throw Refusal(fmt::format("padding {} is neither SAME nor VALID", static_cast<int>(padding)));
  }
  const auto [top, bottom] = pad_extent(padding, image.at(1), window.h, stride.h, dilation.h);
  const auto [left, right] = pad_extent(padding, image.at(2), window.w, stride.w, dilation.w);
  return {top, bottom, left, right};
}

}  // namespace mote::import
