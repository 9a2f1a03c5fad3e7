// What every legal graph satisfies. Runs after the import and after every pass.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace mote::ir {

/// The violations, each naming its tensor or its operator (index, kind, tensor names), at most one for each of them;
/// empty when the graph is legal. Any graph may be passed. A legal graph can be interpreted without further checks.
std::vector<std::string> verify(const Graph& graph);

/// What verify() checks of one operator beyond the tensors it names, which must be legal: shapes, types, quantisation.
/// The first violation, or nothing.
std::optional<std::string> problem_of(const Graph& graph, const Operator& op);

/// The largest dimension of a tensor, and the largest stride, window, dilation or padding: far beyond any
/// microcontroller, and small enough for positions to be computed in int32_t.
inline constexpr int32_t kMaxDimension = 1 << 24;
inline constexpr int32_t kMaxExtent = 1 << 16;

}  // namespace mote::ir
