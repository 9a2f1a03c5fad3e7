#include "board_sim/block.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace mote::board_sim {
namespace {

using schedule::Insn;
using schedule::kNoRegister;

// What each register holds, relative to the registers on entry to the block.
using Origins = std::array<BaseOrigin, 16>;

void advance(Origins& origins, const Insn& insn) {
  BaseOrigin copy;
  if (insn.copied_from < 16 && origins[insn.copied_from].reg != kNoRegister) {
    copy = origins[insn.copied_from];
    copy.offset += insn.copy_offset;
  }
  for (int r = 0; r < 16; ++r) {
    if (insn.writes >> r & 1) origins[r] = insn.conditional ? BaseOrigin{} : copy;
    if (!(insn.base_writes >> r & 1)) continue;
    if (insn.conditional || insn.access.index != kNoRegister) {
      origins[r] = BaseOrigin{};
    } else {
      origins[r].offset += insn.access.writeback;
    }
  }
}

void check_alignment(Block& block, const Origins& origins, uint16_t index) {
  const Insn& insn = block.insns[index];
  if (insn.access.base >= 15 || insn.access.bytes < 2) return;
  const bool strict = insn.access.word_aligned;
  const BaseOrigin& origin = origins[insn.access.base];
  EntryAccess access{index,
                     insn.access.bytes,
                     origin.reg,
                     kNoRegister,
                     insn.access.shift,
                     insn.loads(),
                     origin.offset + insn.access.offset};
  // The stack pointer is always word-aligned.
  const bool indexed = insn.access.index != kNoRegister;
  if (origin.reg == 13 && !indexed && access.offset % (strict ? 4 : access.bytes) == 0) return;
  bool known = origin.reg != kNoRegister;
  if (indexed) {
    const BaseOrigin& by = origins[insn.access.index];
    known = known && by.reg != kNoRegister;
    access.index = by.reg;
    access.offset += static_cast<int32_t>(static_cast<uint32_t>(by.offset) << access.shift);
  }
  if (!known) {
    (strict ? block.unresolved : block.plain_unresolved).push_back(index);
  } else if (strict) {
    block.alignment.push_back(access);
  } else {
    block.plain.push_back(access);
    if (access.load) add_unaligned(block, access);
    block.entry_registers |= 1u << access.reg;
    if (indexed) block.entry_registers |= 1u << access.index;
  }
}

}  // namespace

uint16_t extra_pieces(uint32_t address, uint8_t bytes) {
  if (address % bytes == 0) return 0;
  return address % 2 == 0 || bytes == 2 ? 1 : 2;
}

void add_unaligned(Block& block, const EntryAccess& access) {
  UnalignedLoads* group = nullptr;
  for (UnalignedLoads& known : block.unaligned) {
    if (known.reg == access.reg && known.index == access.index && known.shift == access.shift) group = &known;
  }
  if (group == nullptr) group = &block.unaligned.emplace_back(UnalignedLoads{access.reg, access.index, access.shift});
  for (uint32_t low = 0; low < 4; ++low) {
    const uint32_t address = low + static_cast<uint32_t>(access.offset);
    group->loads[low] += address % access.bytes != 0 ? 1 : 0;
    group->pieces[low] += extra_pieces(address, access.bytes);
  }
}

