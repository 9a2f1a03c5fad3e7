#include "memory/separation.h"

#include <algorithm>
#include <numeric>

#include "support/error.h"

namespace mote::memory {

Separation::Separation(const Problem& problem) : neighbours_(problem.buffers.size()) {
  const size_t n = problem.buffers.size();
  distance_.assign(n * n, 0);
  for (size_t i = 0; i < n; ++i) {
    const Buffer& a = problem.buffers[i];
    check(a.size >= 0 && a.align > 0 && a.first <= a.last, "a buffer has a negative size or lifetime");
    for (size_t j = 0; j < n; ++j) {
      const Buffer& b = problem.buffers[j];
      if (i == j || a.size == 0 || b.size == 0 || a.last < b.first || b.last < a.first) continue;
      neighbours_[i].push_back(static_cast<int>(j));
      distance_[i * n + j] = a.size;
    }
  }
  for (const Overlap& overlap : problem.overlaps) {
    int64_t& distance = distance_.at(static_cast<size_t>(overlap.lower) * n + static_cast<size_t>(overlap.upper));
    distance = std::min(distance, std::max<int64_t>(overlap.distance, 0));
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      const int64_t common = std::gcd(problem.buffers[i].align, problem.buffers[j].align);
      distance_[i * n + j] = align_up(distance_[i * n + j], common);
    }
  }
}

int64_t peak_of(const Problem& problem, const std::vector<int64_t>& offsets) {
  int64_t peak = 0;
  for (size_t i = 0; i < offsets.size(); ++i) peak = std::max(peak, offsets[i] + problem.buffers[i].size);
  return peak;
}

}  // namespace mote::memory
