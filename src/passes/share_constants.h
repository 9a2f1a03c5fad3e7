// Constants alike in type and bytes become one.
//
//   y = conv_2d(x, w1, b1)                y = conv_2d(x, w1, b1)
//   z = conv_2d(y, w2, b2)       =>       z = conv_2d(y, w2, b1)
//
// for b1 and b2 alike.
#pragma once

#include "ir/graph.h"

namespace mote::passes {

ir::Graph share_constants(ir::Graph graph);

}  // namespace mote::passes
