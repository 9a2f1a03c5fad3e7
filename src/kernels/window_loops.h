// Conv2D and DepthwiseConv2D as loops in C, the way every schedule of them begins.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kernels/common.h"

namespace mote::kernels {

/// Loops from the outermost inwards: variables with their extents.
using LoopNest = std::vector<std::pair<std::string, int64_t>>;

struct WindowLoops {
  ir::Size2D stride, dilation;
  ir::Padding2D padding;
  ir::Clamp clamp;
  std::vector<int64_t> weight_extents;
  int32_t (*channel_of)(const ir::Shape&, int64_t i);  // of a weight, see folded_biases()
  LoopNest outputs;                                    // over the output channels of a position
  LoopNest sum;                                        // over the products of one of them: "ky", "kx" and perhaps more
  loop::Affine in_channel, out_channel;
  std::vector<loop::Affine> weight;  // index of the product's weight
};

/// for n, oy, ox and `outputs` { acc = bias; for `sum` { acc += x * weight }; y = finished acc }
loop::Program window_loops(const Workload& workload, const std::string& name, const WindowLoops& loops);

}  // namespace mote::kernels
