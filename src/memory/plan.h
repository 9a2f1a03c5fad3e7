// Static memory planning: buffers with sizes and lifetimes in, offsets in one arena out. Knows no graph and no
// operator.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memory/proof.h"

namespace mote::memory {

/// `size` bytes that are needed from step `first` to step `last`, both included, at an offset that is a multiple of
/// `align`.
struct Buffer {
  int64_t size = 0;
  int64_t align = 1;
  int first = 0, last = 0;
};

/// Two buffers that may share bytes although they live at the same time, because one is written behind the place where
/// the other is still read: it is enough that `upper` begins `distance` or more bytes above the beginning of `lower`
/// (0: they may begin together). `upper` is what is read, `lower` what is written.
struct Overlap {
  int upper = 0, lower = 0;
  int64_t distance = 0;
};

struct Problem {
  std::vector<Buffer> buffers;
  std::vector<Overlap> overlaps;
};

/// How much work to put in; counted in steps of the search, not in time, so that the plan is the same on every machine.
struct Effort {
  int64_t hill_climbing = 40'000'000;
  int64_t exact = 100'000'000;
  uint64_t seed = 1;
};

struct Plan {
  std::vector<int64_t> offsets;   // one per buffer
  int64_t peak_bytes = 0;         // the arena's size
  int64_t lower_bound_bytes = 0;  // no plan can have a smaller peak: the peak itself when `optimal`
  bool optimal = false;           // proved
  Proof proof = {};               // of the lower bound
};

/// The best plan found: greedy, then hill climbing, then branch and bound until it is proved or the effort is spent.
Plan plan(const Problem& problem, const Effort& effort = {});

/// What is wrong with `offsets` as a plan for `problem`: overlaps, misalignment; empty when it is right.
std::vector<std::string> violations(const Problem& problem, const std::vector<int64_t>& offsets);

}  // namespace mote::memory
