#include "ir/random_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mote::ir {
namespace {

class Builder {
 public:
  Builder(Random& random, const RandomGraphOptions& options) : random_(random), options_(options) {}

  Graph build() {
    graph_.name = "random";
    const int64_t inputs = between(1, 2);
    for (int64_t i = 0; i < inputs; ++i) graph_.inputs.push_back(add_input());
    for (int i = 0; i < options_.operators; ++i) add_operator(pick_activation());
    add_outputs();
    return std::move(graph_);
  }

 private:
  int64_t between(int64_t lo, int64_t hi) { return random_.between(lo, hi); }
  int32_t small(int32_t lo, int32_t hi) { return static_cast<int32_t>(random_.between(lo, hi)); }
  bool chance(int64_t percent) { return random_.between(1, 100) <= percent; }
  float random_scale() { return static_cast<float>(std::ldexp(1 + random_.unit(), small(-8, -3))); }
  int32_t random_zero_point() { return chance(30) ? (chance(50) ? -128 : 127) : small(-128, 127); }
  Quantization random_quant(float scale) { return {{scale}, {random_zero_point()}, 0}; }

  TensorId add_tensor(Tensor tensor) {
    tensor.name = fmt::format("t{}", graph_.tensors.size());
    tensor.source_index = static_cast<int>(graph_.tensors.size());
    graph_.tensors.push_back(std::move(tensor));
    return static_cast<TensorId>(graph_.tensors.size() - 1);
  }

  TensorId add_input() {
    Tensor tensor;
    const bool is_float = !options_.with_i8 || (options_.with_f32 && chance(30));
    tensor.dtype = is_float ? DType::kFloat32 : DType::kInt8;
    tensor.shape = {small(1, 2), small(1, 9), small(1, 9), small(1, 9)};
    if (!is_float) tensor.quant = random_quant(random_scale());
    activations_.push_back(add_tensor(std::move(tensor)));
    return activations_.back();
  }

  TensorId add_constant(DType dtype, Shape shape, std::optional<Quantization> quant) {
    Tensor tensor{.dtype = dtype, .shape = std::move(shape), .quant = std::move(quant)};
    const size_t count = static_cast<size_t>(elements(tensor.shape));
    if (dtype == DType::kFloat32) {
      std::vector<float> values(count);
      for (float& value : values) value = static_cast<float>(random_.normal() / 4);
      tensor.data = to_bytes(values);
    } else if (dtype == DType::kInt32) {
      std::vector<int32_t> values(count);
      for (int32_t& value : values) value = small(-3000, 3000);
      tensor.data = to_bytes(values);
    } else {
      tensor.data = Bytes(count);
      random_.fill(*tensor.data);
    }
    return add_tensor(std::move(tensor));
  }

  /// A tensor to read: rather a late one.
  TensorId pick_activation() {
    const size_t recent = std::min<size_t>(activations_.size(), chance(70) ? 1 : 4);
    return activations_[activations_.size() - 1 - random_.below(recent)];
  }

  const Tensor& at(TensorId id) const { return graph_.tensor(id); }
  bool is_i8(TensorId id) const { return at(id).dtype == DType::kInt8; }

  /// Adds `op` with an output like operand 0 but for its shape and, for int8, its quantisation.
  void finish(Operator op, Shape shape, std::optional<Quantization> quant) {
    Tensor out{.dtype = at(op.inputs[0]).dtype, .shape = std::move(shape), .quant = std::move(quant)};
    if (out.dtype == DType::kInt8 && options_.with_fused && chance(15)) fuse_table(op, out);
    op.source = {static_cast<int32_t>(graph_.operators.size())};
    op.output = add_tensor(std::move(out));
    op.source_macs = macs_of(graph_, op);
    activations_.push_back(op.output);
    graph_.operators.push_back(std::move(op));
  }

  Table random_table() {
    Table table;
    for (int8_t& entry : table) entry = static_cast<int8_t>(small(-128, 127));
    return table;
  }

  void fuse_table(Operator& op, Tensor& out) {
    op.post = random_table();
    if (chance(70)) {
      op.computed = out.quant;
      out.quant = random_quant(random_scale());
    }
  }

