// Takes a concatenation apart: each operand is copied into the result as soon as it is computed, so that they need not
// all be there together.
//
//   a = conv(x), b = conv(x), c = conv(x), y = concat(a, b, c)
//
//   a = conv(x), y0 = insert(a), b = conv(x), y1 = insert(b into y0), c = conv(x), y = insert(c into y1)
//
// Not one of the ordered passes: y is there from the first insert on, which is not always better; deploy decides.
#pragma once

#include <cstddef>
#include <optional>

#include "ir/graph.h"

namespace mote::passes {

/// The graph with its operator `index` taken apart; nothing when that is no concatenation of computed tensors, or one
/// with a fused table. A graph input is copied where the concatenation was.
std::optional<ir::Graph> insert_operands(const ir::Graph& graph, size_t index);

}  // namespace mote::passes
