// Which kind of description an instruction gets: one table from Capstone's instruction numbers to a few forms.
#pragma once

#include <capstone/capstone.h>

#include <cstdint>

namespace mote::schedule {

enum class Form : uint8_t {
  kAlu,  // what is not named below
  kNop,
  kIt,
  kBranch,
  kCall,
  kBranchRegister,
  kCallRegister,
  kCompareBranch,
  kTableBranch,
  kLoadWord,
  kLoadNarrow,
  kPreload,
  kLoadDouble,
  kLoadMultiple,
  kStore,
  kStoreDouble,
  kStoreMultiple,
  kStoreExclusive,
  kCompare,
  kMultiply,
  kMultiplyAdd,
  kMultiplyLong,
  kMultiplyAddLong,
  kDivide,
  kExtend,
  kExtendAdd,
  kPackBottom,
  kPackTop,
  kInsert,
  kClear,
  kExtract,
  kReverse,
  kCountZeros,
  kSaturate,
  kSaturatingPair,
  kParallel,
  kShift,
  kMoveTop,
  kSystem,
  kMoveFromSystem,
  kFpLoad,
  kFpStore,
  kFpLoadMultiple,
  kFpStoreMultiple,
  kFpFused,
  kFpChained,
  kFpCompare,
  kFpStatus,
  kFpDivide,
  kFpSqrt,
  kFpMove,
  kFpMultiply,
  kFp  // every other floating-point instruction
};

Form form_of(const cs_insn& insn);

}  // namespace mote::schedule
