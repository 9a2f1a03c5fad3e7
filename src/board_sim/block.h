// A basic block as the emulator runs it, decoded once: its instructions, and what must be checked before it may run
// because the emulator itself does not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "board_sim/memory.h"
#include "schedule/insn.h"

namespace mote::board_sim {

/// Instruction `insn` loads or stores `bytes` at (register `reg` on entry) + (register `index` on entry << shift) +
/// offset.
struct EntryAccess {
  uint16_t insn = 0;
  uint8_t bytes = 4;
  uint8_t reg = 0, index = schedule::kNoRegister, shift = 0;
  bool load = false;
  int32_t offset = 0;
};

/// The loads of a block whose addresses differ from each other by constants: how many of them are unaligned, and into
/// how many more aligned pieces than one each they break, by the last two bits of (reg + (index << shift)).
struct UnalignedLoads {
  uint8_t reg = 0, index = schedule::kNoRegister, shift = 0;
  std::array<uint16_t, 4> loads = {}, pieces = {};
};

/// The base of an instruction's access: (register `reg` on entry to the block) + offset. reg 255: not known.
struct BaseOrigin {
  uint8_t reg = schedule::kNoRegister;
  int32_t offset = 0;
};

/// What the timing model remembers about a block: see timing.h.
struct BlockMemo {
  struct Entry {
    uint32_t state_in = 0, state_out = 0, cycles = 0;
    uint64_t uses = 0;
    std::vector<uint16_t> ends;  // cycles after which each instruction has ended; only when a memory model asks
  };
  std::vector<Entry> entries[4];  // by taken (bit 0) and bank variant (bit 1)
};

/// What the branch predictor knows about one branch, reached by one path (a block from its start to the branch).
struct BranchHistory {
  uint8_t counter = 1;  // of a conditional branch: 2 and more predict that it is taken
  uint8_t initial = 1;
  uint32_t last_target = 0;
};

struct Block {
  uint32_t address = 0, size = 0;
  uint32_t end() const { return address + size; }
  std::vector<schedule::Insn> insns;

  const std::byte* bytes = nullptr;  // where the code is now
  std::vector<std::byte> decoded;    // the code as it was decoded

  std::vector<EntryAccess> alignment;  // that must be word-aligned
  std::vector<uint16_t> unresolved;    // of those, instructions whose address the registers on entry do not give
  std::vector<EntryAccess> plain;      // words and halfwords that may be unaligned unless CCR forbids it
  std::vector<uint16_t> plain_unresolved;
  std::vector<UnalignedLoads> unaligned;  // what those loads cost
  uint16_t lost = 0;  // registers that hold, at its end, more than one from its start plus a constant
  int first_floating = -1, first_divide = -1, first_to_nearest = -1;
  std::vector<BaseOrigin> bases;  // of each instruction
  uint16_t entry_registers = 0;   // those that tell its accesses apart, or whether they are aligned
  bool careful = false;           // one of the above is present: look before it runs
  bool conditional = false;       // has an IT block
  bool exclusive = false;         // has an exclusive load

  BlockMemo memo;
  BranchHistory* history = nullptr;  // of the branch at its end
  uint64_t executions = 0, cycles = 0, memory_cycles = 0, mispredicts = 0;
  std::vector<uint64_t> waits;  // memory_cycles by instruction; empty while there are none
};

/// Decoded blocks by address and size.
class BlockCache {
 public:
  explicit BlockCache(const Memory& memory) : memory_(memory) { open(); }

  /// The block of `size` bytes at `address`, decoded anew when its bytes have changed. nullptr where there is no
  /// memory.
  Block* find(uint32_t address, uint32_t size);
  /// Every block decoded so far.
  const std::deque<Block>& all() const { return storage_; }
  /// Drops everything.
  void clear();
  /// The history of `block`'s branch when the block is the rest of one that began at `start`.
  BranchHistory* history(const Block& block, uint32_t start);
  /// Forgets what was learnt about branches, as a reset does.
  void forget_branches();
  /// Once there are very many blocks: drops those whose code is no longer in memory, with their statistics. All
  /// pointers to blocks are invalid then.
  void forget_stale();

 private:
  static constexpr size_t kMany = 20'000;  // about 7 KB each
  struct Directory {
    Window window;
    std::vector<Block*> blocks;  // by halfword: the block last used there
  };
  void open();
  void decode(Block& block);
  Block* look_up(Directory& directory, uint32_t address, uint32_t size);
  static bool is_current(const Block& block);

  const Memory& memory_;
  std::vector<Directory> directories_;
  std::unordered_map<uint64_t, Block*> known_;
  std::deque<Block> storage_;
  size_t many_ = kMany;
  std::unordered_map<uint64_t, BranchHistory> histories_;  // by start and address of the branch
};

/// How many naturally aligned pieces `bytes` bytes at `address` break into, less one: 0 when they are aligned.
uint16_t extra_pieces(uint32_t address, uint8_t bytes);
/// Adds a load of `block` to what it says of unaligned ones.
void add_unaligned(Block& block, const EntryAccess& access);

/// Fills in everything of `block` but its address, size, bytes and history.
void analyse(Block& block, std::span<const std::byte> code);

}  // namespace mote::board_sim
