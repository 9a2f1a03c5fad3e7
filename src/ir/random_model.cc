#include "ir/random_model.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "ir/build.h"

namespace mote::ir {

namespace {

// A graph that grows by one operator, or a few, at a time.
class Grower {
 public:
  Grower(uint64_t seed, const RandomModelOptions& options)
      : options_(options), builder_("model_" + std::to_string(seed), seed, options.dtype), random_(builder_.random()) {}

  Graph grow() {
    const int inputs = random_.below(4) == 0 ? 2 : 1;
    for (int i = 0; i < inputs; ++i) add(builder_.input(image()));
    const size_t wanted = static_cast<size_t>(std::max(1, options_.operators));
    while (builder_.graph().operators.size() < wanted) step();
    finish_outputs();
    return builder_.finish();
  }

 private:
  int32_t between(int32_t lo, int32_t hi) { return static_cast<int32_t>(random_.between(lo, std::max(lo, hi))); }
  bool chance(uint64_t one_in) { return random_.below(one_in) == 0; }

  Shape image() {
    return {chance(8) ? 2 : 1, between(1, options_.largest_side), between(1, options_.largest_side),
            between(1, options_.most_channels)};
  }

  Activation activation() {
    constexpr Activation kChoices[] = {Activation::kNone, Activation::kRelu, Activation::kRelu6,
                                       Activation::kReluN1To1};
    return kChoices[random_.below(4)];
  }

  void add(TensorId id) { values_.push_back(id); }

  // A tensor to go on from: one of the last few, mostly, so that graphs get deep.
  TensorId any() {
    const size_t recent = std::min<size_t>(values_.size(), chance(4) ? values_.size() : 2);
    return values_[values_.size() - 1 - random_.below(recent)];
  }

  bool is_image(TensorId id) const { return builder_.shape(id).size() == 4; }
  DType dtype(TensorId id) { return builder_.graph().tensor(id).dtype; }

  // A window and a stride that fit the image, with padding or without.
  struct Sliding {
    Size2D window, stride, dilation;
    bool same;
  };
  Sliding sliding(TensorId x, bool may_dilate) {
    const int32_t h = builder_.shape(x)[1];
    const int32_t w = builder_.shape(x)[2];
    Sliding result{{between(1, 5), between(1, 5)}, {between(1, 3), between(1, 3)}, {1, 1}, !chance(3)};
    if (may_dilate && chance(4)) {
      result.dilation = {between(1, 3), between(1, 3)};
      result.stride = {1, 1};
    }
    const Size2D& window = result.window;
    const bool fits = (window.h - 1) * result.dilation.h < h && (window.w - 1) * result.dilation.w < w;
    result.same = result.same || !fits;
    return result;
  }

  void step() {
    const TensorId x = any();
    switch (random_.below(is_image(x) ? 16 : 9)) {
      case 0:
        return add(builder_.dense(x, between(1, 2 * options_.most_channels), conv_options(x)));
      case 1:
        return combine(x);
      case 2:
        return activate(x);
      case 3:
        return reshape(x);
      case 4:
        return concat(x);
      case 5:
        return convert(x);
      case 6:
        return chance(3) ? slice(x) : pad(x);
      case 7:
        return mean(x);
      case 8:
        return combine_with_constant(x);
      case 9:
      case 10:
        return pool(x);
      case 11:
      case 12:
        return depthwise(x);
      default:
        return conv(x);
    }
  }

  ConvOptions conv_options(TensorId) {
    ConvOptions options;
    options.activation = activation();
    options.bias = !chance(4);
    options.per_channel = !chance(4);
    return options;
  }

  void conv(TensorId x) {
    const Sliding s = sliding(x, true);
    ConvOptions options = conv_options(x);
    options.stride = s.stride;
    options.dilation = s.dilation;
    options.same = s.same;
    add(builder_.conv_2d(x, between(1, options_.most_channels), s.window, options));
  }

  void depthwise(TensorId x) {
    const Sliding s = sliding(x, true);
    ConvOptions options = conv_options(x);
    options.stride = s.stride;
    options.dilation = s.dilation;
    options.same = s.same;
    const int32_t room = options_.most_channels / builder_.shape(x)[3];
    add(builder_.depthwise_conv_2d(x, chance(2) ? 1 : between(1, room), s.window, options));
  }

  void pool(TensorId x) {
    const Sliding s = sliding(x, false);
    const PoolOptions options{s.stride, s.same, activation()};
    add(chance(2) ? builder_.average_pool_2d(x, s.window, options) : builder_.max_pool_2d(x, s.window, options));
  }

