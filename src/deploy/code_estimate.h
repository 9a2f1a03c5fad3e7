// How much code a kernel comes to that nobody has compiled.
#pragma once

#include <cstdint>

#include "loop/ir.h"

namespace mote::deploy {

/// Bytes of the program's code, rather too many than too few: instructions in its functions' assembly, and what its
/// loops and expressions compile to. Constants are not among them.
uint64_t code_estimate(const loop::Program& program);

}  // namespace mote::deploy
