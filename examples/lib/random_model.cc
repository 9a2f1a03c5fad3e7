#include "lib/random_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "lib/quantize.h"
#include "reference/interpret.h"

namespace mote::examples {

using ir::Shape;
using ir::TensorId;

namespace {

/// A smooth random image (a coarse grid, interpolated) with some noise, in [-1, 1]: closer to what sensors give than
/// noise is.
std::vector<float> random_input(const Shape& shape, Random& random) {
  constexpr int kGrid = 6;
  const int channels = shape.back();
  const int height = shape.size() == 4 ? shape[1] : 1, width = shape.size() == 4 ? shape[2] : 1;
  std::vector<float> grid(static_cast<size_t>(kGrid * kGrid * channels));
  for (float& value : grid) value = static_cast<float>(2 * random.unit() - 1);
  const auto at = [&](int y, int x, int c) { return grid[static_cast<size_t>((y * kGrid + x) * channels + c)]; };
  std::vector<float> values;
  for (int y = 0; y < height; ++y) {
    const float v = static_cast<float>(y) * (kGrid - 1) / static_cast<float>(height);
    const int y0 = static_cast<int>(v);
    for (int x = 0; x < width; ++x) {
      const float u = static_cast<float>(x) * (kGrid - 1) / static_cast<float>(width);
      const int x0 = static_cast<int>(u);
      const float fy = v - static_cast<float>(y0), fx = u - static_cast<float>(x0);
      for (int c = 0; c < channels; ++c) {
        const float top = at(y0, x0, c) * (1 - fx) + at(y0, x0 + 1, c) * fx;
        const float bottom = at(y0 + 1, x0, c) * (1 - fx) + at(y0 + 1, x0 + 1, c) * fx;
        const float noise = 0.2f * static_cast<float>(2 * random.unit() - 1);
        values.push_back(std::clamp(1.3f * (top * (1 - fy) + bottom * fy) + noise, -1.0f, 1.0f));
      }
    }
  }
  return values;
}

/// To nine significant bits, so that a sum in another order cannot change a model.
double rounded(double value) {
  int exponent = 0;
  const double mantissa = std::frexp(value, &exponent);
  return std::ldexp(std::round(std::ldexp(mantissa, 9)), exponent - 9);
}

/// Mean and deviation of a set of values.
struct Spread {
  double sum = 0, squares = 0;
  int64_t count = 0;

