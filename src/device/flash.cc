#include "device/flash.h"

#include <fmt/core.h>

#include <algorithm>

#include "support/error.h"

namespace mote::device {

SectorRange sectors_around(const target::Board& board, uint32_t address, uint64_t size) {
  for (const target::MemoryRegion& region : board.regions) {
    if (region.kind != target::MemoryRegion::Kind::kFlash || !region.contains(address, size)) continue;
    if (region.sectors.empty()) return {address, static_cast<uint32_t>(size)};
    uint64_t first = region.end(), last = region.address, at = region.address;
    for (const target::Sectors& group : region.sectors) {
      for (uint32_t i = 0; i < group.count; ++i, at += group.size) {
        if (at + group.size <= address || at >= address + size) continue;
        first = std::min(first, at);
        last = at + group.size;
      }
    }
    return {static_cast<uint32_t>(first), static_cast<uint32_t>(last - first)};
  }
  throw JobError(fmt::format("{:#x} to {:#x} is not within a flash region of {}", address, address + size, board.name));
}

}  // namespace mote::device
