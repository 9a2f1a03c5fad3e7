// Which flash sectors a write touches.
#pragma once

#include "target/board.h"

namespace mote::device {

struct SectorRange {
  uint32_t address = 0, size = 0;
};

/// The whole sectors around [address, address + size); that range itself where the board file names no sectors.
/// Throws JobError when it is not within one flash region.
SectorRange sectors_around(const target::Board& board, uint32_t address, uint64_t size);

}  // namespace mote::device
