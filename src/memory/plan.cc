#include "memory/plan.h"

#include <fmt/format.h>

#include "memory/exact.h"
#include "memory/first_fit.h"
#include "memory/separation.h"

namespace mote::memory {

Plan plan(const Problem& problem, const Effort& effort) {
  const Separation separation(problem);
  Plan best;
  best.proof = lower_bound(problem, separation);
  const std::vector<int> order = hill_climb(problem, separation, greedy_order(problem, separation), best.proof.bound,
                                            effort.hill_climbing, effort.seed);
  best.offsets = first_fit(problem, separation, order);
  best.peak_bytes = peak_of(problem, best.offsets);
  if (best.peak_bytes > best.proof.bound) {
    Exact exact = search_exact(problem, separation, best.peak_bytes, effort.exact);
    if (!exact.offsets.empty()) {
      best.offsets = std::move(exact.offsets);
      best.peak_bytes = peak_of(problem, best.offsets);
    }
    if (!exact.proof.nodes.empty()) best.proof = std::move(exact.proof);
  }
  best.lower_bound_bytes = best.proof.bound;
  best.optimal = best.peak_bytes == best.lower_bound_bytes;
  return best;
}

std::vector<std::string> violations(const Problem& problem, const std::vector<int64_t>& offsets) {
  std::vector<std::string> found;
  const size_t n = problem.buffers.size();
  if (offsets.size() != n) return {fmt::format("{} offsets for {} buffers", offsets.size(), n)};
  for (size_t i = 0; i < n; ++i) {
    const Buffer& buffer = problem.buffers[i];
    if (offsets[i] < 0 || offsets[i] % buffer.align != 0) {
      found.push_back(fmt::format("buffer {} at {} is not aligned to {}", i, offsets[i], buffer.align));
    }
  }
  const Separation separation(problem);
  for (size_t i = 0; i < n; ++i) {
    for (const int neighbour : separation.neighbours(static_cast<int>(i))) {
      const size_t j = static_cast<size_t>(neighbour);
      if (j < i) continue;
      const int64_t above = offsets[j] - offsets[i];  // of j, above i
      if (above >= separation.distance(static_cast<int>(i), neighbour)) continue;
      if (-above >= separation.distance(neighbour, static_cast<int>(i))) continue;
      found.push_back(fmt::format("buffers {} at {} and {} at {} overlap", i, offsets[i], j, offsets[j]));
    }
  }
  return found;
}

}  // namespace mote::memory
