#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "generated/models.h"
#include "lib/random_model.h"

namespace mote::examples {

namespace {

/// A depthwise-separable block: stride of the depthwise layer, channels of the 1x1 layer, and how many of those differ
/// between inputs. Of the others, `at_border` are constants other than 0: through the padding of the next depthwise
/// layer they still make a difference at the borders, though not between inputs.
struct Block {
  int stride, channels, live, at_border;
};

constexpr Block kBlocks[] = {{1, 16, 15, 0},  {2, 32, 28, 1},  {1, 32, 27, 0},  {2, 64, 50, 2},  {1, 64, 46, 0},
                             {2, 128, 86, 2}, {1, 128, 79, 2}, {1, 128, 72, 0}, {1, 128, 65, 2}, {1, 128, 58, 0},
                             {1, 128, 51, 2}, {2, 256, 88, 2}, {1, 256, 74, 4}};

/// The largest value that goes into a 1x1 layer: its input comes from a RELU6.
constexpr float kLargestInput = 6;

/// Makes all but `block.live` of a 1x1 layer's channels constant, chosen at random, in all the ways trained networks
/// have them.
void deaden(const Block& block, Random& random, LayerWeights& layer) {
  const size_t channels = layer.bias.size(), fan_in = layer.weights.size() / channels;
  std::vector<size_t> order(channels);
  std::iota(order.begin(), order.end(), 0u);
  for (size_t i = channels; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);

  for (size_t n = static_cast<size_t>(block.live); n < channels; ++n) {
    const size_t c = order[n];
    float* weights = layer.weights.data() + c * fan_in;
    const size_t nth = n - static_cast<size_t>(block.live);
    const bool at_border = nth < static_cast<size_t>(block.at_border);
    const bool saturates = at_border ? nth % 2 == 1 : nth % 3 == 2;
    // Either no weights at all, or small ones that cannot reach what the bias exceeds the bound by.
    std::for_each(weights, weights + fan_in, [saturates](float& w) { w *= saturates ? 0.125f : 0; });
    const float reach = kLargestInput * std::accumulate(weights, weights + fan_in, 0.0f,
                                                        [](float sum, float w) { return sum + std::abs(w); });
    if (at_border) {
      layer.bias[c] = saturates ? 6.5f + reach : static_cast<float>(0.5 + 3 * random.unit());
    } else {
      layer.bias[c] = nth % 3 == 0 ? 0.0f : -0.25f - reach;
    }
  }
}

/// Makes one channel of a depthwise layer a constant other than 0, whatever its input.
void deaden_one(Random& random, LayerWeights& layer) {
  const size_t channels = layer.bias.size(), c = random.below(channels);
  for (size_t i = c; i < layer.weights.size(); i += channels) layer.weights[i] = 0;
  layer.bias[c] = 1.5f;
}

}  // namespace

ir::Graph mobilenet_v1() {
  RandomModel model("mobilenet_v1", 5, {1, 96, 96, 3}, 2);
  ir::TensorId x = model.conv(model.input(), {{3, 3}, {2, 2}}, 8, Activation::kRelu6);
  for (const Block& block : kBlocks) {
    const Touch touch_depthwise = [&](LayerWeights& layer) {
      if (block.channels == 128 && block.at_border > 0) deaden_one(model.random(), layer);
    };
    x = model.depthwise(x, {{3, 3}, {block.stride, block.stride}}, Activation::kRelu6, touch_depthwise);
    x = model.conv(x, {{1, 1}, {1, 1}}, block.channels, Activation::kRelu6,
                   [&](LayerWeights& layer) { deaden(block, model.random(), layer); });
  }
  x = model.average_pool(x, {{3, 3}, {3, 3}, false});
  x = model.dense(model.reshape(x, {1, 256}), 2, Activation::kNone);
  return model.finish(model.softmax(x));
}

}  // namespace mote::examples
