// Operators and tensors that no output of the graph depends on go away, and the tensors that remain are renumbered in
// their order. The graph's inputs stay, read or not.
//
//   %0 = input                            %0 = input
//   %1 = relu(%0)                =>       %1 = tanh(%0)
//   %2 = tanh(%0)                         output %1
//   output %2
#pragma once

#include "ir/graph.h"

namespace mote::passes {

ir::Graph remove_dead(ir::Graph graph);

}  // namespace mote::passes
