#include <capstone/capstone.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

#include "schedule/decode_forms.h"
#include "schedule/insn.h"
#include "support/error.h"

namespace mote::schedule {
namespace {

using target::Operand;
using target::Producer;
using target::Timing;

constexpr unsigned kSp = 13, kLr = 14, kPc = 15;

uint64_t bits_of(unsigned reg) {
  if (reg >= ARM_REG_R0 && reg <= ARM_REG_R12) return register_bit(reg - ARM_REG_R0);
  if (reg == ARM_REG_SP) return register_bit(kSp);
  if (reg == ARM_REG_LR) return register_bit(kLr);
  if (reg >= ARM_REG_S0 && reg <= ARM_REG_S31) return register_bit(kFirstFp + reg - ARM_REG_S0);
  if (reg >= ARM_REG_D0 && reg <= ARM_REG_D15) return uint64_t{3} << (kFirstFp + 2 * (reg - ARM_REG_D0));
  return 0;
}

uint8_t number_of(unsigned reg) {
  if (reg == ARM_REG_PC) return kPc;
  const uint64_t bits = bits_of(reg);
  return bits == 0 ? kNoRegister : static_cast<uint8_t>(std::countr_zero(bits));
}

constexpr uint64_t kFlagsBit = register_bit(kFlagsRegister);
constexpr uint64_t kCoreBits = 0xFFFF;

// Describes one instruction that Capstone has decoded.
class Describer {
 public:
  explicit Describer(const cs_insn& insn) : cs_(insn), arm_(insn.detail->arm) {
    d_.address = static_cast<uint32_t>(insn.address);
    d_.size = static_cast<uint8_t>(insn.size);
  }

