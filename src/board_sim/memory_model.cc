#include "board_sim/memory_model.h"

#include <algorithm>
#include <bit>

#include "board_sim/art.h"
#include "board_sim/caches.h"
#include "support/error.h"

namespace mote::board_sim {
namespace {

// Sizes of caches are nearly always powers of two, and this is asked for every access.
uint32_t divide(uint32_t value, uint32_t by) {
  return (by & (by - 1)) == 0 ? value >> std::countr_zero(by) : value / by;
}

uint32_t remainder(uint32_t value, uint32_t by) {
  return (by & (by - 1)) == 0 ? value & (by - 1) : value % by;
}

}  // namespace

std::unique_ptr<MemoryModel> make_memory_model(const target::Board& board) {
  if (board.simulation.accelerator == "art-l4") return std::make_unique<ArtModel>(board);
  const bool caches = board.instruction_cache.size != 0 && board.data_cache.size != 0;
  if (caches && board.simulation.flash_miss_cycles != 0) {
    return std::make_unique<CacheModel>(board);
  }
  throw InputError(board.file,
                   "has no figures for the flash memory profile: caches with [simulation] miss cycles, or an "
                   "accelerator");
}

TagMemory::TagMemory(uint32_t sets, uint32_t ways, uint32_t line_bytes, uint32_t part_bytes)
    : sets_(sets), ways_(ways), line_bytes_(line_bytes), part_bytes_(part_bytes), entries_(size_t{sets} * ways) {}

void TagMemory::clear() {
  std::ranges::fill(entries_, Entry());
  tick_ = 0;
}

bool TagMemory::access(uint32_t address) {
  const uint32_t line = divide(address, line_bytes_);
  const uint32_t part = 1u << divide(remainder(address, line_bytes_), part_bytes_);
  const std::span<Entry> set = std::span(entries_).subspan(size_t{remainder(line, sets_)} * ways_, ways_);
  Entry* oldest = &set.front();
  for (Entry& entry : set) {
    if (entry.line == line) {
      entry.used = ++tick_;
      const bool hit = (entry.valid & part) != 0;
      entry.valid |= part;
      return hit;
    }
    if (entry.used < oldest->used) oldest = &entry;
  }
  *oldest = {line, ++tick_, part};
  return false;
}

}  // namespace mote::board_sim
