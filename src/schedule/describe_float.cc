#include <cstring>

#include "schedule/describer.h"

namespace mote::schedule {

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
      d_.to_nearest = cs_.id == ARM_INS_VCVT && is_immediate(arm_.op_count - 1) &&
                      (std::strstr(cs_.mnemonic, ".f32.") != nullptr || std::strstr(cs_.mnemonic, ".f64.") != nullptr);
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

}  // namespace mote::schedule
