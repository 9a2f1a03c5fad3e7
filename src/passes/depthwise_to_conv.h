// A DepthwiseConv2D of a single input channel is a Conv2D: the same sums with the same parameters, and the kernels of
// Conv2D are the better ones.
//
//   y = depthwise_conv_2d(x, w)           y = conv_2d(x, w')
//   # x 1x49x10x1, w 1x10x4x64      =>    # w' 64x10x4x1
#pragma once

#include "ir/graph.h"

namespace mote::passes {

ir::Graph depthwise_to_conv(ir::Graph graph);

}  // namespace mote::passes
