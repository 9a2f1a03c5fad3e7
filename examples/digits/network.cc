#include "digits/network.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace mote::examples {

namespace {

constexpr int kKernel = 3;
constexpr int kStride = 2;

/// Calls body(output pixel, kernel position, input pixel) for every pair that does not fall into the padding.
template <typename Body>
void for_each_tap(const ConvLayer& layer, Body body) {
  for (int y = 0; y < layer.out_size; ++y) {
    for (int x = 0; x < layer.out_size; ++x) {
      for (int ky = 0; ky < kKernel; ++ky) {
        const int in_y = y * kStride + ky - layer.pad_before;
        if (in_y < 0 || in_y >= layer.in_size) continue;
        for (int kx = 0; kx < kKernel; ++kx) {
          const int in_x = x * kStride + kx - layer.pad_before;
          if (in_x < 0 || in_x >= layer.in_size) continue;
          body(y * layer.out_size + x, ky * kKernel + kx, in_y * layer.in_size + in_x);
        }
      }
    }
  }
}

const float* weights_at(const ConvLayer& layer, int out_channel, int tap) {
  return layer.weights.data() + (out_channel * kKernel * kKernel + tap) * layer.in_channels;
}

std::vector<float> forward(const ConvLayer& layer, const std::vector<float>& in) {
  std::vector<float> out(static_cast<size_t>(layer.out_size * layer.out_size * layer.out_channels));
  for (size_t i = 0; i < out.size(); ++i) out[i] = layer.bias[i % static_cast<size_t>(layer.out_channels)];
  for_each_tap(layer, [&](int pixel, int tap, int in_pixel) {
    const float* x = in.data() + in_pixel * layer.in_channels;
    float* sums = out.data() + pixel * layer.out_channels;
    for (int c = 0; c < layer.out_channels; ++c) {
      const float* w = weights_at(layer, c, tap);
      float sum = 0;
      for (int i = 0; i < layer.in_channels; ++i) sum += w[i] * x[i];
      sums[c] += sum;
    }
  });
  for (float& value : out) value = std::max(value, 0.0f);
  return out;
}

std::vector<float> forward(const DenseLayer& layer, const std::vector<float>& in) {
  std::vector<float> out = layer.bias;
  for (int o = 0; o < layer.out; ++o) {
    const float* w = layer.weights.data() + o * layer.in;
    for (int i = 0; i < layer.in; ++i) out[static_cast<size_t>(o)] += w[i] * in[static_cast<size_t>(i)];
  }
  return out;
}

/// From the loss's derivative by the layer's output (after ReLU) to those by its weights, bias and input.
std::vector<float> backward(const ConvLayer& layer, const std::vector<float>& in, const std::vector<float>& out,
                            std::vector<float> by_out, ConvLayer& gradient) {
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i] <= 0) by_out[i] = 0;
    gradient.bias[i % static_cast<size_t>(layer.out_channels)] += by_out[i];
  }
  std::vector<float> by_in(in.size());
  for_each_tap(layer, [&](int pixel, int tap, int in_pixel) {
    const float* x = in.data() + in_pixel * layer.in_channels;
    float* by_x = by_in.data() + in_pixel * layer.in_channels;
    for (int c = 0; c < layer.out_channels; ++c) {
      const float d = by_out[static_cast<size_t>(pixel * layer.out_channels + c)];
      if (d == 0) continue;
      const float* w = weights_at(layer, c, tap);
      float* by_w = gradient.weights.data() + (w - layer.weights.data());
      for (int i = 0; i < layer.in_channels; ++i) {
        by_w[i] += d * x[i];
        by_x[i] += d * w[i];
      }
    }
  });
  return by_in;
}

std::vector<float> backward(const DenseLayer& layer, const std::vector<float>& in, const std::vector<float>& by_out,
                            DenseLayer& gradient) {
  std::vector<float> by_in(in.size());
  for (int o = 0; o < layer.out; ++o) {
    const float d = by_out[static_cast<size_t>(o)];
    gradient.bias[static_cast<size_t>(o)] += d;
    const size_t row = static_cast<size_t>(o) * in.size();
    for (size_t i = 0; i < in.size(); ++i) {
      gradient.weights[row + i] += d * in[i];
      by_in[i] += d * layer.weights[row + i];
    }
  }
  return by_in;
}

