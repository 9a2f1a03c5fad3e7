// An operator whose operands are all constants becomes a constant, computed by the reference interpreter.
//
//   d = quantize(c)  # c constant         d = constant
//   y = add(x, d)                =>       y = add(x, d)
//
// One whose output is an output of the graph stays, since outputs are written at run time.
#pragma once

#include "ir/graph.h"

namespace mote::passes {

ir::Graph fold_constants(ir::Graph graph);

}  // namespace mote::passes