  Clamp random_clamp(bool is_i8) {
    if (!is_i8) return chance(50) ? Clamp{} : chance(50) ? Clamp{.lo = 0} : Clamp{-1, 1};
    const int32_t lo = chance(50) ? -128 : small(-128, 0);
    return {double(lo), double(chance(50) ? 127 : small(lo, 127))};
  }

  /// Output positions along one dimension; 0 if the window does not fit.
  static int32_t positions(int32_t size, int32_t window, int32_t stride, int32_t dilation) {
    const int32_t room = size - ((window - 1) * dilation + 1);
    return room < 0 ? 0 : room / stride + 1;
  }

  void add_convolution(TensorId x, bool depthwise) {
    const Shape in = at(x).shape;
    const Size2D window{small(1, std::min(in[1], 5)), small(1, std::min(in[2], 5))};
    const Size2D stride{small(1, 3), small(1, 3)};
    const Size2D dilation{chance(20) ? 2 : 1, chance(20) ? 2 : 1};
    const Padding2D padding{small(0, 2), small(0, 2), small(0, 2), small(0, 2)};
    const int32_t multiplier = chance(60) ? 1 : small(2, 4);
    const int32_t channels = depthwise ? in[3] * multiplier : small(1, 12);
    const int32_t h = positions(in[1] + padding.top + padding.bottom, window.h, stride.h, dilation.h);
    const int32_t w = positions(in[2] + padding.left + padding.right, window.w, stride.w, dilation.w);
    if (h == 0 || w == 0) return;
    const Clamp clamp = random_clamp(is_i8(x));
    const Shape weights =
        depthwise ? Shape{1, window.h, window.w, channels} : Shape{channels, window.h, window.w, in[3]};
    Operator op;
    if (depthwise) {
      op.attributes = DepthwiseConv2D{stride, dilation, padding, multiplier, clamp};
    } else {
      op.attributes = Conv2D{stride, dilation, padding, clamp};
    }
    add_weighted(std::move(op), x, weights, depthwise ? 3 : 0, {in[0], h, w, channels});
  }

  void add_dense(TensorId x) {
    const Shape in = at(x).shape;
    const int32_t depth = static_cast<int32_t>(chance(50) || in.empty() ? elements(in) : in.back());
    const int32_t channels = small(1, 12);
    const int32_t rows = static_cast<int32_t>(elements(in)) / depth;
    add_weighted({.attributes = Dense{random_clamp(is_i8(x))}}, x, {channels, depth}, 0, {rows, channels});
  }

  /// Gives `op` weights of shape `weights` with their output channel in dimension `axis`, and perhaps a bias.
  void add_weighted(Operator op, TensorId x, const Shape& weights, int axis, Shape out) {
    const int32_t channels = weights[static_cast<size_t>(axis)];
    std::optional<Quantization> quant, out_quant;
    if (is_i8(x)) {
      const float scale = random_scale() / 8;
      quant = Quantization{{scale}, {0}, 0};
      if (chance(60) && channels > 1) {
        quant->axis = axis;
        quant->zero_points.assign(static_cast<size_t>(channels), 0);
        quant->scales.resize(static_cast<size_t>(channels));
        for (float& s : quant->scales) s = scale * static_cast<float>(0.5 + random_.unit());
      }
      const float depth = static_cast<float>(elements(weights)) / static_cast<float>(channels);
      const float spread = chance(10) ? 0.1f : 60.0f;  // now and then a factor above 1
      out_quant = random_quant(at(x).scale() * scale * std::sqrt(depth) * spread);
    }
    const DType dtype = at(x).dtype;
    const DType bias = dtype == DType::kInt8 ? DType::kInt32 : DType::kFloat32;
    op.inputs = {x, add_constant(dtype, weights, quant)};
    if (chance(70)) {
      op.inputs.push_back(add_constant(bias, {channels}, {}));
    } else if (chance(50)) {
      op.inputs.push_back(kNoTensor);
    }
    finish(std::move(op), std::move(out), out_quant);
  }

