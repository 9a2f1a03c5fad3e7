// Which stretches of a graph are worth computing by rows when RAM is scarce.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ir/graph.h"
#include "passes/stream.h"

namespace mote::deploy {

/// The graph as it is, every operator its own origin.
passes::Streamed unstreamed(const ir::Graph& graph);

/// A guess, before any kernel is known, of the RAM that tensors take (see reused_bytes()).
int64_t guess_ram(const ir::Graph& graph);

/// How much an operator can write over of operands that nobody wants afterwards, of these sizes, and that are not part
/// of its output's memory anyway: one that goes by rows all, a copy into a larger tensor the largest one.
int64_t reused_bytes(const ir::Graph& graph, const ir::Operator& op, const std::vector<int64_t>& dying);

/// Streamed forms of `graph` in so many strips that take less RAM by guess_ram(), at most `most`: those that need the
/// least; or, with a limit, of those within it the ones with the fewest calls.
std::vector<passes::Streamed> streamed_forms(const ir::Graph& graph, int32_t strips, std::optional<int64_t> limit,
                                             size_t most);

}  // namespace mote::deploy
