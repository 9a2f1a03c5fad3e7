// A float Relu becomes the clamp of the operator that computes its input, if nothing else reads that input. (The int8
// ones become tables first; see use_lookups.h and fuse_lookup.h.)
//
//   a = conv_2d(x)                        b = conv_2d(x, clamp 0 .. 6)
//   b = relu6(a)                 =>
#pragma once

#include "ir/graph.h"

namespace mote::passes {

ir::Graph fuse_activation(ir::Graph graph);

}  // namespace mote::passes