  Insn describe() {
    const Form form = form_of(cs_);
    const bool always = arm_.cc == ARM_CC_AL || arm_.cc == ARM_CC_INVALID;
    if (!always && form != Form::kBranch) {
      d_.add_read(kFlagsRegister, Operand::kAlu);
      d_.conditional = true;
    }
    if (form >= Form::kFpLoad) {
      floating(form);
    } else if (form >= Form::kCompare) {
      data(form);
    } else if (form >= Form::kLoadWord) {
      memory(form);
    } else {
      control(form, always);
    }
    return d_;
  }

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

void Describer::control(Form form, bool always) {
  d_.units |= form == Form::kNop || form == Form::kIt || form == Form::kAlu ? 0u : uint32_t{target::kUnitBranch};
  for (int k = 0; k < arm_.op_count; ++k) {
    if (is_immediate(k)) d_.branch_target = static_cast<uint32_t>(immediate(k));
  }
  d_.branch = (d_.units & target::kUnitBranch) != 0;
  switch (form) {
    case Form::kNop:
      d_.nop = true;
      break;
    case Form::kIt:
      d_.it = true;
      break;
    case Form::kBranch:
      d_.conditional = !always;
      break;
    case Form::kCall:
    case Form::kCallRegister:
      d_.call = true;
      d_.writes = register_bit(kLr);
      break;
    case Form::kCompareBranch:
      d_.conditional = true;
      d_.add_reads(reg(0), Operand::kAlu);
      break;
    case Form::kTableBranch:
      d_.units |= target::kUnitLoad | target::kUnitAlone;
      d_.timing = Timing::kTableBranch;
      d_.indirect = true;
      memory_operand(0, cs_.id == ARM_INS_TBB ? 1 : 2, 1);
      break;
    case Form::kAlu:
      alu();
      break;
    default:
      break;
  }
  if (form == Form::kBranchRegister || form == Form::kCallRegister) {
    d_.indirect = true;
    d_.add_reads(reg(0), Operand::kAddress);
  }
}

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
  const uint64_t base = first == 0 ? register_bit(kSp) : reg(0);
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

void Describer::data(Form form) {
  switch (form) {
    case Form::kCompare:
      d_.add_reads(reg(0), Operand::kAlu);
      d_.add_reads(reg(1), is_shifted(1) ? Operand::kShifted : Operand::kAlu);
      d_.writes = kFlagsBit;
      if (is_shifted(1) || is_shifted_constant(1)) d_.units |= target::kUnitInlineShift;
      return;
    case Form::kMultiply:
      d_.add_reads(arm_.op_count == 2 ? reg(0) | reg(1) : reg(1) | reg(2), Operand::kMultiply);
      break;
    case Form::kMultiplyAdd:
      d_.add_reads(reg(1) | reg(2), Operand::kMultiply);
      d_.add_reads(reg(3), Operand::kAccumulate);
      break;
    case Form::kMultiplyLong:
    case Form::kMultiplyAddLong:
      d_.add_reads(reg(2) | reg(3), Operand::kMultiply);
      if (form == Form::kMultiplyAddLong) d_.add_reads(reg(0) | reg(1), Operand::kAccumulate);
      d_.writes = reg(1);
      break;
    case Form::kDivide:
      d_.units |= target::kUnitAlone;
      d_.timing = Timing::kDivide;
      d_.result = Producer::kDivide;
      d_.divide = true;
      d_.add_reads(arm_.op_count == 2 ? reg(0) | reg(1) : reg(1) | reg(2), Operand::kAlu);
      break;
    case Form::kExtend:
    case Form::kCountZeros:
      d_.add_reads(reg(1), Operand::kAlu);
      break;
    case Form::kExtendAdd:
    case Form::kPackBottom:
      d_.add_reads(reg(1), Operand::kAlu);
      d_.add_reads(reg(2), Operand::kShifted);
      break;
    case Form::kPackTop:
      d_.add_reads(reg(1) | reg(2), Operand::kShifted);
      break;
    case Form::kInsert:
      d_.add_reads(reg(0), Operand::kAlu);
      d_.add_reads(reg(1), Operand::kShifted);
      break;
    case Form::kClear:
      d_.add_reads(reg(0), Operand::kAlu);
      break;
    case Form::kExtract:
      d_.add_reads(reg(1), Operand::kShifted);
      break;
    case Form::kReverse:
      d_.result = Producer::kReverse;
      d_.add_reads(reg(1), Operand::kShifted);
      break;
    case Form::kSaturate:
      d_.result = Producer::kSaturate;
      d_.add_reads(reg(arm_.op_count > 2 ? 2 : 1), Operand::kShifted);
      break;
    case Form::kSaturatingPair:
      d_.result = Producer::kSaturate;
      d_.add_reads(reg(1) | reg(2), Operand::kAlu);
      break;
    case Form::kParallel:
      d_.add_reads(reg(1) | reg(2), Operand::kAlu);
      break;
    case Form::kShift:
      d_.units |= target::kUnitShift;
      d_.early = true;
      d_.add_reads(arm_.op_count == 2 ? reg(0) | reg(1) : reg(1) | reg(2), Operand::kAlu);
      break;
    case Form::kMoveTop:
      d_.add_reads(reg(0), Operand::kAlu);
      break;
    case Form::kSystem:
    case Form::kMoveFromSystem:
      d_.units |= target::kUnitAlone;
      d_.timing = Timing::kSystem;
      if (form == Form::kMoveFromSystem) d_.writes = reg(0);
      return;
    default:
      unreachable("a data form without a description");
  }
  if (form >= Form::kMultiply && form <= Form::kMultiplyAddLong) {
    d_.units |= target::kUnitMac;
    d_.result = Producer::kMultiply;
  } else if (form >= Form::kExtend && form <= Form::kParallel) {
    d_.units |= target::kUnitDsp;
    const bool whole =
        form == Form::kExtend || form == Form::kCountZeros || form == Form::kSaturatingPair || form == Form::kParallel;
    if (!whole) d_.units |= target::kUnitBitfield;
  }
  write(reg(0));
}

void Describer::alu() {
  const bool writes_only =
      cs_.id == ARM_INS_MOV || cs_.id == ARM_INS_MOVW || cs_.id == ARM_INS_MVN || cs_.id == ARM_INS_ADR;
  const bool plain_constant = cs_.id == ARM_INS_MOVW || cs_.id == ARM_INS_ADDW || cs_.id == ARM_INS_SUBW;
  write(reg(0));
  if (arm_.op_count == 2 && !writes_only) d_.add_reads(reg(0), Operand::kAlu);
  bool shifted = false;
  for (int k = 1; k < arm_.op_count; ++k) {
    // A register shifted by a move is a plain shift, not an operand shifted on the way.
    const bool on_the_way = is_shifted(k) && cs_.id != ARM_INS_MOV;
    d_.add_reads(reg(k), on_the_way ? Operand::kShifted : Operand::kAlu);
    shifted |= is_shifted(k) || (!plain_constant && is_shifted_constant(k));
  }
  if (cs_.id == ARM_INS_ADC || cs_.id == ARM_INS_SBC) d_.add_read(kFlagsRegister, Operand::kAlu);
  if (cs_.id == ARM_INS_MOV && shifted && is_register(1)) {
    d_.units |= target::kUnitShift;
    d_.early = true;
    return;
  }
  if (cs_.id == ARM_INS_MVN && is_immediate(1)) shifted = false;
  if (shifted) d_.units |= target::kUnitInlineShift;
  const bool add = cs_.id == ARM_INS_ADD || cs_.id == ARM_INS_SUB || cs_.id == ARM_INS_ADDW || cs_.id == ARM_INS_SUBW ||
                   cs_.id == ARM_INS_MOV || cs_.id == ARM_INS_MOVW || cs_.id == ARM_INS_ADR;
  d_.early = add && !shifted;
  if (is_pc(0)) {
    d_.units |= target::kUnitBranch;
    d_.branch = d_.indirect = true;
  }
  note_copy(shifted);
}

void Describer::note_copy(bool shifted) {
  const bool plus = cs_.id == ARM_INS_ADD || cs_.id == ARM_INS_ADDW;
  const bool minus = cs_.id == ARM_INS_SUB || cs_.id == ARM_INS_SUBW;
  const int last = arm_.op_count - 1;
  if ((plus || minus) && last >= 1 && is_immediate(last) && is_register(last - 1)) {
    d_.copied_from = number_of(arm_.operands[last - 1].reg);
    d_.copy_offset = plus ? immediate(last) : -immediate(last);
  } else if (cs_.id == ARM_INS_MOV && is_register(1) && !shifted) {
    d_.copied_from = number_of(arm_.operands[1].reg);
  }
  if (d_.copied_from == kPc) d_.copied_from = kNoRegister;
}

void Describer::floating(Form form) {
  const bool wide = std::strstr(cs_.mnemonic, ".f64") != nullptr;
  d_.floating = true;
  d_.units |= target::kUnitFpu;
  d_.result = Producer::kFpAdd;
  const Operand add = Operand::kFpAdd;
  switch (form) {
    case Form::kFpLoad:
    case Form::kFpStore: {
      const bool load = form == Form::kFpLoad;
      d_.units = load ? target::kUnitLoad : target::kUnitStore;
      d_.timing = is_double(0) ? Timing::kDouble : Timing::kFpMemory;
      if (is_double(0)) d_.units |= target::kUnitAlone;
      if (load) {
        d_.result = Producer::kFpLoad;
        d_.writes = reg(0);
      } else {
        d_.add_reads(reg(0), Operand::kFpStore);
      }
      memory_operand(1, 4, is_double(0) ? 2 : 1);
      d_.access.word_aligned = true;
      break;
    }
    case Form::kFpLoadMultiple:
      d_.units = 0;
      d_.result = Producer::kFpLoad;
      multiple(cs_.id == ARM_INS_VPOP ? 0 : 1, false, Operand::kFpStore);
      break;
    case Form::kFpStoreMultiple:
      d_.units = 0;
      multiple(cs_.id == ARM_INS_VPUSH ? 0 : 1, true, Operand::kFpStore);
      break;
    case Form::kFpFused:
    case Form::kFpChained:
      d_.result = form == Form::kFpFused ? Producer::kFpFused : Producer::kFpChained;
      d_.timing = wide ? Timing::kFpFusedDouble : Timing::kFpFused;
      if (wide) d_.units |= target::kUnitAlone;
      d_.writes = reg(0);
      d_.add_reads(reg(0), Operand::kFpAccumulate);
      d_.add_reads(reg(1) | reg(2), Operand::kFpMultiply);
      break;
    case Form::kFpCompare:
      d_.add_reads(reg(0) | reg(1), add);
      break;
    case Form::kFpStatus:
      d_.units |= target::kUnitAlone;
      d_.result = Producer::kAlu;
      d_.writes = kFlagsBit | reg(0);
      break;
    case Form::kFpDivide:
    case Form::kFpSqrt:
      d_.units |= target::kUnitAlone;
      d_.timing = wide ? Timing::kFpDivideDouble : form == Form::kFpDivide ? Timing::kFpDivide : Timing::kFpSqrt;
      d_.writes = reg(0);
      d_.add_reads(form == Form::kFpSqrt ? reg(1) : reg(1) | reg(2), add);
      break;
    case Form::kFpMove:
      fp_move();
      break;
    default:
      d_.writes = reg(0);
      if (arm_.op_count == 1) d_.add_reads(reg(0), add);
      for (int k = 1; k < arm_.op_count; ++k) d_.add_reads(reg(k), add);
      if (wide && form == Form::kFpMultiply) {
        d_.units |= target::kUnitAlone;
        d_.timing = Timing::kFpMultiplyDouble;
      }
      break;
  }
}

void Describer::fp_move() {
  const bool to_core = (reg(0) & kCoreBits) != 0;
  d_.writes = reg(0);
  if (arm_.op_count == 2) {
    if (!is_register(1)) return;
    const bool from_core = (reg(1) & kCoreBits) != 0;
    d_.result = to_core ? Producer::kFpToCore : from_core ? Producer::kCoreToFp : Producer::kFpAdd;
    d_.add_reads(reg(1), from_core ? Operand::kAlu : Operand::kFpMove);
    return;
  }
  // Two core registers and a pair (or a double), one way or the other.
  d_.units |= target::kUnitAlone;
  d_.timing = Timing::kFpMovePair;
  const bool pair_is_double = arm_.op_count == 3;
  if (to_core) {
    d_.writes |= reg(1);
    d_.result = Producer::kFpToCore;
    d_.add_reads(reg(2) | reg(3), Operand::kFpMove);
  } else {
    if (!pair_is_double) d_.writes |= reg(1);
    d_.result = Producer::kCoreToFp;
    d_.add_reads(pair_is_double ? reg(1) | reg(2) : reg(2) | reg(3), Operand::kAlu);
  }
}

class Disassembler {
 public:
  Disassembler() {
    const cs_mode mode = static_cast<cs_mode>(CS_MODE_THUMB | CS_MODE_MCLASS);
    check(cs_open(CS_ARCH_ARM, mode, &handle_) == CS_ERR_OK, "Capstone has no Arm");
    cs_option(handle_, CS_OPT_DETAIL, CS_OPT_ON);
    insn_ = cs_malloc(handle_);
  }
  ~Disassembler() {
    cs_free(insn_, 1);
    cs_close(&handle_);
  }
  Disassembler(const Disassembler&) = delete;
  Disassembler& operator=(const Disassembler&) = delete;

