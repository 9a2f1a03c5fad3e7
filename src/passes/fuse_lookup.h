// A Lookup becomes part of the operator that computes its input, if nothing else reads that input: two tables become
// one, a table that only limits becomes a tighter clamp, and any other the operator's `post` table.
//
//   a = conv_2d(x)                        b = conv_2d(x, post table)
//   b = lookup(a, table)         =>
//
//   a = conv_2d(x)                        b = conv_2d(x, clamp -128 .. 20)
//   b = lookup(a, min(., 20))    =>
#pragma once

#include "ir/graph.h"

namespace mote::passes {

ir::Graph fuse_lookup(ir::Graph graph);

}  // namespace mote::passes
