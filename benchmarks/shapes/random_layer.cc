#include "shapes/random_layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "support/random.h"

namespace mote::shapes {

namespace {

constexpr size_t kMostWeightBytes = 150'000;  // trials are loaded into RAM, code and all
constexpr double kDeviationOfBytes = 74;      // of uniform int8 values

int32_t between(Random* random, int32_t lo, int32_t hi) {
  return static_cast<int32_t>(random->between(lo, hi));
}

bool chance(Random* random, double probability) {
  return random->unit() < probability;
}

/// A number of channels: often one that hardware likes, else any.
int32_t some_channels(Random* random) {
  static constexpr int32_t kCommon[] = {1, 3, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128};
  if (chance(random, 0.5)) return kCommon[random->below(std::size(kCommon))];
  return between(random, 1, 130);
}

ir::Size2D some_window(Random* random) {
  static constexpr ir::Size2D kWindows[] = {{1, 1}, {3, 3}, {3, 3}, {5, 5}, {7, 7},  {1, 3}, {3, 1}, {1, 5},
                                            {5, 1}, {1, 7}, {7, 1}, {2, 2}, {10, 4}, {3, 5}, {4, 4}, {1, 2}};
  return kWindows[random->below(std::size(kWindows))];
}

int32_t output_extent(int32_t input, int32_t window, int32_t stride, int32_t dilation, bool same) {
  return same ? (input + stride - 1) / stride : (input - (window - 1) * dilation - 1) / stride + 1;
}

/// Padding before and after, as TensorFlow's SAME has it.
std::pair<int32_t, int32_t> padding_of(int32_t input, int32_t window, int32_t stride, int32_t dilation, bool same) {
  if (!same) return {0, 0};
  const int32_t output = output_extent(input, window, stride, dilation, same);
  const int32_t total = std::max((output - 1) * stride + (window - 1) * dilation + 1 - input, 0);
  return {total / 2, total - total / 2};
}

Layer some_layer(Random* random) {
  Layer layer;
  const uint64_t kind = random->below(10);
  layer.family = kind < 5 ? Family::kConvolution : kind < 8 ? Family::kDepthwise : Family::kDense;
  layer.channels = some_channels(random);
  if (layer.family == Family::kDense) {
    layer.channels = between(random, 1, chance(random, 0.5) ? 1024 : 130);
    layer.out_channels = some_channels(random);
    return layer;
  }
  layer.height = between(random, 1, 40);
  layer.width = chance(random, 0.4) ? layer.height : between(random, 1, 40);
  layer.window = some_window(random);
  layer.stride.h = chance(random, 0.3) ? 2 : 1;
  layer.stride.w = chance(random, 0.8) ? layer.stride.h : 3 - layer.stride.h;
  if (chance(random, 0.1)) layer.dilation = {between(random, 1, 2), between(random, 1, 2)};
  layer.same = chance(random, 0.6);
  layer.out_channels = some_channels(random);
  if (layer.family == Family::kDepthwise) layer.out_channels = layer.channels * (chance(random, 0.1) ? 2 : 1);
  return layer;
}

bool possible(const Layer& layer) {
  if (layer.family == Family::kDense || layer.same) return true;
  return layer.height > (layer.window.h - 1) * layer.dilation.h &&
         layer.width > (layer.window.w - 1) * layer.dilation.w;
}

ir::Quantization per_tensor(double scale, int32_t zero_point) {
  return {{static_cast<float>(scale)}, {zero_point}, 0};
}

/// Operands and output of a layer under construction.
struct Builder {
  Random random;
  const Layer& layer;
  ir::Graph graph;
  int depth;  // products in a sum

  ir::TensorId add(ir::Tensor tensor) {
    graph.tensors.push_back(std::move(tensor));
    return static_cast<ir::TensorId>(graph.tensors.size() - 1);
  }

  ir::TensorId input(ir::Shape shape) {
    ir::Tensor tensor{
        .name = "x", .dtype = layer.real ? ir::DType::kFloat32 : ir::DType::kInt8, .shape = std::move(shape)};
    if (!layer.real) tensor.quant = per_tensor(1.0 / 64, between(&random, -128, 127));
    return add(std::move(tensor));
  }

  /// Channels along `axis` of `shape`.
  ir::TensorId weights(ir::Shape shape, int axis) {
    ir::Tensor tensor{
        .name = "weights", .dtype = layer.real ? ir::DType::kFloat32 : ir::DType::kInt8, .shape = std::move(shape)};
    const size_t count = static_cast<size_t>(ir::elements(tensor.shape));
    if (layer.real) {
      std::vector<float> values(count);
      for (float& value : values) value = static_cast<float>(random.normal() / std::sqrt(depth));
      tensor.data = to_bytes(values);
      return add(std::move(tensor));
    }
    std::vector<int8_t> values(count);
    for (int8_t& value : values) value = static_cast<int8_t>(between(&random, -127, 127));
    tensor.data = to_bytes(values);
    ir::Quantization quant{{}, {}, axis};
    for (int32_t c = 0; c < layer.out_channels; ++c) {
      const double spread = 0.3 + 1.2 * random.unit();
      quant.scales.push_back(static_cast<float>(spread / (std::sqrt(depth) * kDeviationOfBytes)));
      quant.zero_points.push_back(0);
    }
    tensor.quant = std::move(quant);
    return add(std::move(tensor));
  }

