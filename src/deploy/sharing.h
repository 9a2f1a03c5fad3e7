// How closely a kernel's operands may share memory.
#pragma once

#include <cstdint>
#include <vector>

#include "loop/ir.h"

namespace mote::deploy {

/// What a kernel's memory is for: its inputs are 0, 1, ... in the order of its parameters.
inline constexpr int kOutput = -1, kScratch = -2;

struct Sharing {
  /// `upper` may lie over `lower` when it begins `distance` or more bytes above lower's beginning, once this operator
  /// is the last to want it (an input) or the first (the output).
  struct Pair {
    int upper = 0, lower = 0;
    int64_t distance = 0;
  };
  std::vector<Pair> pairs;     // those that gain something
  std::vector<bool> in_place;  // by input: the output may begin where it begins
};

/// From an analysis of all of the program's accesses (loop/access.h).
Sharing sharing_of(const loop::Program& program);

/// What a kernel means to a memory plan.
struct Footprint {
  int64_t scratch_bytes = 0, alignment = 1;
  Sharing sharing = {};
};

Footprint footprint_of(const loop::Program& program);

}  // namespace mote::deploy
