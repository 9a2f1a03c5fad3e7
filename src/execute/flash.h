// A firmware image in a board's flash.
#pragma once

#include <cstdint>

#include "device/device.h"
#include "target/board.h"
#include "toolchain/toolchain.h"

namespace mote::execute {

struct Flashed {
  uint32_t bytes = 0;      // of the image
  bool was_there = false;  // the same bytes were in flash already, and nothing was programmed
};

/// Programs `image` into the flash of `board` through `device`, and verifies it, unless it is there already: reading is
/// quicker than programming, and wears nothing out. `name` is the image's, for messages. Throws InputError when part of
/// the image lies outside of the board's flash, JobError when programming fails.
Flashed flash(device::Device& device, const target::Board& board, const toolchain::Image& image,
              const std::string& name);

}  // namespace mote::execute
