// List scheduling of straight-line code whose registers are already chosen.
#pragma once

#include <vector>

#include "schedule/rules.h"

namespace mote::schedule {

/// The same instructions in an order that takes fewer cycles on a dual-issue core and computes the same; on a
/// single-issue core the order given. Stores keep their order among each other, loads may pass stores: `code` must not
/// load what it stores. Deterministic: a greedy pass and `tries` seeded variations of it, of which the best is kept.
std::vector<Instruction> list_schedule(const std::vector<Instruction>& code, const Rules& rules, int tries = 200);

/// Cycles of `code` in the given order by the rules alone (no fetch, no branches), from a state with nothing under way.
int estimate_cycles(const std::vector<Instruction>& code, const Rules& rules);

}  // namespace mote::schedule
