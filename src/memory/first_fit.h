// Plans from an order: each buffer in turn goes to the lowest offset that is free, gaps included.
#pragma once

#include "memory/plan.h"
#include "memory/separation.h"

namespace mote::memory {

/// Offsets when the buffers are placed in `order`: all of them, or some; offsets of others mean nothing.
std::vector<int64_t> first_fit(const Problem& problem, const Separation& separation, const std::vector<int>& order);

/// `buffers`, largest first; equal ones by lifetime, the longest first, and then by beginning.
std::vector<int> largest_first(const Problem& problem, std::vector<int> buffers);

/// The best of the orders that tend to do well: by size, by size times lifetime, by lifetime, by beginning.
std::vector<int> greedy_order(const Problem& problem, const Separation& separation);

/// Improves `order` by seeded random moves until its peak is `goal` or `effort` is spent.
std::vector<int> hill_climb(const Problem& problem, const Separation& separation, std::vector<int> order, int64_t goal,
                            int64_t effort, uint64_t seed);

}  // namespace mote::memory
