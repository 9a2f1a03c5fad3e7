#include "search/workloads.h"

namespace mote::search {
namespace {

using shapes::Family;
using shapes::Layer;

Layer square(Family family, int32_t extent, int32_t channels, int32_t out_channels, int32_t window, int32_t stride) {
  Layer layer;
  layer.family = family;
  layer.height = layer.width = extent;
  layer.channels = channels;
  layer.out_channels = out_channels;
  layer.window = {window, window};
  layer.stride = {stride, stride};
  layer.seed = 1;
  return layer;
}

}  // namespace

const std::vector<NamedLayer>& named_layers() {
  static const std::vector<NamedLayer> layers{
      {"first", square(Family::kConvolution, 60, 3, 12, 3, 2)},
      {"conv3x3", square(Family::kConvolution, 12, 16, 16, 3, 1)},
      {"strided3x3", square(Family::kConvolution, 24, 12, 16, 3, 2)},
      {"conv5x5", square(Family::kConvolution, 12, 8, 16, 5, 1)},
      {"pointwise", square(Family::kConvolution, 12, 96, 24, 1, 1)},
      {"depthwise", square(Family::kDepthwise, 24, 24, 24, 3, 1)},
      {"dense", square(Family::kDense, 1, 720, 60, 1, 1)},
  };
  return layers;
}

}  // namespace mote::search
