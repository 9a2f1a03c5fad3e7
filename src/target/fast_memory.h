// How fast a board's memories are to its core: where a copy of what is slow to read from flash pays, and what reading
// from flash costs. From the memory map alone; the same for compiling, planning and estimating.
#pragma once

#include <cstdint>

#include "target/board.h"

namespace mote::target {

/// A memory that the core reads without waiting, at the address at which it does. No region: the board has none.
struct FastMemory {
  const MemoryRegion* region = nullptr;
  uint32_t address = 0;
  uint32_t size() const { return region == nullptr ? 0 : region->size; }
};

/// For code: tightly coupled memory; on a core without caches otherwise RAM other than board.ram() that it fetches from
/// over its code bus (below 0x20000000: elsewhere fetches and data accesses would wait for each other).
FastMemory fast_code_memory(const Board& board);

/// For data: tightly coupled memory; on a core without a data cache otherwise board.ram() itself.
FastMemory fast_data_memory(const Board& board);

/// What reading from flash costs: pieces of `line` bytes are kept in a cache of `cache` bytes, and one that is not
/// there keeps the core waiting for `miss` cycles.
struct FlashReads {
  uint32_t cache = 0, line = 1;
  int miss = 0;  // 0: flash is as fast as the core
};
FlashReads flash_code_reads(const Board& board);
FlashReads flash_data_reads(const Board& board);

/// What data in `region`, RAM of the board, costs: for each `line` bytes the core waits `miss` cycles. An estimate
/// where the board file says nothing.
struct MemoryReads {
  uint32_t line = 4;
  int miss = 0;
};
MemoryReads data_reads(const Board& board, const MemoryRegion& region);

}  // namespace mote::target
