// Modulo scheduling: one loop iteration's instructions are given times such that iterations may start every `interval`
// cycles, and the values they hand each other are given registers. By seeded random search: the loops are small, the
// machine is full, and a schedule is used for as long as the compiler runs.
#pragma once

#include <optional>
#include <vector>

#include "schedule/rules.h"

namespace mote::schedule {

/// A use of another operation's value.
struct ValueUse {
  int value = 0;
  Role role = Role::kAlu;
};

/// One operation of an iteration. Values are numbered 0, 1, 2 ... and each is made by exactly one operation of the same
/// iteration.
struct LoopOp {
  Kind kind = Kind::kAlu;
  int makes = -1;  // value, or -1
  std::vector<ValueUse>
      uses;  // values only: pointers and accumulators are the caller's, who knows that they are never late
};

struct LoopBody {
  std::vector<LoopOp> ops;
  int values = 0;
  /// The operations that make no value (the multiply-accumulates), in runs: the search tries the runs in any order,
  /// each forwards or backwards.
  std::vector<std::vector<int>> runs;
};

struct ModuloSchedule {
  int interval = 0;                         // cycles per iteration
  int unroll = 1;                           // iterations after which registers repeat
  int lookahead = 0;                        // how many cycles before iteration 0 its first operation stands
  std::vector<int> time;                    // per op: cycle, may be negative
  std::vector<bool> younger;                // per op: in the second slot of its cycle
  std::vector<std::vector<int>> registers;  // [value][iteration % unroll] -> 0 .. register_count - 1
  std::vector<int> free_at_boundary;        // registers that hold nothing between two iterations % unroll == 0
};

/// The shortest interval found with at most `register_count` registers; among those, one with a free register between
/// iterations and little look-ahead. Nothing when no interval up to three times the lower bound has one.
std::optional<ModuloSchedule> modulo_schedule(const LoopBody& body, const Rules& rules, int register_count);

}  // namespace mote::schedule
