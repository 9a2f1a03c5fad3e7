#include "board_sim/memory_model.h"

#include <algorithm>
#include <bit>

#include "board_sim/art.h"
#include "board_sim/caches.h"
#include "support/error.h"

namespace mote::board_sim {

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

size_t reading_insn(const Block& block, int number) {
  size_t reader = 0;
  int reads = 0;
  for (size_t i = 0; i < block.insns.size() && number >= reads; ++i) {
    if (!block.insns[i].loads()) continue;
    reads += block.insns[i].access.count;
    reader = i;
  }
  return reader;
}

TagMemory::TagMemory(uint32_t sets, uint32_t ways, uint32_t line_bytes, uint32_t part_bytes)
    : set_mask_(sets - 1),
      ways_(ways),
      line_mask_(line_bytes - 1),
      line_shift_(std::countr_zero(line_bytes)),
      part_shift_(std::countr_zero(part_bytes)),
      entries_(size_t{sets} * ways) {
  check(std::has_single_bit(sets) && std::has_single_bit(line_bytes) && std::has_single_bit(part_bytes),
        "sizes of a cache are powers of two");
}

void TagMemory::clear() {
  std::ranges::fill(entries_, Entry());
}

// True when `part` of `line` was there.
bool TagMemory::move_to_front(Entry* set, uint32_t line, uint32_t part) {
  Entry* const last = set + ways_ - 1;
  Entry* found = set;
  while (found->line != line && found != last) ++found;
  const uint32_t valid = found->line == line ? found->valid : 0;
  std::move_backward(set, found, found + 1);
  *set = {line, valid | part};
  return (valid & part) != 0;
}

}  // namespace mote::board_sim
