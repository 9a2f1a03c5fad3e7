// One machine instruction as the pipeline sees it: what it reads and for what, what it writes and how, which parts of
// the core it occupies. Made by decode() from machine code, or by the instruction scheduler from its own instructions.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "target/pipeline.h"

namespace mote::schedule {

// Registers are numbered r0..r15 = 0..15 (13 = SP, 14 = LR), the flags NZCV (and Q, GE) = 16, s0..s31 = 32..63.
// Sets of registers are 64-bit masks. The PC is in no set.
inline constexpr uint8_t kFlagsRegister = 16;
inline constexpr uint8_t kFirstFp = 32;
inline constexpr uint8_t kNoRegister = 255;
constexpr uint64_t register_bit(unsigned reg) {
  return uint64_t{1} << reg;
}

/// A register an instruction needs, and for what.
struct Read {
  uint8_t reg = 0;
  target::Operand use = target::Operand::kAlu;
};

/// Where a load or store goes: base + (index << shift) + offset. For literal loads base is 15 and offset counts from
/// the instruction's address + 4 rounded down to a word.
struct Access {
  uint8_t base = kNoRegister, index = kNoRegister, shift = 0;
  int32_t offset = 0;         // of the access itself: 0 when post-indexed
  int32_t writeback = 0;      // added to the base afterwards
  uint8_t bytes = 0;          // of one element; 0: no access
  uint8_t count = 1;          // elements at neighbouring addresses
  bool word_aligned = false;  // faults when the address is no multiple of 4 (ldrd, ldm, vldr ...)
};

struct Insn {
  uint32_t address = 0;
  uint8_t size = 2;  // bytes: 2 or 4
  target::Timing timing = target::Timing::kPlain;
  target::Producer result = target::Producer::kAlu;  // how `writes` are made (the flags always as by kAlu)
  uint32_t units = 0;                                // of target::Unit
  uint64_t writes = 0;                               // results
  uint64_t base_writes = 0;                          // base register written back
  uint8_t read_count = 0;
  std::array<Read, 34> reads = {};
  uint8_t registers = 0;  // of load and store multiple

  bool early = false;  // may be done in the early ALU stage
  bool nop = false;
  bool it = false;
  bool conditional = false;  // inside an IT block, or a conditional branch
  bool branch = false, indirect = false, call = false;
  bool divide = false;         // sdiv, udiv
  bool marks = false;          // sets the exclusive monitor: ldrex and the like
  bool to_nearest = false;     // rounds to nearest whatever FPSCR says: fixed point to floating point
  bool floating = false;       // needs the FPU to be enabled
  uint32_t branch_target = 0;  // of a direct branch
  int8_t bank = -1;            // of a load, relative to its base register; -1: not known
  Access access;
  // rd = copied_from + copy_offset: what an address analysis can follow.
  uint8_t copied_from = kNoRegister;
  int32_t copy_offset = 0;

  void add_read(uint8_t reg, target::Operand use) {
    if (read_count < reads.size()) reads[read_count++] = {reg, use};
  }
  /// Adds every register of `mask`.
  void add_reads(uint64_t mask, target::Operand use);
  uint64_t read_mask() const;
  bool loads() const { return (units & target::kUnitLoad) != 0; }
  bool stores() const { return (units & target::kUnitStore) != 0; }
};

/// Size in bytes of the Thumb instruction that begins with `halfword`.
constexpr int thumb_size(uint16_t halfword) {
  return halfword >= 0xE800 ? 4 : 2;
}

/// Decodes Thumb-2 machine code at `address` up to the end of `code`; if `to_jump`, up to the first jump that is always
/// taken. What is no known instruction becomes a plain one of its size, so that addresses stay right.
std::vector<Insn> decode(uint32_t address, std::span<const std::byte> code, bool to_jump = false);

/// The text of the instruction at the start of `code`: "smlad r0, r1, r2, r0"; "<undefined>" when it is none.
std::string disassemble(uint32_t address, std::span<const std::byte> code);

}  // namespace mote::schedule
