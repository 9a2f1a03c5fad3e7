// Buffers in several memories: which goes where, so that all of them fit and what is used most lies where it costs
// least. Each memory is then planned by itself (plan.h).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "memory/plan.h"

namespace mote::memory {

/// A memory that buffers can lie in.
struct Pool {
  int64_t bytes = 0;                // that are free
  std::vector<int64_t> costs = {};  // of each buffer when it lies here, 0 or more; nothing: they all cost nothing
};

struct PoolPlan {
  std::vector<int> pool_of;      // by buffer
  std::vector<int64_t> offsets;  // by buffer, in its pool
  std::vector<int64_t> bytes;    // by pool: what is used of it
  int64_t cost = 0;              // of all buffers
  bool optimal = false;          // proved: nothing costs less
};

/// The cheapest distribution found; where several pools cost the same, earlier ones are filled first. Nothing when none
/// was found that fits. Exact as long as `effort.exact` steps suffice, as with all small problems.
std::optional<PoolPlan> plan_in_pools(const Problem& problem, const std::vector<Pool>& pools,
                                      const Effort& effort = {});

/// The buffers `wanted`, in ascending order, as a problem of their own.
Problem part_of(const Problem& problem, const std::vector<int>& wanted);

}  // namespace mote::memory
