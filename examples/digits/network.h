// A small convolutional network in float and its training: forward, backward, Adam. One thread and a fixed order of
// every sum, so that equal seeds give equal weights.
#pragma once

#include <vector>

#include "support/random.h"

namespace mote::examples {

/// 3x3 convolution with stride 2, TensorFlow's SAME padding and ReLU over square [size, size, channels] images.
struct ConvLayer {
  int in_size, in_channels, out_size, out_channels, pad_before;
  std::vector<float> weights;  // [out_channels, 3, 3, in_channels]
  std::vector<float> bias;     // [out_channels]
};

struct DenseLayer {
  int in, out;
  std::vector<float> weights;  // [out, in]
  std::vector<float> bias;     // [out]
};

struct Network {
  std::vector<ConvLayer> convs;
  DenseLayer dense;
};

/// He-initialised weights: a convolution to each of `channels` in turn, then a dense layer to `classes`.
Network make_network(int size, const std::vector<int>& channels, int classes, Random& random);

/// What the network says of one image ([size, size, 1], 0 to 1): a score for each class, before any softmax.
std::vector<float> scores(const Network& network, const std::vector<float>& image);

/// Every weight and bias of a network, in one fixed order: what an optimiser works on.
std::vector<std::vector<float>*> parameters(Network& network);

/// Adds the gradient of the cross-entropy loss of one image to `gradient` (a network of the same shape) and returns the
/// loss.
float accumulate_gradient(const Network& network, const std::vector<float>& image, int label, Network& gradient);

/// Adam (Kingma and Ba, 2015) with its usual constants.
class Adam {
 public:
  explicit Adam(Network& network);
  /// One step against `gradient` / `batch`; sets `gradient` to zero.
  void step(Network& network, Network& gradient, int batch, float rate);

 private:
  std::vector<std::vector<float>> mean_, square_;
  int steps_ = 0;
};

}  // namespace mote::examples
