// How much stack one inference really takes on a board: what it leaves of a pattern.
#pragma once

#include <cstdint>

#include "deploy/library.h"
#include "device/device.h"
#include "target/board.h"
#include "toolchain/toolchain.h"

namespace mote::execute {

/// Programs the plain firmware of `library`, paints the memory below the stack of its main function, lets it run once
/// on whatever the inputs are, and counts from the deepest byte that changed. `stack`: how far below to look. Throws
/// JobError, ConnectionError.
uint32_t painted_stack(device::Device& device, const target::Board& board, const deploy::Library& library,
                       toolchain::Toolchain& toolchain, uint32_t stack);

}  // namespace mote::execute
