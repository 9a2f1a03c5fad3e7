// Single layers of random shape with random weights: convolutions, depthwise ones and dense ones, odd shapes too. Equal
// seeds give equal layers.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace mote::shapes {

enum class Family : uint8_t { kConvolution, kDepthwise, kDense };
std::string name_of(Family family);

struct Layer {
  Family family = Family::kConvolution;
  bool real = false;              // float32; else int8
  int32_t height = 1, width = 1;  // of the input
  int32_t channels = 1;           // of the input; dense: the depth
  int32_t out_channels = 1;       // depthwise: channels * multiplier
  ir::Size2D window, stride, dilation;
  bool same = true;  // padded so that output = ceil(input / stride); else not at all
  uint64_t seed = 0;
};

/// "conv 13x7x5 -> 17, 3x5 stride 2x1 dilation 1x2 same".
std::string text_of(const Layer& layer);

/// `count` layers of all families, windows 1x1 to 7x7 and one-dimensional, strides 1 and 2, dilations, 1 to 130
/// channels, images that are not square; each of at most `most_macs` multiply-accumulates and few enough weights
/// for a trial.
std::vector<Layer> random_layers(uint64_t seed, int count, int64_t most_macs, bool real);

/// The layer as a graph of one operator: weights per channel, biases, scales and zero points drawn so that outputs are
/// well spread; with no activation, RELU, or RELU6.
ir::Graph graph_of(const Layer& layer);

}  // namespace mote::shapes
