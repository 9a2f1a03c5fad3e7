// Operators that only copy go away: a Reshape to the same shape, a Pad by nothing, a Concat of one tensor, a pooling
// window of one element, a Lookup in the identity table, a Quantize to the same parameters.
//
//   a = conv_2d(x)                       a = conv_2d(x)
//   b = reshape(a)  # same shape   =>    c = dense(a)
//   c = dense(b)
//
// An operator that copies a graph input to a graph output stays: the copy is what was asked for.
#pragma once

#include "ir/graph.h"

namespace mote::passes {

ir::Graph drop_no_ops(ir::Graph graph);

}  // namespace mote::passes
