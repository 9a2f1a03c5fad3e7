// What memories other than zero-wait ones cost: cycles on top of the pipeline's. Two models, chosen by the board file:
// the flash accelerator of an STM32L4, and the caches of a Cortex-M7 part.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "board_sim/block.h"
#include "target/board.h"

namespace mote::board_sim {

/// One data access of the block that is running, in the order they happen.
struct DataAccess {
  uint32_t address = 0;
  uint8_t bytes = 0;
  bool write = false;
  uint16_t number = 0;  // counting reads only
};

class MemoryModel {
 public:
  virtual ~MemoryModel() = default;
  MemoryModel& operator=(const MemoryModel&) = delete;

  /// Cycles that memory adds to `block`, which began at cycle `start` and whose instruction i has ended, without
  /// memory, ends[i] cycles later. `accesses`: its data accesses. It goes on at `next`, by a branch if `taken`. Adds to
  /// `waits`, which is empty or has a number for each instruction, what each of them waited.
  virtual uint32_t run(const Block& block, std::span<const uint16_t> ends, std::span<const DataAccess> accesses,
                       bool taken, uint32_t next, uint64_t start, std::span<uint64_t> waits) = 0;
  /// The flash controller's access control register was written. Only the accelerator listens.
  virtual void set_access_control(uint32_t /*value*/) {}
  virtual void reset() = 0;
  virtual std::unique_ptr<MemoryModel> clone() const = 0;

 protected:
  MemoryModel() = default;
  MemoryModel(const MemoryModel&) = default;  // for clone()
};

/// The instruction of `block` that made read `number`: reads belong to loads in their order, by the number of words
/// that each of them reads.
size_t reading_insn(const Block& block, int number);

/// The model that `board` asks for. Throws InputError when its file has no figures for one.
std::unique_ptr<MemoryModel> make_memory_model(const target::Board& board);

/// Set-associative memory of tags with a valid bit for each part of a line; least recently used goes first. Sets, and
/// the bytes of lines and parts, are powers of two.
class TagMemory {
 public:
  TagMemory(uint32_t sets, uint32_t ways, uint32_t line_bytes, uint32_t part_bytes);
  /// True when the part that holds `address` is there; makes it so.
  bool access(uint32_t address) {
    const uint32_t line = address >> line_shift_;
    const uint32_t part = 1u << ((address & line_mask_) >> part_shift_);
    Entry* const set = &entries_[size_t{line & set_mask_} * ways_];
    return (set->line == line && (set->valid & part) != 0) || move_to_front(set, line, part);
  }
  void clear();

 private:
  struct Entry {
    uint32_t line = ~0u;
    uint32_t valid = 0;  // bit for each part
  };
  bool move_to_front(Entry* set, uint32_t line, uint32_t part);

  uint32_t set_mask_, ways_, line_mask_;
  int line_shift_, part_shift_;
  std::vector<Entry> entries_;  // those of a set lie together, most recently used first
};

}  // namespace mote::board_sim
