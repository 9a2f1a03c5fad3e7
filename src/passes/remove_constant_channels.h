// A channel that is the same for every input, because its weights are zero or because it saturates at the clamp
// whatever its inputs are, is not computed: its readers have it in their biases. So does a channel that nobody reads.
//
//   a = conv_2d(x, w, b)        # a[..., 1] is 7 for every x       a' = conv_2d(x, w without row 1, b without 1)
//   d = depthwise_conv_2d(a)    # d[..., 1] is 9              =>   d' = depthwise_conv_2d(a')
//   y = conv_2d(d, v, c)                                           y = conv_2d(d', v without column 1, c + 9 * v[:, 1])
//
// What is left of a tensor has its source_index still, and source_channels that say which channels those are. int8
// only.
#pragma once

#include "ir/graph.h"

namespace mote::passes {

ir::Graph remove_constant_channels(ir::Graph graph);

}  // namespace mote::passes
