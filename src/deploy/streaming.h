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

/// A guess, before any kernel is known, of the RAM that tensors take: an operator that goes by rows can write over an
/// operand that dies.
int64_t guess_ram(const ir::Graph& graph);

/// Streamed forms of `graph` in so many strips that take less RAM by guess_ram(), at most `most`: those that need the
/// least; or, with a limit, of those within it the ones with the fewest calls.
std::vector<passes::Streamed> streamed_forms(const ir::Graph& graph, int32_t strips, std::optional<int64_t> limit,
                                             size_t most);

}  // namespace mote::deploy