void analyse(Block& block, std::span<const std::byte> code) {
  block.insns = schedule::decode(block.address, code);
  Origins origins;
  for (uint8_t r = 0; r < 15; ++r) origins[r] = {r, 0};
  for (size_t i = 0; i < block.insns.size(); ++i) {
    const Insn& insn = block.insns[i];
    check_alignment(block, origins, static_cast<uint16_t>(i));
    const bool based = insn.access.base < 15 && insn.access.index == kNoRegister;
    block.bases.push_back(based ? origins[insn.access.base] : BaseOrigin{});
    if (insn.base_writes != 0 && block.bases.back().reg < 15) block.entry_registers |= 1u << block.bases.back().reg;
    advance(origins, insn);
    if (insn.floating && block.first_floating < 0) block.first_floating = static_cast<int>(i);
    block.exclusive |= insn.marks;
    block.conditional |= insn.it || (insn.conditional && !insn.branch);
    if (insn.divide && block.first_divide < 0) block.first_divide = static_cast<int>(i);
    if (insn.to_nearest && block.first_to_nearest < 0) block.first_to_nearest = static_cast<int>(i);
  }
  for (size_t r = 0; r < origins.size(); ++r) {
    if (origins[r].reg == kNoRegister) block.lost |= 1u << r;
  }
  block.careful = !block.alignment.empty() || !block.unresolved.empty() || block.first_floating >= 0 ||
                  block.first_divide >= 0 || block.first_to_nearest >= 0;
}

void BlockCache::open() {
  for (const Window& window : memory_.windows()) {
    if (window.executable) directories_.push_back({window, std::vector<Block*>(window.size / 2)});
  }
}

void BlockCache::clear() {
  directories_.clear();
  known_.clear();
  storage_.clear();
  histories_.clear();
  open();
}

Block* BlockCache::find(uint32_t address, uint32_t size) {
  for (Directory& directory : directories_) {
    if (address - directory.window.address < directory.window.size) return look_up(directory, address, size);
  }
  return nullptr;
}

void BlockCache::forget_branches() {
  for (auto& [address, history] : histories_) history = {history.initial, history.initial, 0};
}

BranchHistory* BlockCache::history(const Block& block, uint32_t start) {
  if (block.insns.empty() || !block.insns.back().branch) return nullptr;
  const schedule::Insn& branch = block.insns.back();
  const auto [entry, added] = histories_.try_emplace(uint64_t{start} << 32 | branch.address);
  const bool backward = branch.branch_target != 0 && branch.branch_target <= branch.address;
  const uint8_t initial = backward ? 2 : 1;
  // Other code may have been here when this entry was made.
  if (added || entry->second.initial != initial) entry->second = {initial, initial, 0};
  return &entry->second;
}

void BlockCache::decode(Block& block) {
  const bool changed = !block.decoded.empty();
  Block fresh;
  fresh.address = block.address;
  fresh.size = block.size;
  fresh.bytes = block.bytes;
  fresh.decoded.assign(block.bytes, block.bytes + block.size);
  analyse(fresh, fresh.decoded);
  fresh.history = history(fresh, fresh.address);
  if (fresh.history != nullptr && changed) *fresh.history = {fresh.history->initial, fresh.history->initial, 0};
  block = std::move(fresh);
}

Block* BlockCache::look_up(Directory& directory, uint32_t address, uint32_t size) {
  const Window& window = directory.window;
  Block*& slot = directory.blocks[(address - window.address) / 2];
  if (slot == nullptr || slot->size != size) {
    if (!window.contains(address, size)) return nullptr;  // it runs on into the next memory
    Block*& known = known_[uint64_t{size} << 32 | address];
    if (known == nullptr) {
      known = &storage_.emplace_back();
      known->address = address;
      known->size = size;
      known->bytes = window.bytes + (address - window.address);
    }
    slot = known;
  }
  if (!is_current(*slot)) decode(*slot);
  return slot;
}

bool BlockCache::is_current(const Block& block) {
  return block.decoded.size() == block.size && std::memcmp(block.decoded.data(), block.bytes, block.size) == 0;
}

void BlockCache::forget_stale() {
  if (storage_.size() < many_) return;
  std::deque<Block> kept;
  known_.clear();
  for (Directory& directory : directories_) std::fill(directory.blocks.begin(), directory.blocks.end(), nullptr);
  for (Block& block : storage_) {
    if (!is_current(block)) continue;
    Block& moved = kept.emplace_back(std::move(block));
    known_[uint64_t{moved.size} << 32 | moved.address] = &moved;
  }
  storage_ = std::move(kept);
  many_ = std::max(kMany, 2 * storage_.size());
}

}  // namespace mote::board_sim