  ir::TensorId bias(ir::TensorId weights) {
    ir::Tensor tensor{
        .name = "bias", .dtype = layer.real ? ir::DType::kFloat32 : ir::DType::kInt32, .shape = {layer.out_channels}};
    if (layer.real) {
      std::vector<float> values(static_cast<size_t>(layer.out_channels));
      for (float& value : values) value = static_cast<float>(random.normal());
      tensor.data = to_bytes(values);
      return add(std::move(tensor));
    }
    const double deviation = std::sqrt(depth) * kDeviationOfBytes * kDeviationOfBytes / 2;
    std::vector<int32_t> values(static_cast<size_t>(layer.out_channels));
    for (int32_t& value : values) value = static_cast<int32_t>(random.normal() * deviation);
    tensor.data = to_bytes(values);
    ir::Quantization quant = graph.tensor(weights).quant.value();
    quant.axis = 0;
    for (float& scale : quant.scales) scale *= 1.0f / 64;
    tensor.quant = std::move(quant);
    return add(std::move(tensor));
  }

  ir::TensorId output(ir::Shape shape) {
    ir::Tensor tensor{
        .name = "y", .dtype = layer.real ? ir::DType::kFloat32 : ir::DType::kInt8, .shape = std::move(shape)};
    if (!layer.real) tensor.quant = per_tensor(1.0 / 40, between(&random, -128, 40));
    return add(std::move(tensor));
  }

  /// Bounds of a fused activation on the stored output.
  ir::Clamp clamp(ir::TensorId output) {
    const uint64_t activation = random.below(3);
    ir::Clamp clamp;
    if (!layer.real) clamp = {-128, 127};
    if (activation == 0) return clamp;
    const double zero = layer.real ? 0 : graph.tensor(output).zero_point();
    const double six = layer.real ? 6 : std::min(zero + 6.0 * 40, 127.0);
    clamp.lo = zero;
    if (activation == 2) clamp.hi = six;
    return clamp;
  }

  ir::Graph finish(ir::OpAttributes attributes, const std::vector<ir::TensorId>& inputs, ir::TensorId output) {
    ir::Operator op;
    op.attributes = std::move(attributes);
    op.inputs = inputs;
    op.output = output;
    graph.name = "layer";
    graph.operators.push_back(std::move(op));
    graph.inputs = {inputs.front()};
    graph.outputs = {output};
    return std::move(graph);
  }
};

}  // namespace

std::string name_of(Family family) {
  return family == Family::kConvolution ? "conv" : family == Family::kDepthwise ? "depthwise" : "dense";
}

std::string text_of(const Layer& layer) {
  const std::string type = layer.real ? " f32" : "";
  if (layer.family == Family::kDense) {
    return fmt::format("dense{} {} -> {}", type, layer.channels, layer.out_channels);
  }
  std::string text = fmt::format("{}{} {}x{}x{} -> {}, {}x{}", name_of(layer.family), type, layer.height, layer.width,
                                 layer.channels, layer.out_channels, layer.window.h, layer.window.w);
  if (layer.stride != ir::Size2D{}) text += fmt::format(" stride {}x{}", layer.stride.h, layer.stride.w);
  if (layer.dilation != ir::Size2D{}) text += fmt::format(" dilation {}x{}", layer.dilation.h, layer.dilation.w);
  return text + (layer.same ? " same" : " valid");
}

std::vector<Layer> random_layers(uint64_t seed, int count, int64_t most_macs, bool real) {
  Random random(seed);
  std::vector<Layer> layers;
  while (static_cast<int>(layers.size()) < count) {
    Layer layer = some_layer(&random);
    layer.seed = random.bits();
    layer.real = real;
    if (!possible(layer)) continue;
    const ir::Graph graph = graph_of(layer);
    const ir::Operator& op = graph.operators.front();
    if (graph.tensor(op.inputs[1]).size_bytes() > kMostWeightBytes) continue;
    if (ir::macs_of(graph, op) <= most_macs) layers.push_back(layer);
  }
  return layers;
}

ir::Graph graph_of(const Layer& layer) {
  const bool depthwise = layer.family == Family::kDepthwise;
  if (layer.family == Family::kDense) {
    Builder b{Random(layer.seed), layer, {}, layer.channels};
    const ir::TensorId x = b.input({1, layer.channels}), w = b.weights({layer.out_channels, layer.channels}, 0);
    const ir::TensorId bias = b.bias(w), y = b.output({1, layer.out_channels});
    return b.finish(ir::Dense{b.clamp(y)}, {x, w, bias}, y);
  }
  const int32_t out_h = output_extent(layer.height, layer.window.h, layer.stride.h, layer.dilation.h, layer.same);
  const int32_t out_w = output_extent(layer.width, layer.window.w, layer.stride.w, layer.dilation.w, layer.same);
  const auto [top, bottom] = padding_of(layer.height, layer.window.h, layer.stride.h, layer.dilation.h, layer.same);
  const auto [left, right] = padding_of(layer.width, layer.window.w, layer.stride.w, layer.dilation.w, layer.same);
  const ir::Padding2D padding{top, bottom, left, right};
  const int depth = layer.window.h * layer.window.w * (depthwise ? 1 : layer.channels);
  Builder b{Random(layer.seed), layer, {}, depth};
  const ir::TensorId x = b.input({1, layer.height, layer.width, layer.channels});
  const ir::TensorId w = depthwise ? b.weights({1, layer.window.h, layer.window.w, layer.out_channels}, 3)
                                   : b.weights({layer.out_channels, layer.window.h, layer.window.w, layer.channels}, 0);
  const ir::TensorId bias = b.bias(w), y = b.output({1, out_h, out_w, layer.out_channels});
  const ir::Clamp clamp = b.clamp(y);
  if (depthwise) {
    const int32_t multiplier = layer.out_channels / layer.channels;
    return b.finish(ir::DepthwiseConv2D{layer.stride, layer.dilation, padding, multiplier, clamp}, {x, w, bias}, y);
  }
  return b.finish(ir::Conv2D{layer.stride, layer.dilation, padding, clamp}, {x, w, bias}, y);
}

}  // namespace mote::shapes