  void add_binary(TensorId x, bool multiply) {
    Shape other = at(x).shape;
    for (int32_t& dimension : other) dimension = chance(30) ? 1 : dimension;
    if (chance(30)) other.erase(other.begin(), other.begin() + small(0, static_cast<int32_t>(other.size())));
    std::optional<Quantization> quant, out;
    if (is_i8(x)) {
      quant = random_quant(random_scale());
      out = random_quant(multiply ? at(x).scale() * quant->scales[0] * 50 : (at(x).scale() + quant->scales[0]) * 0.8f);
    }
    const TensorId y = chance(20) ? x : add_constant(at(x).dtype, other, quant);
    const Clamp clamp = random_clamp(is_i8(x));
    Operator op{.inputs = chance(50) ? std::vector{x, y} : std::vector{y, x}};
    if (multiply) {
      op.attributes = Mul{clamp};
    } else {
      op.attributes = Add{clamp};
    }
    finish(std::move(op), at(x).shape, out);
  }

  void add_pool(TensorId x, bool average) {
    const Shape in = at(x).shape;
    const Size2D window{small(1, std::min(in[1], 4)), small(1, std::min(in[2], 4))};
    const Size2D stride{small(1, 3), small(1, 3)};
    const Padding2D padding{small(0, window.h - 1), 0, small(0, window.w - 1), 0};
    const int32_t h = positions(in[1] + padding.top, window.h, stride.h, 1);
    const int32_t w = positions(in[2] + padding.left, window.w, stride.w, 1);
    const Clamp clamp = random_clamp(is_i8(x));
    Operator op{.inputs = {x}};
    if (average) {
      op.attributes = AveragePool2D{window, stride, padding, clamp};
    } else {
      op.attributes = MaxPool2D{window, stride, padding, clamp};
    }
    finish(std::move(op), {in[0], h, w, in[3]}, at(x).quant);
  }

  void add_mean(TensorId x) {
    Mean mean;
    Shape kept, dropped;
    for (size_t d = 0; d < at(x).shape.size(); ++d) {
      const bool reduced = chance(50);
      if (reduced) mean.axes.push_back(static_cast<int32_t>(d));
      if (!reduced) dropped.push_back(at(x).shape[d]);
      kept.push_back(reduced ? 1 : at(x).shape[d]);
    }
    std::optional<Quantization> quant = at(x).quant;
    if (quant && chance(70)) quant = random_quant(at(x).scale() * static_cast<float>(0.2 + random_.unit()));
    finish({.attributes = mean, .inputs = {x}}, chance(50) ? kept : dropped, quant);
  }

  /// One operand, one output of the same shape and type.
  void add_elementwise(TensorId x) {
    OpAttributes attributes;
    std::optional<Quantization> quant = is_i8(x) ? std::optional(random_quant(random_scale())) : std::nullopt;
    switch (between(0, is_i8(x) ? (options_.with_fused ? 6 : 5) : 4)) {
      case 0:
        if (at(x).shape.empty()) return;
        attributes = Softmax{static_cast<float>(0.5 + random_.unit())};
        if (quant) quant = {{1.0f / 256}, {-128}, 0};
        break;
      case 1:
        attributes = Logistic{};
        if (quant) quant = {{1.0f / 256}, {-128}, 0};
        break;
      case 2:
        attributes = Tanh{};
        if (quant) quant = {{1.0f / 128}, {0}, 0};
        break;
      case 3:
        attributes = Relu{Relu::Kind::kRelu};
        break;
      case 4:
        attributes = Relu{Relu::Kind::kRelu6};
        break;
      case 5:
        attributes = Quantize{};
        break;
      default:
        attributes = Lookup{random_table()};
    }
    finish({.attributes = attributes, .inputs = {x}}, at(x).shape, quant);
  }

  void add_pad(TensorId x) {
    Pad pad;
    Shape shape = at(x).shape;
    for (int32_t& dimension : shape) {
      pad.before.push_back(small(0, 2));
      pad.after.push_back(small(0, 2));
      dimension += pad.before.back() + pad.after.back();
    }
    if (elements(shape) > 5000) return;
    pad.value = is_i8(x) ? small(-128, 127) : 0.5;
    finish({.attributes = pad, .inputs = {x}}, shape, at(x).quant);
  }

