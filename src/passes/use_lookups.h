// An int8 tensor that is computed element by element from one other becomes a Lookup in a table of 256 entries:
// Logistic, Tanh, Relu, Quantize, an Add or Mul of one constant value, and what passes through float on its way.
//
//   d = dequantize(x)
//   t = tanh(d)                  =>       q = lookup(x, table)
//   q = quantize(t)
//
// The reference interpreter fills the table, so it is exact by construction. Operators in between that nothing else
// reads are dead afterwards.
#pragma once

#include "ir/graph.h"

namespace mote::passes {

ir::Graph use_lookups(ir::Graph graph);

}  // namespace mote::passes