std::vector<float> softmax(std::vector<float> values) {
  const float top = *std::max_element(values.begin(), values.end());
  float sum = 0;
  for (float& value : values) sum += value = std::exp(value - top);
  for (float& value : values) value /= sum;
  return values;
}

std::vector<float> he_weights(int count, int fan_in, Random& random) {
  std::vector<float> weights(static_cast<size_t>(count));
  for (float& w : weights) w = static_cast<float>(random.normal() * std::sqrt(2.0 / fan_in));
  return weights;
}

}  // namespace

Network make_network(int size, const std::vector<int>& channels, int classes, Random& random) {
  Network network;
  int in_channels = 1;
  for (int out_channels : channels) {
    const int out_size = (size + kStride - 1) / kStride;
    const int padding = std::max(0, (out_size - 1) * kStride + kKernel - size);
    const int fan_in = kKernel * kKernel * in_channels;
    network.convs.push_back({size, in_channels, out_size, out_channels, padding / 2,
                             he_weights(out_channels * fan_in, fan_in, random),
                             std::vector<float>(static_cast<size_t>(out_channels))});
    size = out_size;
    in_channels = out_channels;
  }
  const int features = size * size * in_channels;
  network.dense = {features, classes, he_weights(classes * features, features, random),
                   std::vector<float>(static_cast<size_t>(classes))};
  return network;
}

std::vector<float> scores(const Network& network, const std::vector<float>& image) {
  std::vector<float> value = image;
  for (const ConvLayer& layer : network.convs) value = forward(layer, value);
  return forward(network.dense, value);
}

std::vector<std::vector<float>*> parameters(Network& network) {
  std::vector<std::vector<float>*> all;
  for (ConvLayer& layer : network.convs) {
    all.push_back(&layer.weights);
    all.push_back(&layer.bias);
  }
  all.push_back(&network.dense.weights);
  all.push_back(&network.dense.bias);
  return all;
}

float accumulate_gradient(const Network& network, const std::vector<float>& image, int label, Network& gradient) {
  std::vector<std::vector<float>> values = {image};
  for (const ConvLayer& layer : network.convs) values.push_back(forward(layer, values.back()));
  std::vector<float> d = softmax(forward(network.dense, values.back()));
  const float loss = -std::log(std::max(d[static_cast<size_t>(label)], 1e-12f));
  d[static_cast<size_t>(label)] -= 1;
  d = backward(network.dense, values.back(), d, gradient.dense);
  for (size_t i = network.convs.size(); i-- > 0;) {
    d = backward(network.convs[i], values[i], values[i + 1], std::move(d), gradient.convs[i]);
  }
  return loss;
}

Adam::Adam(Network& network) {
  for (const std::vector<float>* values : parameters(network)) {
    mean_.emplace_back(values->size());
    square_.emplace_back(values->size());
  }
}

void Adam::step(Network& network, Network& gradient, int batch, float rate) {
  constexpr float kBeta1 = 0.9f, kBeta2 = 0.999f, kEpsilon = 1e-8f;
  ++steps_;
  const float correct1 = 1 - std::pow(kBeta1, static_cast<float>(steps_));
  const float correct2 = 1 - std::pow(kBeta2, static_cast<float>(steps_));
  const std::vector<std::vector<float>*> values = parameters(network), gradients = parameters(gradient);
  for (size_t p = 0; p < values.size(); ++p) {
    for (size_t i = 0; i < values[p]->size(); ++i) {
      const float g = (*gradients[p])[i] / static_cast<float>(batch);
      mean_[p][i] = kBeta1 * mean_[p][i] + (1 - kBeta1) * g;
      square_[p][i] = kBeta2 * square_[p][i] + (1 - kBeta2) * g * g;
      (*values[p])[i] -= rate * (mean_[p][i] / correct1) / (std::sqrt(square_[p][i] / correct2) + kEpsilon);
      (*gradients[p])[i] = 0;
    }
  }
}

}  // namespace mote::examples
