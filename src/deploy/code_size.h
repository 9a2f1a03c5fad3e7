// What a kernel takes of the flash, as pieces of which equal ones are there once (see shared_code.h).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "loop/ir.h"

namespace mote::deploy {

/// A function or a constant. Equal identities: the library has it once.
struct Piece {
  uint64_t identity = 0;
  uint64_t bytes = 0;
};

/// The program's own function, the functions it calls and its constants. `measured_bytes`: of all of them together,
/// when they are known: the rest is its own function's. What is not known is estimated (code_estimate.h).
std::vector<Piece> pieces_of(const loop::Program& program, std::optional<uint64_t> measured_bytes);

/// Bytes of all pieces, each counted by itself.
uint64_t bytes_of(const std::vector<Piece>& pieces);

}  // namespace mote::deploy
