// A Pad of height and width moves into the operators that read it, where the padded value is the one they pad with: the
// zero point in front of a convolution, the least value in front of a MaxPool2D.
//
//   p = pad(x, 1 on each side)            y = conv_2d(x, padding 1)
//   y = conv_2d(p)               =>
//
// An AveragePool2D leaves its own padding out of the mean, so a Pad in front of it stays.
#pragma once

#include "ir/graph.h"

namespace mote::passes {

ir::Graph fuse_pad(ir::Graph graph);

}  // namespace mote::passes
