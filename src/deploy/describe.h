// A network as the values of the library's templates. Private to the room.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "deploy/emit.h"
#include "deploy/firmware.h"
#include "deploy/library.h"
#include "deploy/placement.h"
#include "target/board.h"

namespace mote::deploy {

/// Everything the templates of runtime/library ask for.
nlohmann::json describe(const Network& network, const Arena& arena, const Origin& origin);

/// Memory map, clock and cycle counter, for the templates of runtime/firmware.
nlohmann::json describe_board(const target::Board& board);
/// What start-up code and linker script do for what the libraries have in other memories than usual, for the same
/// templates.
nlohmann::json describe_placements(const std::vector<Parts>& libraries, const target::Board& board);

/// ".bss.kws_arena_dtcm": the linker's input section of a part of the arena.
std::string arena_section(const std::string& prefix, const ArenaPool& pool);

/// The library's prefix as that of its macros: "kws" -> "KWS".
std::string macro_prefix(std::string prefix);

/// Constants that no kernel holds, because an output of the network is one: as the buffers of a program without code.
loop::Program loose_constants(const Network& network);

}  // namespace mote::deploy
