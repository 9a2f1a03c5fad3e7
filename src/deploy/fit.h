// Does a network fit a board? Known before anything is compiled, but for the code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "deploy/emit.h"
#include "deploy/library.h"
#include "target/board.h"

namespace mote::deploy {

/// A memory that is too small.
struct Excess {
  std::string memory;     // "RAM (sram1)", "flash (flash)"
  int64_t needed = 0;     // bytes
  int64_t available = 0;  // bytes
  std::string detail;     // what needs them: "activations and scratch 300,000, stack 4,096; most in operator 3 ..."
  int64_t over() const { return needed - available; }
};

/// What of the library's network, arena and placement does not fit. `measured`: when a compiler was at hand.
std::vector<Excess> check_fit(const Library& library, const target::Board& board,
                              const std::optional<Measured>& measured = std::nullopt);

/// Throws InputError for `model` that says which memory is too small by how many bytes, and `advice`, if any.
void require_fit(const Library& library, const target::Board& board, const std::string& model,
                 const std::optional<Measured>& measured = std::nullopt, const std::string& advice = "");

}  // namespace mote::deploy