  /// The instruction at the front of `code`, which is then consumed; nullptr when it is none Capstone knows.
  const cs_insn* next(uint32_t& address, std::span<const std::byte>& code) {
    const uint8_t* at = reinterpret_cast<const uint8_t*>(code.data());
    size_t left = code.size();
    uint64_t pc = address;
    if (!cs_disasm_iter(handle_, &at, &left, &pc, insn_)) return nullptr;
    code = code.subspan(code.size() - left);
    address = static_cast<uint32_t>(pc);
    return insn_;
  }

 private:
  csh handle_ = 0;
  cs_insn* insn_ = nullptr;
};

Disassembler& disassembler() {
  static thread_local Disassembler instance;
  return instance;
}

uint16_t halfword(std::span<const std::byte> code) {
  uint16_t value = 0;
  std::memcpy(&value, code.data(), sizeof value);
  return value;
}

}  // namespace

std::vector<Insn> decode(uint32_t address, std::span<const std::byte> code) {
  std::vector<Insn> insns;
  while (code.size() >= 2) {
    const size_t size = std::min<size_t>(code.size(), thumb_size(halfword(code)));
    if (const cs_insn* insn = disassembler().next(address, code)) {
      insns.push_back(Describer(*insn).describe());
      continue;
    }
    Insn unknown;
    unknown.address = address;
    unknown.size = static_cast<uint8_t>(size);
    insns.push_back(unknown);
    code = code.subspan(size);
    address += static_cast<uint32_t>(size);
  }
  return insns;
}

std::string disassemble(uint32_t address, std::span<const std::byte> code) {
  const cs_insn* insn = code.size() < 2 ? nullptr : disassembler().next(address, code);
  if (insn == nullptr) return "<undefined>";
  std::string text = insn->mnemonic;
  return insn->op_str[0] == '\0' ? text : text + " " + insn->op_str;
}

}  // namespace mote::schedule
