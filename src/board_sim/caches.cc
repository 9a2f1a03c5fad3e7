#include "board_sim/caches.h"

namespace mote::board_sim {
namespace {

using Kind = target::MemoryRegion::Kind;

TagMemory tags(const target::Cache& cache) {
  return {cache.size / cache.line / cache.ways, cache.ways, cache.line, cache.line};
}

/// The first instruction of `block` of which a part lies at `address` or behind.
size_t first_insn_in(const Block& block, uint32_t address) {
  size_t i = 0;
  while (i + 1 < block.insns.size() && block.insns[i].address + block.insns[i].size <= address) ++i;
  return i;
}

}  // namespace

CacheModel::CacheModel(const target::Board& board)
    : line_bytes_(board.instruction_cache.line),
      fetch_miss_cycles_(static_cast<uint32_t>(board.simulation.fetch_miss_cycles)),
      instructions_(tags(board.instruction_cache)),
      data_(tags(board.data_cache)) {
  for (const target::MemoryRegion& region : board.regions) {
    if (region.kind != Kind::kFlash && region.kind != Kind::kRam) continue;
    const int cycles =
        region.kind == Kind::kFlash ? board.simulation.flash_miss_cycles : board.simulation.ram_miss_cycles;
    ranges_.push_back({region.address, region.size, static_cast<uint32_t>(cycles)});
    if (region.alias) ranges_.push_back({*region.alias, region.size, static_cast<uint32_t>(cycles)});
  }
}

std::unique_ptr<MemoryModel> CacheModel::clone() const {
  return std::unique_ptr<MemoryModel>(new CacheModel(*this));
}

void CacheModel::reset() {
  instructions_.clear();
  data_.clear();
}

const CacheModel::Range* CacheModel::cached_range(uint32_t address) const {
  for (const Range& range : ranges_) {
    if (address - range.address < range.size) return &range;
  }
  return nullptr;
}

uint32_t CacheModel::run(const Block& block, std::span<const uint16_t>, std::span<const DataAccess> accesses, bool,
                         uint32_t, uint64_t, std::span<uint64_t> waits) {
  uint32_t cycles = 0;
  const auto wait = [&](size_t insn, uint32_t more) {
    cycles += more;
    if (!waits.empty()) waits[insn] += more;
  };
  if (cached_range(block.address) != nullptr) {
    for (uint32_t at = block.address / line_bytes_ * line_bytes_; at < block.end(); at += line_bytes_) {
      if (!instructions_.access(at)) wait(first_insn_in(block, at), fetch_miss_cycles_);
    }
  }
  for (const DataAccess& access : accesses) {
    const Range* range = cached_range(access.address);
    if (range == nullptr || data_.access(access.address) || access.write) continue;  // stores wait in the store buffer
    wait(reading_insn(block, access.number), range->miss_cycles);
  }
  return cycles;
}

}  // namespace mote::board_sim
