// The arena in several memories of a board: because none holds all of it, or because a faster one holds some of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deploy/arena.h"
#include "deploy/library.h"
#include "deploy/network.h"
#include "target/board.h"

namespace mote::deploy {

/// `arena`, which is planned, as the board's memories hold it. As it is when the main RAM holds it beside the stack, or
/// nothing holds it. Otherwise, or with `fast` when memory that the core reads without waiting holds some of it: in
/// the memory, or divided among those, where waiting costs least by estimate. Regions of divided arenas have offsets in
/// their pools.
Arena distribute(Arena arena, const Network& network, const target::Board& board, bool fast);

/// The memories that hold the arena of a library, with what they hold of it; one for an arena that is not divided.
std::vector<ArenaPool> pools_of(const Library& library, const target::Board& board);

/// Bytes of the arena in the board's memory `memory`. One that is not divided is in the main RAM.
int64_t arena_bytes_in(const Arena& arena, const target::Board& board, const std::string& memory);

}  // namespace mote::deploy