  void take(double value) {
    sum += value;
    squares += value * value;
    ++count;
  }
  double mean() const { return sum / static_cast<double>(count); }
  double deviation() const { return std::sqrt(std::max(0.0, squares / static_cast<double>(count) - mean() * mean())); }
};

}  // namespace

RandomModel::RandomModel(const std::string& name, uint64_t seed, const Shape& shape, int inputs)
    : random_(seed), builder_(name), input_(builder_.input(shape)) {
  for (int i = 0; i < inputs; ++i) values_.push_back({to_bytes(random_input(shape, random_))});
}

TensorId RandomModel::conv(TensorId x, const Window& window, int channels, Activation activation, const Touch& touch) {
  const Layer layer = [&window](ModelBuilder& builder, TensorId in, const LayerWeights& w, Activation a) {
    return builder.conv(in, window, w.weights, w.bias, a);
  };
  const auto fan_in = static_cast<size_t>(window.size.h * window.size.w * shape(x)[3]);
  LayerWeights weights = draw(x, static_cast<size_t>(channels), fan_in, false, true, layer);
  if (touch) touch(weights);
  return evaluated(layer(builder_, x, weights, activation));
}

TensorId RandomModel::depthwise(TensorId x, const Window& window, Activation activation, const Touch& touch) {
  const Layer layer = [&window](ModelBuilder& builder, TensorId in, const LayerWeights& w, Activation a) {
    return builder.depthwise(in, window, w.weights, w.bias, a);
  };
  const auto fan_in = static_cast<size_t>(window.size.h * window.size.w);
  LayerWeights weights = draw(x, static_cast<size_t>(shape(x)[3]), fan_in, true, true, layer);
  if (touch) touch(weights);
  return evaluated(layer(builder_, x, weights, activation));
}

TensorId RandomModel::dense(TensorId x, int channels, Activation activation) {
  const Layer layer = [](ModelBuilder& builder, TensorId in, const LayerWeights& w, Activation a) {
    return builder.dense(in, w.weights, w.bias, a);
  };
  const auto fan_in = static_cast<size_t>(ir::elements(shape(x)));
  return evaluated(layer(builder_, x, draw(x, static_cast<size_t>(channels), fan_in, false, false, layer), activation));
}

TensorId RandomModel::add(TensorId a, TensorId b, Activation activation) {
  return evaluated(builder_.add(a, b, activation));
}
TensorId RandomModel::max_pool(TensorId x, const Window& window) {
  return evaluated(builder_.max_pool(x, window));
}
TensorId RandomModel::average_pool(TensorId x, const Window& window) {
  return evaluated(builder_.average_pool(x, window));
}
TensorId RandomModel::reshape(TensorId x, Shape shape) {
  return evaluated(builder_.reshape(x, std::move(shape)));
}
TensorId RandomModel::softmax(TensorId x) {
  return evaluated(builder_.softmax(x));
}

ir::Graph RandomModel::finish(TensorId x) {
  std::vector<std::vector<float>> inputs;
  for (const std::vector<Bytes>& values : values_) inputs.push_back(to_values<float>(values.at(0)));
  const ir::Graph model = builder_.finish(x);
  std::vector<Range> ranges = observe(model, inputs);
  ranges.at(static_cast<size_t>(input_)) = {-1, 1};
  return quantize(model, ranges);
}

/// Draws weights for a layer of `channels` on `x`, then scales and biases them until the outputs before the activation
/// have deviation 1 and a mean that differs from channel to channel. `per_channel`: each channel by its own spread;
/// else all by their common one, where there are too few outputs to tell.
LayerWeights RandomModel::draw(TensorId x, size_t channels, size_t fan_in, bool depthwise, bool per_channel,
                               const Layer& layer) {
  LayerWeights drawn{std::vector<float>(channels * fan_in), std::vector<float>(channels)};
  for (float& w : drawn.weights) w = static_cast<float>(random_.normal());

  ModelBuilder probe("probe");
  const TensorId probe_input = probe.input(shape(x));
  const TensorId probe_output = layer(probe, probe_input, drawn, Activation::kNone);
  const ir::Graph graph = probe.finish(probe_output);
  std::vector<Spread> spreads(per_channel ? channels : 1);
  for (const std::vector<Bytes>& values : values_) {
    const std::vector<Bytes> tensors = reference::interpret(graph, {values.at(static_cast<size_t>(x))});
    const std::vector<float> outputs = to_values<float>(tensors.at(static_cast<size_t>(probe_output)));
    for (size_t i = 0; i < outputs.size(); ++i) spreads[i % spreads.size()].take(outputs[i]);
  }
  for (size_t c = 0; c < channels; ++c) {
    const Spread& spread = spreads[c % spreads.size()];
    const double factor = spread.deviation() > 0 ? rounded(1 / spread.deviation()) : 1;
    for (size_t k = 0; k < fan_in; ++k) {
      float& w = drawn.weights[depthwise ? k * channels + c : c * fan_in + k];
      w = static_cast<float>(w * factor);
    }
    drawn.bias[c] = static_cast<float>(rounded(0.4 * random_.normal() + 0.2 - spread.mean() * factor));
  }
  return drawn;
}

/// Runs the operator that made `x`, the newest, on every input.
TensorId RandomModel::evaluated(TensorId x) {
  const ir::Graph& graph = builder_.graph();
  const ir::Operator& op = graph.operators.back();
  for (std::vector<Bytes>& values : values_) {
    values.resize(graph.tensors.size());
    std::vector<Bytes> operands;
    for (TensorId id : op.inputs) {
      operands.push_back(graph.tensor(id).is_constant() ? *graph.tensor(id).data : values.at(static_cast<size_t>(id)));
    }
    values.at(static_cast<size_t>(x)) = reference::evaluate(graph, op, operands);
  }
  return x;
}

}  // namespace mote::examples
