#include <bit>
#include <cstring>

#include "schedule/describer.h"

namespace mote::schedule {

void Describer::memory_operand(int k, uint8_t bytes, uint8_t count) {
  if (k >= arm_.op_count || arm_.operands[k].type != ARM_OP_MEM) return;
  const arm_op_mem& mem = arm_.operands[k].mem;
  d_.add_reads(bits_of(mem.base), Operand::kAddress);
  d_.add_reads(bits_of(mem.index), Operand::kAddress);
  d_.access = {.base = number_of(mem.base),
               .index = mem.index == ARM_REG_INVALID ? kNoRegister : number_of(mem.index),
               .shift = static_cast<uint8_t>(mem.lshift != 0 ? mem.lshift : arm_.operands[k].shift.value),
               .offset = mem.disp,
               .bytes = bytes,
               .count = count,
               .word_aligned = count > 1};
  const bool post = k + 1 < arm_.op_count;
  if (arm_.writeback || post) {
    d_.base_writes = bits_of(mem.base);
    d_.access.writeback = mem.disp;
    if (post) {
      const cs_arm_op& step = arm_.operands[k + 1];
      d_.access.offset = 0;
      d_.access.writeback = is_immediate(k + 1) ? (step.subtracted ? -step.imm : step.imm) : mem.disp;
    }
  }
  if (mem.base != ARM_REG_PC && mem.index == ARM_REG_INVALID) {
    d_.bank = static_cast<int8_t>((d_.access.offset >> 2) & 1);
  }
}

void Describer::multiple(int first, bool store, Operand use) {
  uint64_t registers = 0;
  bool to_pc = false;
  for (int k = first; k < arm_.op_count; ++k) {
    registers |= reg(k);
    to_pc |= is_pc(k);
  }
  const int count = std::popcount(registers) + (to_pc ? 1 : 0);
  const uint64_t base = first == 0 ? register_bit(kSpNumber) : reg(0);
  if (store) {
    d_.add_reads(registers, use);
  } else {
    d_.writes = registers;
  }
  d_.add_reads(base, Operand::kAddress);
  d_.registers = static_cast<uint8_t>(count);
  d_.units |= target::kUnitAlone | (store ? target::kUnitStore : target::kUnitLoad);
  d_.timing = Timing::kMultiple;
  if (to_pc && !store) {
    d_.units |= target::kUnitBranch;
    d_.branch = d_.indirect = true;
  }
  const bool down = cs_.id == ARM_INS_PUSH || cs_.id == ARM_INS_STMDB || cs_.id == ARM_INS_LDMDB ||
                    cs_.id == ARM_INS_VPUSH || cs_.id == ARM_INS_VSTMDB || cs_.id == ARM_INS_VLDMDB;
  const bool writes_back = first == 0 || arm_.writeback;
  d_.access = {.base = static_cast<uint8_t>(base == 0 ? kNoRegister : std::countr_zero(base)),
               .offset = down ? -4 * count : 0,
               .writeback = writes_back ? (down ? -4 * count : 4 * count) : 0,
               .bytes = 4,
               .count = static_cast<uint8_t>(count),
               .word_aligned = true};
  if (writes_back) d_.base_writes = base;
}

void Describer::memory(Form form) {
  const char* letters = cs_.mnemonic;
  const bool byte = std::strchr(letters + 3, 'b') != nullptr, half = std::strchr(letters + 3, 'h') != nullptr;
  const uint8_t bytes = byte ? 1 : half ? 2 : 4;
  switch (form) {
    case Form::kLoadWord:
    case Form::kLoadNarrow:
      d_.units |= target::kUnitLoad;
      d_.result = form == Form::kLoadWord ? Producer::kLoadWord : Producer::kLoadNarrow;
      d_.writes = reg(0);
      memory_operand(1, bytes, 1);
      if (is_pc(0)) {
        d_.units |= target::kUnitBranch | target::kUnitAlone;
        d_.branch = d_.indirect = true;
      }
      d_.access.word_aligned = cs_.id == ARM_INS_LDREX;
      d_.marks = cs_.id == ARM_INS_LDREX || cs_.id == ARM_INS_LDREXB || cs_.id == ARM_INS_LDREXH;
      break;
    case Form::kPreload:
      d_.units |= target::kUnitLoad;
      d_.result = Producer::kLoadNarrow;
      memory_operand(0, 0, 1);
      break;
    case Form::kLoadDouble:
      d_.units |= target::kUnitLoad | target::kUnitAlone;
      d_.result = Producer::kLoadWord;
      d_.timing = Timing::kDouble;
      d_.writes = reg(0) | reg(1);
      memory_operand(2, 4, 2);
      break;
    case Form::kStore:
      d_.units |= target::kUnitStore;
      d_.add_reads(reg(0), Operand::kStore);
      memory_operand(1, bytes, 1);
      break;
    case Form::kStoreDouble:
      d_.units |= target::kUnitStore | target::kUnitAlone;
      d_.timing = Timing::kDouble;
      d_.add_reads(reg(0) | reg(1), Operand::kStore);
      memory_operand(2, 4, 2);
      break;
    case Form::kStoreExclusive:
      d_.units |= target::kUnitStore | target::kUnitAlone;
      d_.timing = Timing::kStoreExclusive;
      d_.writes = reg(0);
      d_.add_reads(reg(1), Operand::kStore);
      memory_operand(2, cs_.id == ARM_INS_STREXB ? 1 : cs_.id == ARM_INS_STREXH ? 2 : 4, 1);
      d_.access.word_aligned = cs_.id == ARM_INS_STREX;
      break;
    case Form::kLoadMultiple:
      d_.result = Producer::kLoadWord;
      multiple(cs_.id == ARM_INS_POP ? 0 : 1, false, Operand::kStore);
      break;
    default:
      multiple(cs_.id == ARM_INS_PUSH ? 0 : 1, true, Operand::kStore);
      break;
  }
}

}  // namespace mote::schedule
