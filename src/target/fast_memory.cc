#include "target/fast_memory.h"

namespace mote::target {
namespace {

using Kind = MemoryRegion::Kind;

constexpr uint32_t kEndOfCodeBus = 0x20000000;

// What lies between the flash of a part and a core without caches, where the board file says nothing: about the
// smallest that is made. Flash is read in words of 64 bits (STM32L4) or 128 (STM32F4, U5).
constexpr FlashReads kCodeAccelerator{.cache = 1024, .line = 8, .miss = 0};
constexpr FlashReads kDataAccelerator{.cache = 256, .line = 8, .miss = 0};
// Filling a cache line from flash over an AXI bus takes about so much more than the flash's own wait states.
constexpr int kBusCycles = 10;

FlashReads reads(const Board& board, const Cache& cache, int known_miss, FlashReads accelerator) {
  if (cache.size == 0) {
    accelerator.miss = board.flash().wait_states;
    return accelerator;
  }
  const int guess = board.flash().wait_states == 0 ? 0 : board.flash().wait_states + kBusCycles;
  return {cache.size, cache.line, known_miss != 0 ? known_miss : guess};
}

const MemoryRegion* first_of(const Board& board, Kind kind) {
  for (const MemoryRegion& region : board.regions) {
    if (region.kind == kind) return &region;
  }
  return nullptr;
}

}  // namespace

FastMemory fast_code_memory(const Board& board) {
  if (const MemoryRegion* tightly_coupled = first_of(board, Kind::kTightlyCoupledCode)) {
    return {tightly_coupled, tightly_coupled->address};
  }
  if (board.instruction_cache.size != 0) return {};
  for (const MemoryRegion& region : board.regions) {
    if (region.kind != Kind::kRam || !region.executable || region.wait_states != 0 || &region == &board.ram()) continue;
    if (region.end() <= kEndOfCodeBus) return {&region, region.address};
    if (region.alias && uint64_t{*region.alias} + region.size <= kEndOfCodeBus) return {&region, *region.alias};
  }
  return {};
}

FastMemory fast_data_memory(const Board& board) {
  if (const MemoryRegion* tightly_coupled = first_of(board, Kind::kTightlyCoupledData)) {
    return {tightly_coupled, tightly_coupled->address};
  }
  if (board.data_cache.size != 0 || board.ram().wait_states != 0) return {};
  return {&board.ram(), board.ram().address};
}

FlashReads flash_code_reads(const Board& board) {
  return reads(board, board.instruction_cache, board.simulation.fetch_miss_cycles, kCodeAccelerator);
}

MemoryReads data_reads(const Board& board, const MemoryRegion& region) {
  if (region.kind == Kind::kTightlyCoupledData) return {};
  if (board.data_cache.size == 0) return {4, region.wait_states};
  const int known = board.simulation.ram_miss_cycles;
  return {board.data_cache.line, region.wait_states + (known != 0 ? known : kBusCycles)};
}

FlashReads flash_data_reads(const Board& board) {
  return reads(board, board.data_cache, board.simulation.flash_miss_cycles, kDataAccelerator);
}

}  // namespace mote::target
