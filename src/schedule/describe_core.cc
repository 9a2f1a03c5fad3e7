#include "schedule/describer.h"
#include "support/error.h"

namespace mote::schedule {

Insn Describer::describe() {
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
      d_.writes = register_bit(kLrNumber);
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
  if (d_.copied_from == kPcNumber) d_.copied_from = kNoRegister;
}

}  // namespace mote::schedule
