#include "board_sim/caches.h"

namespace mote::board_sim {
namespace {

using Kind = target::MemoryRegion::Kind;

TagMemory tags(const target::Cache& cache) {
  return {cache.size / cache.line / cache.ways, cache.ways, cache.line, cache.line};
}

}  // namespace

CacheModel::CacheModel(const target::Board& board)
    : board_(&board), instructions_(tags(board.instruction_cache)), data_(tags(board.data_cache)) {}

std::unique_ptr<MemoryModel> CacheModel::clone() const {
  return std::unique_ptr<MemoryModel>(new CacheModel(*this));
}

void CacheModel::reset() {
  instructions_.clear();
  data_.clear();
}

const target::MemoryRegion* CacheModel::cached_region(uint32_t address) const {
  for (const target::MemoryRegion& region : board_->regions) {
    const bool here = region.contains(address, 1) || (region.alias && address - *region.alias < region.size);
    if (here) return region.kind == Kind::kFlash || region.kind == Kind::kRam ? &region : nullptr;
  }
  return nullptr;
}

uint32_t CacheModel::run(const Block& block, std::span<const uint16_t>, std::span<const DataAccess> accesses, bool,
                         uint32_t, uint64_t) {
  const target::Simulation& costs = board_->simulation;
  uint32_t cycles = 0;
  if (cached_region(block.address) != nullptr) {
    const uint32_t line = board_->instruction_cache.line;
    for (uint32_t at = block.address / line * line; at < block.end(); at += line) {
      if (!instructions_.access(at)) cycles += static_cast<uint32_t>(costs.fetch_miss_cycles);
    }
  }
  for (const DataAccess& access : accesses) {
    const target::MemoryRegion* region = cached_region(access.address);
    if (region == nullptr || data_.access(access.address) || access.write) continue;  // stores wait in the store buffer
    const bool flash = region->kind == Kind::kFlash;
    cycles += static_cast<uint32_t>(flash ? costs.flash_miss_cycles : costs.ram_miss_cycles);
  }
  return cycles;
}

}  // namespace mote::board_sim
