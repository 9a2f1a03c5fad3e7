// A Lookup moves in front of a Reshape, next to the operator it can be fused into.
//
//   a = conv_2d(x)                        a = conv_2d(x)
//   b = reshape(a)               =>       b = lookup(a)
//   c = lookup(b)                         c = reshape(b)
#pragma once

#include "ir/graph.h"

namespace mote::passes {

ir::Graph lookup_before_reshape(ir::Graph graph);

}  // namespace mote::passes
