// This computer as a board.
#pragma once

#include <memory>

#include "device/device.h"

namespace mote::device {

/// Code compiled for this computer, run in a process of its own whose memory is the board file's and nothing else.
/// run() calls PC as a function; it must return, which counts as reaching `until`. There is no firmware to resume().
/// RAM outlives a crash.
std::unique_ptr<Device> open_host(const target::Board& board);

}  // namespace mote::device