  // Adds or multiplies with another tensor of the same shape, or with a new one that comes from x.
  void combine(TensorId x) {
    TensorId other = ir::kNoTensor;
    for (const TensorId id : values_) {
      if (id != x && builder_.shape(id) == builder_.shape(x) && dtype(id) == dtype(x)) other = id;
    }
    if (other == ir::kNoTensor) other = is_image(x) ? builder_.conv_2d(x, builder_.shape(x)[3], {1, 1}) : x;
    add(chance(2) ? builder_.add(x, other, activation()) : builder_.mul(x, other, activation()));
  }

  // The same with a constant that is broadcast over x.
  void combine_with_constant(TensorId x) {
    if (dtype(x) != options_.dtype) return convert(x);
    Shape shape = builder_.shape(x);
    for (int32_t& size : shape) size = chance(2) ? 1 : size;
    while (!shape.empty() && shape[0] == 1 && chance(2)) shape.erase(shape.begin());
    const TensorId constant = builder_.constant(shape);
    const auto [a, b] = chance(2) ? std::pair(x, constant) : std::pair(constant, x);
    add(chance(2) ? builder_.add(a, b, activation()) : builder_.mul(a, b, activation()));
  }

  void activate(TensorId x) {
    switch (random_.below(5)) {
      case 0:
        return add(builder_.relu(x));
      case 1:
        return add(builder_.relu6(x));
      case 2:
        return add(builder_.logistic(x));
      case 3:
        return add(builder_.tanh(x));
      default:
        return add(builder_.softmax(x, chance(2) ? 1.0f : 0.5f));
    }
  }

  void reshape(TensorId x) {
    Shape shape = builder_.shape(x);
    if (is_image(x)) {
      shape =
          chance(2) ? Shape{shape[0], shape[1] * shape[2] * shape[3]} : Shape{shape[0], shape[2], shape[1], shape[3]};
    } else {
      shape = {1, 1, static_cast<int32_t>(elements(shape) / shape.back()), shape.back()};
    }
    add(builder_.reshape(x, shape));
  }

  void slice(TensorId x) {
    Shape shape = builder_.shape(x);
    std::vector<int32_t> begin;
    for (int32_t& extent : shape) {
      begin.push_back(between(0, std::min(1, extent - 1)));
      extent -= begin.back();
    }
    add(builder_.slice(x, begin, shape));
  }

  void concat(TensorId x) {
    const int32_t axis = between(0, static_cast<int32_t>(builder_.shape(x).size()) - 1);
    std::vector<TensorId> operands{x};
    for (const TensorId id : values_) {
      Shape shape = builder_.shape(id);
      if (dtype(id) != dtype(x) || shape.size() != builder_.shape(x).size() || operands.size() == 4) continue;
      shape[static_cast<size_t>(axis)] = builder_.shape(x)[static_cast<size_t>(axis)];
      if (shape == builder_.shape(x)) operands.push_back(id);
    }
    add(builder_.concat(operands, axis));
  }

  void convert(TensorId x) {
    const bool to_float = dtype(x) == DType::kInt8 && chance(3);
    add(to_float ? builder_.dequantize(x) : builder_.quantize(x));
  }

  void pad(TensorId x) {
    std::vector<int32_t> before, after;
    for (size_t i = 0; i < builder_.shape(x).size(); ++i) {
      before.push_back(chance(2) ? between(0, 3) : 0);
      after.push_back(chance(2) ? between(0, 3) : 0);
    }
    add(chance(3) ? builder_.pad(x, before, after, between(-128, 127)) : builder_.pad(x, before, after));
  }

  void mean(TensorId x) {
    const int32_t rank = static_cast<int32_t>(builder_.shape(x).size());
    std::vector<int32_t> axes;
    if (rank == 4 && !chance(3)) {
      axes = {1, 2};
    } else {
      axes = {between(0, rank - 1)};
    }
    add(builder_.mean(x, axes, rank == 1 || chance(2)));
  }

  // What nothing reads is an output.
  void finish_outputs() {
    std::vector<bool> read(builder_.graph().tensors.size());
    for (const Operator& op : builder_.graph().operators) {
      for (const TensorId id : op.inputs) {
        if (id != kNoTensor) read[static_cast<size_t>(id)] = true;
      }
    }
    for (const Operator& op : builder_.graph().operators) {
      if (!read[static_cast<size_t>(op.output)]) builder_.output(op.output);
    }
  }

  RandomModelOptions options_;
  GraphBuilder builder_;
  Random& random_;
  std::vector<TensorId> values_;  // activations, oldest first
};

}  // namespace

Graph random_model(uint64_t seed, const RandomModelOptions& options) {
  return Grower(seed, options).grow();
}

}  // namespace mote::ir
