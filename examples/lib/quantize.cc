#include "lib/quantize.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "reference/interpret.h"

namespace mote::examples {

using ir::Graph;
using ir::Operator;
using ir::Quantization;
using ir::Tensor;
using ir::TensorId;

namespace {

float rounded_outward(float value) {
  constexpr int kBits = 7;
  int exponent = 0;
  const float mantissa = std::frexp(value, &exponent);
  const float steps = std::ldexp(mantissa, kBits);
  return std::ldexp(value < 0 ? std::floor(steps) : std::ceil(steps), exponent - kBits);
}

Quantization affine(Range range) {
  check(range.hi > range.lo, "a tensor that is always 0 has no scale");
  const double scale = (static_cast<double>(range.hi) - range.lo) / 255;
  const auto zero_point = static_cast<int32_t>(std::lround(-128 - range.lo / scale));
  return {{static_cast<float>(scale)}, {std::clamp(zero_point, -128, 127)}, 0};
}

/// The index of the output channel that element `i` of constant `weights` belongs to.
size_t channel_of(const Operator& op, const Tensor& weights, size_t i) {
  if (std::holds_alternative<ir::DepthwiseConv2D>(op.attributes)) return i % static_cast<size_t>(weights.shape.back());
  return i / (static_cast<size_t>(ir::elements(weights.shape)) / static_cast<size_t>(weights.shape.front()));
}

/// Weights to int8, in place. A channel of zeros gets the largest scale of the others.
void quantize_weights(const Operator& op, Tensor& weights) {
  const std::vector<float> values = to_values<float>(*weights.data);
  const bool depthwise = std::holds_alternative<ir::DepthwiseConv2D>(op.attributes);
  const int axis = depthwise ? 3 : 0;
  std::vector<float> largest(static_cast<size_t>(weights.shape[static_cast<size_t>(axis)]));
  for (size_t i = 0; i < values.size(); ++i) {
    float& top = largest[channel_of(op, weights, i)];
    top = std::max(top, std::abs(values[i]));
  }
  const float top_of_all = *std::max_element(largest.begin(), largest.end());
  if (std::holds_alternative<ir::Dense>(op.attributes)) {
    std::fill(largest.begin(), largest.end(), top_of_all);
  }
  std::vector<float> scales(largest.size());
  std::transform(largest.begin(), largest.end(), scales.begin(),
                 [top_of_all](float top) { return (top > 0 ? top : top_of_all) / 127; });
  std::vector<int8_t> stored(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    stored[i] = static_cast<int8_t>(std::lround(values[i] / scales[channel_of(op, weights, i)]));
  }
  if (std::holds_alternative<ir::Dense>(op.attributes)) scales.resize(1);
  weights.dtype = ir::DType::kInt8;
  weights.data = to_bytes(stored);
  weights.quant = Quantization{scales, std::vector<int32_t>(scales.size()), axis};
}

/// Bias to int32, in place.
void quantize_bias(const Tensor& x, const Tensor& weights, Tensor& bias) {
  const std::vector<float> values = to_values<float>(*bias.data);
  const std::vector<float>& weight_scales = weights.quant->scales;
  std::vector<float> scales(weight_scales.size());
  for (size_t i = 0; i < scales.size(); ++i) scales[i] = x.scale() * weight_scales[i];
  std::vector<int32_t> stored(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const double exact = values[i] / (static_cast<double>(x.scale()) * weight_scales[i % weight_scales.size()]);
    stored[i] = static_cast<int32_t>(std::lround(std::clamp(exact, -2147483648.0, 2147483647.0)));
  }
  bias.dtype = ir::DType::kInt32;
  bias.data = to_bytes(stored);
  bias.quant = Quantization{scales, std::vector<int32_t>(scales.size()), 0};
}

/// From bounds on the real value to bounds on the stored one.
ir::Clamp quantized(const ir::Clamp& clamp, const Tensor& out) {
  const auto stored = [&out](double real) {
    return std::clamp<double>(std::round(static_cast<float>(real) / out.scale()) + out.zero_point(), -128, 127);
  };
  return {std::isinf(clamp.lo) ? -128.0 : stored(clamp.lo), std::isinf(clamp.hi) ? 127.0 : stored(clamp.hi)};
}

/// Operators that hand their input's stored values on: the output has the input's quantisation.
bool keeps_quantization(const Operator& op) {
  return std::holds_alternative<ir::MaxPool2D>(op.attributes) ||
         std::holds_alternative<ir::AveragePool2D>(op.attributes) || std::holds_alternative<ir::Reshape>(op.attributes);
}

bool has_weights(const Operator& op) {
  return std::holds_alternative<ir::Conv2D>(op.attributes) ||
         std::holds_alternative<ir::DepthwiseConv2D>(op.attributes) || std::holds_alternative<ir::Dense>(op.attributes);
}

void quantize_activation(const std::vector<Range>& ranges, TensorId id, Graph& model) {
  Tensor& tensor = model.tensor(id);
  tensor.dtype = ir::DType::kInt8;
  tensor.quant = affine(ranges.at(static_cast<size_t>(id)));
}

}  // namespace

std::vector<Range> observe(const Graph& model, const std::vector<std::vector<float>>& inputs) {
  std::vector<Range> ranges(model.tensors.size());
  for (const std::vector<float>& input : inputs) {
    const std::vector<Bytes> tensors = reference::interpret(model, {to_bytes(input)});
    for (size_t t = 0; t < tensors.size(); ++t) {
      if (model.tensors[t].is_constant()) continue;
      for (float value : to_values<float>(tensors[t])) {
        ranges[t].lo = std::min(ranges[t].lo, value);
        ranges[t].hi = std::max(ranges[t].hi, value);
      }
    }
  }
  for (Range& range : ranges) range = {rounded_outward(range.lo), rounded_outward(range.hi)};
  return ranges;
}

Graph quantize(const Graph& model, const std::vector<Range>& ranges) {
  Graph result = model;
  for (TensorId id : result.inputs) quantize_activation(ranges, id, result);
  for (Operator& op : result.operators) {
    const Tensor& x = result.tensor(op.inputs.at(0));
    Tensor& out = result.tensor(op.output);
    if (keeps_quantization(op)) {
      out.dtype = ir::DType::kInt8;
      out.quant = x.quant;
    } else if (std::holds_alternative<ir::Softmax>(op.attributes)) {
      out.dtype = ir::DType::kInt8;
      out.quant = Quantization{{1.0f / 256}, {-128}, 0};
    } else {
      quantize_activation(ranges, op.output, result);
    }
    if (has_weights(op)) {
      quantize_weights(op, result.tensor(op.inputs.at(1)));
      quantize_bias(x, result.tensor(op.inputs[1]), result.tensor(op.inputs.at(2)));
    }
    std::visit(
        [&out](auto& attributes) {
          if constexpr (requires { attributes.clamp; }) attributes.clamp = quantized(attributes.clamp, out);
        },
        op.attributes);
  }
  return result;
}

}  // namespace mote::examples
