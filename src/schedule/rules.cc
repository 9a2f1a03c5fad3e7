#include "schedule/rules.h"

namespace mote::schedule {
namespace {

bool is_load(Kind kind) {
  return kind == Kind::kLoad || kind == Kind::kLoadNarrow;
}
bool older_slot_only(Kind kind) {
  return kind == Kind::kExtend || kind == Kind::kPack || kind == Kind::kSaturate;
}
bool is_vmov(Kind kind) {
  return kind == Kind::kMoveToCore || kind == Kind::kMoveToFpu;
}

}  // namespace

Rules::Rules(const std::string& pipeline, int load_latency)
    : dual_issue_(pipeline == "m7"), load_latency_(load_latency) {}

int Rules::latency(Kind producer, Role role) const {
  if (!dual_issue_) return 1;
  struct Row {
    int alu, shifted, address, multiply, accumulate, store;
  };
  Row row{1, 2, 2, 1, 0, 0};
  switch (producer) {
    case Kind::kAlu:
    case Kind::kAluShifted:
    case Kind::kShift:
    case Kind::kExtend:
    case Kind::kPack:
    case Kind::kMoveToCore:
    case Kind::kBranch:
      break;
    case Kind::kSaturate:
    case Kind::kMultiply:
    case Kind::kLoadNarrow:
      row = {2, 3, 3, 2, 1, 0};
      break;
    case Kind::kLoad:
      row = {1, 3, 3, 2, 0, 0};
      if (load_latency_ > 2) row = {2, 3, 3, load_latency_, 1, 0};
      break;
    case Kind::kStore:  // only its written-back base
      row = {0, 1, 1, 1, 0, 0};
      break;
    case Kind::kMoveToFpu:
      row = {3, 3, 3, 3, 3, 1};
      break;
  }
  switch (role) {
    case Role::kAlu:
      return row.alu;
    case Role::kShifted:
      return row.shifted;
    case Role::kAddress:
      return row.address;
    case Role::kMultiply:
      return row.multiply;
    case Role::kAccumulate:
      return row.accumulate;
    case Role::kStoreData:
      return row.store;
  }
  return 1;
}

bool Rules::can_pair(Kind older, Kind younger) const {
  if (!dual_issue_ || older_slot_only(younger)) return false;
  if (older == Kind::kMultiply && (younger == Kind::kMultiply || younger == Kind::kStore)) return false;
  if (older == Kind::kStore && (younger == Kind::kMultiply || younger == Kind::kStore)) return false;
  if (is_load(older) && is_load(younger)) return false;  // the banks are not known
  if (younger == Kind::kAluShifted &&
      (older == Kind::kAluShifted || older == Kind::kShift || older == Kind::kPack || older == Kind::kSaturate)) {
    return false;
  }
  if (is_vmov(older) && is_vmov(younger)) return false;
  return !(older == Kind::kBranch && younger == Kind::kBranch);
}

}  // namespace mote::schedule
