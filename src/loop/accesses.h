// What a program reads and writes, with all names resolved: for analyses that run through every iteration.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "loop/ir.h"

namespace mote::loop {

/// An affine index whose variables are numbers of slots.
struct SlotIndex {
  int64_t constant = 0;
  std::vector<std::pair<int, int64_t>> terms;  // slot, factor
};

/// A load, a store, or the address an Invoke passes.
struct Access {
  int buffer = 0;  // of Program::buffers
  int64_t bytes = 0;
  /// The first byte from the buffer's beginning, when every index always stays inside the shape (and of addresses,
  /// always): then `index` is empty.
  SlotIndex offset;
  /// One index for each dimension otherwise; what leaves the shape is not accessed, or, when `outside` is false, was
  /// excluded by a condition.
  std::vector<SlotIndex> index;
  bool outside = false;
};

struct Argument {
  bool is_address = false;
  Access address;  // with bytes = 0
  SlotIndex number;
};

/// A statement, of which only the accesses to buffers of interest are left.
struct AccessNode {
  enum class Kind : uint8_t {
    kReads,  // `reads`, all in one moment, with every variable of `all_of` over all of its range
    kStore,  // `reads`, then `writes` (which may be empty)
    kLoop,   // `body`, with `slot` from 0 to `extent` - 1
    kCall,   // of `call`'s function
  };
  Kind kind = Kind::kReads;
  std::vector<Access> reads, writes;
  std::vector<int> all_of;
  int slot = 0;
  int64_t extent = 0;
  std::vector<AccessNode> body;
  const Function* function = nullptr;  // null: not known
  std::vector<Argument> arguments;
};

struct AccessProgram {
  std::vector<AccessNode> body;
  std::vector<int64_t> extents;  // by slot
};

/// The accesses of `program` to the buffers with `wanted[i]`, in order. A loop that stores to none of them is one read.
/// Conditions are taken to be true. Points into `program`.
AccessProgram accesses_of(const Program& program, const std::vector<bool>& wanted);

}  // namespace mote::loop
