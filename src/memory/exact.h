// Branch and bound: the least peak of all plans, with a proof; or at least a proof of how low it cannot go.
#pragma once

#include "memory/plan.h"
#include "memory/proof.h"
#include "memory/separation.h"

namespace mote::memory {

/// No plan has a smaller peak: what lives at one step has to fit. A proof of one leaf.
Proof lower_bound(const Problem& problem, const Separation& separation);

/// What branch and bound found out.
struct Exact {
  std::vector<int64_t> offsets;  // a plan with a peak below the given one; empty when there is none or none was found
  Proof proof;                   // that nothing is below the peak of `offsets`, or the given one; without nodes when
                                 // the effort did not suffice
};

/// Looks for plans with a peak below `peak`, for no more than `effort` steps.
Exact search_exact(const Problem& problem, const Separation& separation, int64_t peak, int64_t effort);

}  // namespace mote::memory
