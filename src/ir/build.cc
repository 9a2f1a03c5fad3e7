#include "ir/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/verify.h"
#include "ir/window.h"

namespace mote::ir {

namespace {

constexpr double kDeviations = 3.2;      // a calibrated range reaches this many deviations from the mean
constexpr double kWeightDeviation = 36;  // of stored int8 weights: 127 is 3.5 deviations
const Quantization kProbability{{1.0f / 256}, {-128}};
const Quantization kSymmetricUnit{{1.0f / 128}, {0}};

// Scale and zero point for real values from lo to hi, 0 among them.
Quantization quantization_for(double lo, double hi) {
  lo = std::min(lo, 0.0);
  hi = std::max(hi, 0.0);
  const float scale = static_cast<float>(std::max(hi - lo, 1e-3) / 255);
  const double zero_point = std::clamp(std::round(-128 - lo / scale), -128.0, 127.0);
  return {{scale}, {static_cast<int32_t>(zero_point)}};
}

Clamp real_bounds(Activation activation) {
  Tensor real;
  real.dtype = DType::kFloat32;
  return clamp_of(activation, real);
}

template <typename T>
T round_to(double value, double limit) {
  return static_cast<T>(std::clamp(std::round(value), -limit, limit));
}

Shape broadcast(Shape a, Shape b) {
  if (a.size() < b.size()) std::swap(a, b);
  for (size_t i = 0; i < b.size(); ++i) {
    int32_t& size = a[a.size() - b.size() + i];
    size = std::max(size, b[i]);
  }
  return a;
}

struct Sliding {
  Padding2D padding;
  int32_t h, w;
};

Sliding slide(const Shape& image, Size2D window, Size2D stride, Size2D dilation, bool same) {
  const auto extent = same ? same_extent : valid_extent;
  const Extent h = extent(image.at(1), window.h, stride.h, dilation.h);
  const Extent w = extent(image.at(2), window.w, stride.w, dilation.w);
  const auto narrow = [](int64_t value) { return static_cast<int32_t>(value); };
  return {{narrow(h.before), narrow(h.after), narrow(w.before), narrow(w.after)}, narrow(h.out), narrow(w.out)};
}

}  // namespace

double GraphBuilder::Spread::rms() const {
  return std::hypot(mean, deviation);
}

GraphBuilder::GraphBuilder(std::string name, uint64_t seed, DType dtype) : random_(seed), dtype_(dtype) {
  check(dtype == DType::kInt8 || dtype == DType::kFloat32, "a graph is built of int8 or float32");
  graph_.name = std::move(name);
}

std::string GraphBuilder::name_for(const std::string& kind) const {
  return fmt::format("{}_{}", kind, graph_.operators.size());
}

TensorId GraphBuilder::add_tensor(Tensor tensor, Spread spread) {
  graph_.tensors.push_back(std::move(tensor));
  spreads_.push_back(spread);
  return static_cast<TensorId>(graph_.tensors.size() - 1);
}

TensorId GraphBuilder::add_operator(OpAttributes attributes, std::vector<TensorId> inputs, TensorId output) {
  graph_.operators.push_back({.attributes = std::move(attributes), .inputs = std::move(inputs), .output = output});
  return output;
}

TensorId GraphBuilder::new_quantized(TensorId x, const std::string& kind, Shape shape, Spread spread,
                                     Quantization quant) {
  Tensor tensor;
  tensor.name = name_for(kind);
  tensor.dtype = graph_.tensor(x).dtype;
  tensor.shape = std::move(shape);
  if (is_i8(x)) tensor.quant = std::move(quant);
  return add_tensor(std::move(tensor), spread);
}

TensorId GraphBuilder::new_like(TensorId x, const std::string& kind, Shape shape, Spread spread, Clamp bounds) {
  const double reach = kDeviations * spread.deviation;
  const Quantization quant =
      quantization_for(std::max(bounds.lo, spread.mean - reach), std::min(bounds.hi, spread.mean + reach));
  // What a clamp leaves of a normal distribution around 0, roughly.
  if (bounds.lo == 0) spread = {0.4 * spread.deviation, 0.58 * spread.deviation};
  if (std::isfinite(bounds.hi)) spread.deviation = std::min(spread.deviation, 0.5 * bounds.hi);
  return new_quantized(x, kind, std::move(shape), spread, quant);
}

TensorId GraphBuilder::input(const Shape& shape) {
  Tensor tensor;
  tensor.name = fmt::format("input_{}", graph_.inputs.size());
  tensor.dtype = dtype_;
  tensor.shape = shape;
  Spread spread{0, 0.58};
  if (dtype_ == DType::kInt8) {
    constexpr int32_t kZeroPoints[] = {-128, 0, 127};
    const uint64_t choice = random_.below(4);
    const int32_t zero_point = choice < 3 ? kZeroPoints[choice] : static_cast<int32_t>(random_.between(-60, 60));
    const float scale = static_cast<float>((1 + random_.unit()) / 128);
    tensor.quant = Quantization{{scale}, {zero_point}};
    spread = {scale * (-0.5 - zero_point), scale * 74.0};
  }
  graph_.inputs.push_back(add_tensor(std::move(tensor), spread));
  return graph_.inputs.back();
}

TensorId GraphBuilder::constant(const Shape& shape) {
  Tensor tensor;
  tensor.name = fmt::format("constant_{}", graph_.tensors.size());
  tensor.dtype = dtype_;
  tensor.shape = shape;
  const size_t count = static_cast<size_t>(elements(shape));
  if (dtype_ == DType::kInt8) {
    tensor.quant = Quantization{{static_cast<float>((1 + random_.unit()) / 128)},
                                {static_cast<int32_t>(random_.between(-60, 60))}};
    std::vector<int8_t> values(count);
    for (int8_t& value : values) value = static_cast<int8_t>(random_.between(-128, 127));
    tensor.data = to_bytes(values);
  } else {
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(2 * random_.unit() - 1);
    tensor.data = to_bytes(values);
  }
  return add_tensor(std::move(tensor), {0, 0.6});
}

std::vector<TensorId> GraphBuilder::weigh(TensorId x, const std::string& kind, const Shape& shape, int axis,
                                          const ConvOptions& options, Spread& result) {
  const size_t channels = static_cast<size_t>(shape.at(static_cast<size_t>(axis)));
  const double products = static_cast<double>(elements(shape)) / static_cast<double>(channels);
  result = {0, 0.5 + 1.5 * random_.unit()};
  const double deviation =
      result.deviation / (std::sqrt(products) * std::max(spreads_[static_cast<size_t>(x)].rms(), 1e-6));
  std::vector<double> deviations(channels, deviation);
  if (options.per_channel) {
    for (double& of_channel : deviations) of_channel *= std::exp2(2 * random_.unit() - 1);
  }
  Tensor weights;
  weights.name = name_for(kind) + "_weights";
  weights.dtype = graph_.tensor(x).dtype;
  weights.shape = shape;
  // Channels run fastest in depthwise weights (the last axis), slowest in others (the first).
  const auto channel_of = [&](size_t i) { return axis == 0 ? i / static_cast<size_t>(products) : i % channels; };
  const size_t count = static_cast<size_t>(elements(shape));
  std::vector<float> scales;
  if (is_i8(x)) {
    for (const double of_channel : deviations) scales.push_back(static_cast<float>(of_channel / kWeightDeviation));
    if (!options.per_channel) scales.resize(1);
    weights.quant = Quantization{scales, std::vector<int32_t>(scales.size()), scales.size() > 1 ? axis : 0};
    std::vector<int8_t> values(count);
    for (int8_t& value : values) value = round_to<int8_t>(kWeightDeviation * random_.normal(), 127);
    weights.data = to_bytes(values);
  } else {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(deviations[channel_of(i)] * random_.normal());
    weights.data = to_bytes(values);
    scales.resize(channels);
  }
  std::vector<TensorId> operands{x, add_tensor(std::move(weights), {0, deviation}), kNoTensor};
  if (options.bias) {
    scales.resize(channels, scales.front());
    operands[2] = add_bias(x, name_for(kind) + "_bias", scales, 0.3 * result.deviation);
    if (is_i8(x) && !options.per_channel) {
      Quantization& quant = *graph_.tensor(operands[2]).quant;
      quant = {{quant.scales.front()}, {0}};
    }
  }
  return operands;
}

TensorId GraphBuilder::add_bias(TensorId x, const std::string& name, const std::vector<float>& weight_scales,
                                double deviation) {
  Tensor bias;
  bias.name = name;
  bias.shape = {static_cast<int32_t>(weight_scales.size())};
  if (is_i8(x)) {
    bias.dtype = DType::kInt32;
    bias.quant = Quantization{};
    std::vector<int32_t> values;
    for (const float scale : weight_scales) {
      bias.quant->scales.push_back(graph_.tensor(x).scale() * scale);
      bias.quant->zero_points.push_back(0);
      values.push_back(round_to<int32_t>(deviation * random_.normal() / bias.quant->scales.back(), 1e9));
    }
    bias.data = to_bytes(values);
  } else {
    bias.dtype = DType::kFloat32;
    std::vector<float> values(weight_scales.size());
    for (float& value : values) value = static_cast<float>(deviation * random_.normal());
    bias.data = to_bytes(values);
  }
  return add_tensor(std::move(bias), {0, deviation});
}

TensorId GraphBuilder::conv_2d(TensorId x, int32_t channels, Size2D window, const ConvOptions& options) {
  const Shape image = shape(x);
  Spread spread;
  const std::vector<TensorId> operands =
      weigh(x, "conv_2d", {channels, window.h, window.w, image.at(3)}, 0, options, spread);
  const Sliding sliding = slide(image, window, options.stride, options.dilation, options.same);
  const TensorId y =
      new_like(x, "conv_2d", {image[0], sliding.h, sliding.w, channels}, spread, real_bounds(options.activation));
  const Clamp clamp = clamp_of(options.activation, graph_.tensor(y));
  return add_operator(Conv2D{options.stride, options.dilation, sliding.padding, clamp}, operands, y);
}

TensorId GraphBuilder::depthwise_conv_2d(TensorId x, int32_t multiplier, Size2D window, const ConvOptions& options) {
  const Shape image = shape(x);
  const int32_t channels = image.at(3) * multiplier;
  Spread spread;
  const std::vector<TensorId> operands =
      weigh(x, "depthwise_conv_2d", {1, window.h, window.w, channels}, 3, options, spread);
  const Sliding sliding = slide(image, window, options.stride, options.dilation, options.same);
  const TensorId y = new_like(x, "depthwise_conv_2d", {image[0], sliding.h, sliding.w, channels}, spread,
                              real_bounds(options.activation));
  const Clamp clamp = clamp_of(options.activation, graph_.tensor(y));
  return add_operator(DepthwiseConv2D{options.stride, options.dilation, sliding.padding, multiplier, clamp}, operands,
                      y);
}

TensorId GraphBuilder::dense(TensorId x, int32_t channels, const ConvOptions& options) {
  const int32_t inputs = shape(x).back();
  const int32_t rows = static_cast<int32_t>(elements(shape(x)) / inputs);
  Spread spread;
  const std::vector<TensorId> operands = weigh(x, "dense", {channels, inputs}, 0, options, spread);
  const TensorId y = new_like(x, "dense", {rows, channels}, spread, real_bounds(options.activation));
  return add_operator(Dense{clamp_of(options.activation, graph_.tensor(y))}, operands, y);
}

TensorId GraphBuilder::add(TensorId a, TensorId b, Activation activation) {
  const Spread& of_a = spreads_[static_cast<size_t>(a)];
  const Spread& of_b = spreads_[static_cast<size_t>(b)];
  const Spread spread{of_a.mean + of_b.mean, std::hypot(of_a.deviation, of_b.deviation)};
  const TensorId y = new_like(a, "add", broadcast(shape(a), shape(b)), spread, real_bounds(activation));
  return add_operator(Add{clamp_of(activation, graph_.tensor(y))}, {a, b}, y);
}

TensorId GraphBuilder::mul(TensorId a, TensorId b, Activation activation) {
  const Spread& of_a = spreads_[static_cast<size_t>(a)];
  const Spread& of_b = spreads_[static_cast<size_t>(b)];
  const double mean = of_a.mean * of_b.mean;
  const double rms = of_a.rms() * of_b.rms();
  const Spread spread{mean, std::sqrt(std::max(rms * rms - mean * mean, 1e-6))};
  const TensorId y = new_like(a, "mul", broadcast(shape(a), shape(b)), spread, real_bounds(activation));
  return add_operator(Mul{clamp_of(activation, graph_.tensor(y))}, {a, b}, y);
}

TensorId GraphBuilder::pool(TensorId x, Size2D window, const PoolOptions& options, bool average) {
  const Shape image = shape(x);
  const Sliding sliding = slide(image, window, options.stride, {}, options.same);
  Spread spread = spreads_[static_cast<size_t>(x)];
  if (!average) spread = {spread.mean + spread.deviation, 0.7 * spread.deviation};
  const TensorId y = new_quantized(x, average ? "average_pool_2d" : "max_pool_2d",
                                   {image.at(0), sliding.h, sliding.w, image.at(3)}, spread, quantization_of(x));
  const Clamp clamp = clamp_of(options.activation, graph_.tensor(y));
  if (average) return add_operator(AveragePool2D{window, options.stride, sliding.padding, clamp}, {x}, y);
  return add_operator(MaxPool2D{window, options.stride, sliding.padding, clamp}, {x}, y);
}

TensorId GraphBuilder::average_pool_2d(TensorId x, Size2D window, const PoolOptions& options) {
  return pool(x, window, options, true);
}

TensorId GraphBuilder::max_pool_2d(TensorId x, Size2D window, const PoolOptions& options) {
  return pool(x, window, options, false);
}

TensorId GraphBuilder::mean(TensorId x, const std::vector<int32_t>& axes, bool keep_dimensions) {
  Shape reduced;
  double count = 1;
  for (int32_t i = 0; i < static_cast<int32_t>(shape(x).size()); ++i) {
    const bool is_axis = std::find(axes.begin(), axes.end(), i) != axes.end();
    const int32_t size = shape(x)[static_cast<size_t>(i)];
    if (is_axis) count *= size;
    if (!is_axis || keep_dimensions) reduced.push_back(is_axis ? 1 : size);
  }
  // Neighbours are alike, so a mean does not shrink as fast as that of independent values would.
  const Spread of_x = spreads_[static_cast<size_t>(x)];
  return add_operator(Mean{axes}, {x},
                      new_like(x, "mean", reduced, {of_x.mean, of_x.deviation / std::pow(count, 0.25)}));
}

TensorId GraphBuilder::softmax(TensorId x, float beta) {
  const Spread spread{1.0 / shape(x).back(), 1.0 / shape(x).back()};
  return add_operator(Softmax{beta}, {x}, new_quantized(x, "softmax", shape(x), spread, kProbability));
}

TensorId GraphBuilder::logistic(TensorId x) {
  return add_operator(Logistic{}, {x}, new_quantized(x, "logistic", shape(x), {0.5, 0.2}, kProbability));
}

TensorId GraphBuilder::tanh(TensorId x) {
  return add_operator(Tanh{}, {x}, new_quantized(x, "tanh", shape(x), {0, 0.6}, kSymmetricUnit));
}

TensorId GraphBuilder::relu(TensorId x) {
  const Spread spread = spreads_[static_cast<size_t>(x)];
  return add_operator(Relu{Relu::Kind::kRelu}, {x},
                      new_like(x, "relu", shape(x), spread, real_bounds(Activation::kRelu)));
}

TensorId GraphBuilder::relu6(TensorId x) {
  const Spread spread = spreads_[static_cast<size_t>(x)];
  return add_operator(Relu{Relu::Kind::kRelu6}, {x}, new_quantized(x, "relu6", shape(x), spread, quantization_of(x)));
}

TensorId GraphBuilder::pad(TensorId x, const std::vector<int32_t>& before, const std::vector<int32_t>& after) {
  return pad(x, before, after, is_i8(x) ? graph_.tensor(x).zero_point() : 0);
}

TensorId GraphBuilder::pad(TensorId x, const std::vector<int32_t>& before, const std::vector<int32_t>& after,
                           double value) {
  Shape padded = shape(x);
  for (size_t i = 0; i < padded.size(); ++i) padded[i] += before.at(i) + after.at(i);
  const Spread spread = spreads_[static_cast<size_t>(x)];
  return add_operator(Pad{before, after, value}, {x}, new_quantized(x, "pad", padded, spread, quantization_of(x)));
}

TensorId GraphBuilder::reshape(TensorId x, const Shape& shape) {
  const Spread spread = spreads_[static_cast<size_t>(x)];
  return add_operator(Reshape{}, {x}, new_quantized(x, "reshape", shape, spread, quantization_of(x)));
}

TensorId GraphBuilder::slice(TensorId x, const std::vector<int32_t>& begin, const Shape& shape) {
  const Spread spread = spreads_[static_cast<size_t>(x)];
  return add_operator(Slice{begin}, {x}, new_quantized(x, "slice", shape, spread, quantization_of(x)));
}

TensorId GraphBuilder::concat(const std::vector<TensorId>& operands, int32_t axis) {
  const TensorId first = operands.at(0);
  std::vector<TensorId> alike;
  Shape joined = shape(first);
  joined.at(static_cast<size_t>(axis)) = 0;
  for (const TensorId x : operands) {
    joined[static_cast<size_t>(axis)] += shape(x).at(static_cast<size_t>(axis));
    const bool same = !is_i8(x) || quantization_of(x) == quantization_of(first);
    alike.push_back(same ? x : requantize(x, quantization_of(first)));
  }
  const Spread spread = spreads_[static_cast<size_t>(first)];
  return add_operator(Concat{axis}, alike, new_quantized(first, "concat", joined, spread, quantization_of(first)));
}

TensorId GraphBuilder::requantize(TensorId x, Quantization quant) {
  const Spread spread = spreads_[static_cast<size_t>(x)];
  const TensorId y = new_quantized(x, "quantize", shape(x), spread, {});
  graph_.tensor(y).dtype = DType::kInt8;
  graph_.tensor(y).quant = std::move(quant);
  return add_operator(Quantize{}, {x}, y);
}

TensorId GraphBuilder::quantize(TensorId x) {
  const Spread& spread = spreads_[static_cast<size_t>(x)];
  const double reach = kDeviations * spread.deviation * (0.8 + 0.4 * random_.unit());
  return requantize(x, quantization_for(spread.mean - reach, spread.mean + reach));
}

TensorId GraphBuilder::dequantize(TensorId x) {
  const Spread spread = spreads_[static_cast<size_t>(x)];
  const TensorId y = new_quantized(x, "dequantize", shape(x), spread, {});
  graph_.tensor(y).dtype = DType::kFloat32;
  graph_.tensor(y).quant.reset();
  return add_operator(Dequantize{}, {x}, y);
}

Graph GraphBuilder::finish() {
  for (size_t i = 0; i < graph_.tensors.size(); ++i) graph_.tensors[i].source_index = static_cast<int>(i);
  for (size_t i = 0; i < graph_.operators.size(); ++i) {
    Operator& op = graph_.operators[i];
    op.source = {static_cast<int32_t>(i)};
    op.source_macs = macs_of(graph_, op);
  }
  const std::vector<std::string> problems = verify(graph_);
  check(problems.empty(), fmt::format("a built graph is not legal: {}", fmt::join(problems, "; ")));
  return std::move(graph_);
}

}  // namespace mote::ir
