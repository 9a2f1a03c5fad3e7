// Concatenations that are worth writing operand by operand.
#pragma once

#include <optional>

#include "ir/graph.h"

namespace mote::deploy {

/// `graph` with concatenations along inner axes, which have to be copied, taken apart (passes/insert_operands.h), where
/// that takes less RAM by guess_ram() (streaming.h): all of them, or those that help alone. Nothing when none does.
std::optional<ir::Graph> apart_for_ram(const ir::Graph& graph);

}  // namespace mote::deploy
