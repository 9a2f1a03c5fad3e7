// All the kernels worth considering for one operator when memory is scarce.
#pragma once

#include <string>
#include <vector>

#include "deploy/network.h"

namespace mote::deploy {

struct Candidate {
  Kernel kernel;
  uint64_t cycles = 0;       // measured, or, when not `measured`, more than any measured candidate's
  uint64_t flash_bytes = 0;  // code and constants; when not `measured`, a guess on the large side
  bool measured = false;
};

/// Everything that records know of the workload, the fallback, and of each algorithm the points one knob away from its
/// first point, as far as they need less scratch memory than what was measured. Never empty; the fastest first, and of
/// what was not measured the fallback first, then by scratch memory, since larger blocks tend to be faster.
std::vector<Candidate> candidates_of(const kernels::Workload& workload, const target::Target& target,
                                     const Choose& choose, const std::string& function);

/// The same for a workload that computes `rows` of the `of` rows of another one: the best that records know of that
/// one, the fallback, and the first point of each algorithm. Cycles are that share of the other's, and a call.
std::vector<Candidate> candidates_of_part(const kernels::Workload& part, const kernels::Workload& whole, int64_t rows,
                                          int64_t of, const target::Target& target, const Choose& choose,
                                          const std::string& function);

}  // namespace mote::deploy
