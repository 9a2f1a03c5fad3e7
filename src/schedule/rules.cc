#include "schedule/rules.h"

#include <algorithm>

#include "support/error.h"

namespace mote::schedule {
namespace {

target::Producer producer_of(Kind kind) {
  switch (kind) {
    case Kind::kAlu:
    case Kind::kAluShifted:
    case Kind::kShift:
    case Kind::kExtend:
    case Kind::kPack:
    case Kind::kBranch:
      return target::Producer::kAlu;
    case Kind::kSaturate:
      return target::Producer::kSaturate;
    case Kind::kMultiply:
      return target::Producer::kMultiply;
    case Kind::kLoad:
      return target::Producer::kLoadWord;
    case Kind::kLoadNarrow:
      return target::Producer::kLoadNarrow;
    case Kind::kStore:
      return target::Producer::kWriteback;
    case Kind::kMoveToCore:
      return target::Producer::kFpToCore;
    case Kind::kMoveToFpu:
      return target::Producer::kCoreToFp;
    case Kind::kFpAdd:
    case Kind::kFpMultiply:
      return target::Producer::kFpAdd;
    case Kind::kFpFused:
      return target::Producer::kFpFused;
    case Kind::kFpLoad:
    case Kind::kFpLoadMultiple:
      return target::Producer::kFpLoad;
    case Kind::kFpStoreMultiple:
      return target::Producer::kWriteback;
  }
  unreachable("a kind of instruction");
}

target::Operand operand_of(Role role) {
  switch (role) {
    case Role::kAlu:
      return target::Operand::kAlu;
    case Role::kShifted:
      return target::Operand::kShifted;
    case Role::kAddress:
      return target::Operand::kAddress;
    case Role::kMultiply:
      return target::Operand::kMultiply;
    case Role::kAccumulate:
      return target::Operand::kAccumulate;
    case Role::kStoreData:
      return target::Operand::kStore;
    case Role::kFpAdd:
      return target::Operand::kFpAdd;
    case Role::kFpMultiply:
      return target::Operand::kFpMultiply;
    case Role::kFpAccumulate:
      return target::Operand::kFpAccumulate;
    case Role::kFpStoreData:
      return target::Operand::kFpStore;
  }
  unreachable("a role");
}

uint32_t units_of(Kind kind) {
  switch (kind) {
    case Kind::kAlu:
      return 0;
    case Kind::kAluShifted:
      return target::kUnitInlineShift;
    case Kind::kShift:
      return target::kUnitShift;
    case Kind::kExtend:
      return target::kUnitDsp;
    case Kind::kPack:
    case Kind::kSaturate:
      return target::kUnitDsp | target::kUnitBitfield;
    case Kind::kMultiply:
      return target::kUnitMac;
    case Kind::kLoad:
    case Kind::kLoadNarrow:
      return target::kUnitLoad;
    case Kind::kStore:
      return target::kUnitStore;
    case Kind::kMoveToCore:
    case Kind::kMoveToFpu:
      return target::kUnitFpu;
    case Kind::kBranch:
      return target::kUnitBranch;
    case Kind::kFpAdd:
    case Kind::kFpMultiply:
    case Kind::kFpFused:
      return target::kUnitFpu;
    case Kind::kFpLoad:
      return target::kUnitLoad;
    case Kind::kFpLoadMultiple:
      return target::kUnitLoad | target::kUnitAlone;
    case Kind::kFpStoreMultiple:
      return target::kUnitStore | target::kUnitAlone;
  }
  unreachable("a kind of instruction");
}

}  // namespace

Rules::Rules(const std::string& pipeline, int load_latency)
    : pipeline_(pipeline.empty() ? target::Pipeline{} : target::load_pipeline(pipeline)), load_latency_(load_latency) {
  for (size_t older = 0; older < kKinds; ++older) {
    for (size_t younger = 0; younger < kKinds; ++younger) {
      pairs_[older][younger] = may_pair(static_cast<Kind>(older), static_cast<Kind>(younger));
    }
  }
}

int Rules::latency(Kind producer, Role role) const {
  if (!dual_issue()) return 1;
  const int cycles =
      pipeline_.latency[static_cast<size_t>(producer_of(producer))][static_cast<size_t>(operand_of(role))];
  if (producer != Kind::kLoad || load_latency_ == 0) return cycles;
  // Another distance to a multiply moves the other uses with it.
  const int table =
      pipeline_
          .latency[static_cast<size_t>(target::Producer::kLoadWord)][static_cast<size_t>(target::Operand::kMultiply)];
  return std::max(0, cycles + load_latency_ - table);
}

int Rules::issue_cycles(Kind kind) const {
  const target::Timing timing = kind == Kind::kFpFused ? target::Timing::kFpFused : target::Timing::kPlain;
  return std::max<int>(1, pipeline_.cycles[static_cast<size_t>(timing)]);
}

bool Rules::may_pair(Kind older, Kind younger) const {
  if (!dual_issue()) return false;
  const uint32_t a = units_of(older) | target::kUnitAny, b = units_of(younger) | target::kUnitAny;
  // Two loads conflict when they meet in a bank, and where they will be is not known here.
  if (pipeline_.bank_bytes != 0 && (a & target::kUnitLoad) && (b & target::kUnitLoad)) return false;
  return std::none_of(
      pipeline_.conflicts.begin(), pipeline_.conflicts.end(),
      [&](const target::Pipeline::Conflict& conflict) { return (a & conflict.older) && (b & conflict.younger); });
}

}  // namespace mote::schedule
