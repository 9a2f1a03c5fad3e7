// Models with generated weights that behave like trained ones: each layer's weights are drawn at random, then scaled
// and biased, channel by channel, so that its outputs are well spread on a few random inputs (as batch normalisation
// would have it). Equal seeds give equal models.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lib/model_builder.h"
#include "support/random.h"

namespace mote::examples {

/// Weights and biases of one layer, for finishing touches before they are built in. A channel's weights are those at
/// i / per_channel == channel, or for a depthwise layer at i % channels == channel.
struct LayerWeights {
  std::vector<float> weights;
  std::vector<float> bias;
};
using Touch = std::function<void(LayerWeights&)>;

class RandomModel {
 public:
  /// `inputs`: how many random inputs of `shape` the layers are scaled by.
  RandomModel(const std::string& name, uint64_t seed, const ir::Shape& shape, int inputs);

  ir::TensorId input() const { return input_; }
  ir::TensorId conv(ir::TensorId x, const Window& window, int channels, Activation activation, const Touch& touch = {});
  ir::TensorId depthwise(ir::TensorId x, const Window& window, Activation activation, const Touch& touch = {});
  ir::TensorId dense(ir::TensorId x, int channels, Activation activation);
  ir::TensorId add(ir::TensorId a, ir::TensorId b, Activation activation);
  ir::TensorId max_pool(ir::TensorId x, const Window& window);
  ir::TensorId average_pool(ir::TensorId x, const Window& window);
  ir::TensorId reshape(ir::TensorId x, ir::Shape shape);
  ir::TensorId softmax(ir::TensorId x);

  const ir::Shape& shape(ir::TensorId x) const { return builder_.shape(x); }
  Random& random() { return random_; }
  /// The model in int8, `x` its output.
  ir::Graph finish(ir::TensorId x);

 private:
  using Layer = std::function<ir::TensorId(ModelBuilder&, ir::TensorId, const LayerWeights&, Activation)>;
  LayerWeights draw(ir::TensorId x, size_t channels, size_t fan_in, bool depthwise, bool per_channel,
                    const Layer& layer);
  ir::TensorId evaluated(ir::TensorId x);

  Random random_;
  ModelBuilder builder_;
  ir::TensorId input_;
  std::vector<std::vector<Bytes>> values_;  // by input, then by tensor
};

}  // namespace mote::examples
