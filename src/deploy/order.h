// In which order operators run, where a graph leaves a choice.
#pragma once

#include <cstdint>

#include "ir/graph.h"

namespace mote::deploy {

/// `graph` with its operators in an order that takes the least RAM by guess_ram() (streaming.h): the model's own
/// order unless another one takes less. Exact, by dynamic programming over the sets of operators that can have run,
/// while no more than `effort` allows of them are worth a look; beyond that the most promising ones are followed.
/// Always the same for the same graph.
ir::Graph order_for_ram(ir::Graph graph, int64_t effort = 20'000'000);

}  // namespace mote::deploy