  void add_reshape(TensorId x) {
    Shape shape = at(x).shape;
    if (chance(50)) {
      std::reverse(shape.begin(), shape.end());
    } else {
      shape = {1, static_cast<int32_t>(elements(shape))};
    }
    finish({.attributes = Reshape{}, .inputs = {x}}, shape, at(x).quant);
  }

  void add_concat(TensorId x) {
    if (at(x).shape.empty()) return;
    const int32_t axis = small(0, static_cast<int32_t>(at(x).shape.size()) - 1);
    Shape other = at(x).shape;
    other[static_cast<size_t>(axis)] = small(1, 4);
    Operator op{.attributes = Concat{axis}, .inputs = {x, add_constant(at(x).dtype, other, at(x).quant)}};
    if (chance(30)) op.inputs.push_back(x);
    Shape shape = at(x).shape;
    shape[static_cast<size_t>(axis)] *= static_cast<int32_t>(op.inputs.size()) - 1;
    shape[static_cast<size_t>(axis)] += other[static_cast<size_t>(axis)];
    if (elements(shape) <= 5000) finish(std::move(op), shape, at(x).quant);
  }

  void add_slice(TensorId x) {
    Slice slice;
    Shape shape = at(x).shape;
    for (int32_t& dimension : shape) {
      slice.begin.push_back(small(0, std::min(2, dimension - 1)));
      dimension = small(1, dimension - slice.begin.back());
    }
    finish({.attributes = slice, .inputs = {x}}, shape, at(x).quant);
  }

  /// int8 to float or back.
  void add_conversion(TensorId x) {
    if (!options_.with_i8 || !options_.with_f32) return;
    Tensor out{.dtype = is_i8(x) ? DType::kFloat32 : DType::kInt8, .shape = at(x).shape};
    Operator op{.attributes = Dequantize{}, .inputs = {x}};
    if (!is_i8(x)) {
      op.attributes = Quantize{};
      out.quant = random_quant(random_scale());
    }
    op.output = add_tensor(std::move(out));
    activations_.push_back(op.output);
    graph_.operators.push_back(std::move(op));
  }

  void add_operator(TensorId x) {
    const bool is_image = at(x).shape.size() == 4;
    const int64_t choice = between(0, 12);
    if (choice <= 1 && is_image) return add_convolution(x, false);
    if (choice <= 3 && is_image) return add_convolution(x, true);
    if (choice <= 5 && is_image) return add_pool(x, choice == 4);
    switch (choice % 7) {
      case 0:
        return add_dense(x);
      case 1:
        return add_binary(x, chance(50));
      case 2:
        return add_mean(x);
      case 3:
        return add_pad(x);
      case 4:
        return chance(50) ? add_reshape(x) : add_slice(x);
      case 5:
        return chance(60) ? add_concat(x) : add_conversion(x);
      default:
        return add_elementwise(x);
    }
  }

  /// Every tensor that an operator writes and none reads.
  void add_outputs() {
    std::vector<bool> read(graph_.tensors.size());
    for (const Operator& op : graph_.operators) {
      for (TensorId id : op.inputs) {
        if (id != kNoTensor) read[static_cast<size_t>(id)] = true;
      }
    }
    for (const Operator& op : graph_.operators) {
      if (!read[static_cast<size_t>(op.output)]) graph_.outputs.push_back(op.output);
    }
    if (graph_.outputs.empty()) graph_.outputs.push_back(graph_.inputs[0]);
  }

  Random& random_;
  const RandomGraphOptions& options_;
  Graph graph_;
  std::vector<TensorId> activations_;
};

}  // namespace

Graph random_graph(Random& random, const RandomGraphOptions& options) {
  return Builder(random, options).build();
}

std::vector<Bytes> random_inputs(const Graph& graph, Random& random) {
  std::vector<Bytes> inputs;
  for (TensorId id : graph.inputs) {
    const Tensor& tensor = graph.tensor(id);
    if (tensor.dtype == DType::kFloat32) {
      std::vector<float> values(static_cast<size_t>(elements(tensor.shape)));
      for (float& value : values) value = static_cast<float>(random.normal());
      inputs.push_back(to_bytes(values));
    } else {
      random.fill(inputs.emplace_back(tensor.size_bytes()));
    }
  }
  return inputs;
}

}  // namespace mote::ir
