// All the kernels worth considering for one operator when memory is scarce.
#pragma once

#include <string>
#include <vector>

#include "deploy/code_size.h"
#include "deploy/network.h"

namespace mote::deploy {

struct Candidate {
  Kernel kernel;
  uint64_t cycles = 0;  // measured, or, when not `measured`, more than any measured candidate's
  bool measured = false;
  std::vector<Piece> pieces = {};  // its code and constants
};

/// What the candidates are for: kSmallCode adds, of what records know and of the fallback, forms with less unrolling
/// (the knob "code_budget"), and of each algorithm the point with all knobs at their least.
enum class Offer : uint8_t { kUsual, kSmallCode };

/// Everything that records know of the workload, the fallback, and of each algorithm the points one knob away from its
/// first point, as far as they need less scratch memory than what was measured. Never empty; the fastest first, and of
/// what was not measured the fallback first, then by scratch memory, since larger blocks tend to be faster.
std::vector<Candidate> candidates_of(const kernels::Workload& workload, const target::Target& target,
                                     const Choose& choose, const std::string& function, Offer offer);

/// The same for a workload that computes `positions` of the `of` positions of another one: the best that records know
/// of that one, the fallback, and the first point of each algorithm. Cycles are that share of the other's, and a call.
std::vector<Candidate> candidates_of_part(const kernels::Workload& part, const kernels::Workload& whole,
                                          int64_t positions, int64_t of, const target::Target& target,
                                          const Choose& choose, const std::string& function, Offer offer);

}  // namespace mote::deploy
