// Turns what Capstone says of an instruction into an Insn. For decode.cc alone: Capstone stays behind it.
#pragma once

#include <capstone/capstone.h>

#include <bit>

#include "schedule/decode_forms.h"
#include "schedule/insn.h"

namespace mote::schedule {

using target::Operand;
using target::Producer;
using target::Timing;

inline constexpr unsigned kSpNumber = 13, kLrNumber = 14, kPcNumber = 15;

inline uint64_t bits_of(unsigned reg) {
  if (reg >= ARM_REG_R0 && reg <= ARM_REG_R12) return register_bit(reg - ARM_REG_R0);
  if (reg == ARM_REG_SP) return register_bit(kSpNumber);
  if (reg == ARM_REG_LR) return register_bit(kLrNumber);
  if (reg >= ARM_REG_S0 && reg <= ARM_REG_S31) return register_bit(kFirstFp + reg - ARM_REG_S0);
  if (reg >= ARM_REG_D0 && reg <= ARM_REG_D15) return uint64_t{3} << (kFirstFp + 2 * (reg - ARM_REG_D0));
  return 0;
}

inline uint8_t number_of(unsigned reg) {
  if (reg == ARM_REG_PC) return kPcNumber;
  const uint64_t bits = bits_of(reg);
  return bits == 0 ? kNoRegister : static_cast<uint8_t>(std::countr_zero(bits));
}

inline constexpr uint64_t kFlagsBit = register_bit(kFlagsRegister);
inline constexpr uint64_t kCoreBits = 0xFFFF;

// Describes one instruction that Capstone has decoded.
class Describer {
 public:
  explicit Describer(const cs_insn& insn) : cs_(insn), arm_(insn.detail->arm) {
    d_.address = static_cast<uint32_t>(insn.address);
    d_.size = static_cast<uint8_t>(insn.size);
  }

  Insn describe();

 private:
  bool is_register(int k) const { return k < arm_.op_count && arm_.operands[k].type == ARM_OP_REG; }
  bool is_immediate(int k) const { return k < arm_.op_count && arm_.operands[k].type == ARM_OP_IMM; }
  bool is_shifted(int k) const { return is_register(k) && arm_.operands[k].shift.type != ARM_SFT_INVALID; }
  bool is_double(int k) const {
    return is_register(k) && arm_.operands[k].reg >= ARM_REG_D0 && arm_.operands[k].reg <= ARM_REG_D31;
  }
  bool is_pc(int k) const { return is_register(k) && arm_.operands[k].reg == ARM_REG_PC; }
  uint64_t reg(int k) const { return is_register(k) ? bits_of(arm_.operands[k].reg) : 0; }
  int32_t immediate(int k) const { return arm_.operands[k].imm; }
  /// A constant that the core makes with its shifter: neither a byte nor a repeated pattern.
  bool is_shifted_constant(int k) const {
    if (!is_immediate(k) || cs_.size != 4) return false;
    const uint32_t value = static_cast<uint32_t>(immediate(k));
    return value > 255 && (value >> 16) != (value & 0xFFFF);
  }
  void write(uint64_t registers) { d_.writes |= registers | (arm_.update_flags ? kFlagsBit : 0); }

  void control(Form form, bool always);
  void memory(Form form);
  void data(Form form);
  void alu();
  void note_copy(bool shifted);
  void floating(Form form);
  void fp_move();
  void memory_operand(int k, uint8_t bytes, uint8_t count);
  void multiple(int first, bool store, Operand use);

  const cs_insn& cs_;
  const cs_arm& arm_;
  Insn d_;
};

}  // namespace mote::schedule
