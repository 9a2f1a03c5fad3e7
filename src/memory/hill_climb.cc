#include <algorithm>

#include "memory/first_fit.h"
#include "support/random.h"

namespace mote::memory {
namespace {

/// Positions in `order` of the buffers that reach the peak.
std::vector<size_t> at_the_peak(const Problem& problem, const std::vector<int>& order,
                                const std::vector<int64_t>& offsets, int64_t peak) {
  std::vector<size_t> positions;
  for (size_t k = 0; k < order.size(); ++k) {
    const size_t i = static_cast<size_t>(order[k]);
    if (offsets[i] + problem.buffers[i].size == peak) positions.push_back(k);
  }
  return positions;
}

/// Half of the moves place a buffer that reaches the peak earlier, the others swap two at random.
void move(std::vector<int>& order, const std::vector<size_t>& peaks, Random& random) {
  if (random.below(2) == 0) {
    const size_t from = peaks[random.below(peaks.size())];
    const size_t to = random.below(from + 1);
    std::rotate(order.begin() + static_cast<std::ptrdiff_t>(to), order.begin() + static_cast<std::ptrdiff_t>(from),
                order.begin() + static_cast<std::ptrdiff_t>(from) + 1);
  } else {
    std::swap(order[random.below(order.size())], order[random.below(order.size())]);
  }
}

}  // namespace

std::vector<int> hill_climb(const Problem& problem, const Separation& separation, std::vector<int> order, int64_t goal,
                            int64_t effort, uint64_t seed) {
  if (order.empty()) return order;
  int64_t pairs = 1;  // what one placement of all buffers costs
  for (size_t i = 0; i < separation.size(); ++i) {
    pairs += 1 + static_cast<int64_t>(separation.neighbours(static_cast<int>(i)).size());
  }
  Random random(seed);
  std::vector<int64_t> offsets = first_fit(problem, separation, order);
  int64_t peak = peak_of(problem, offsets);
  // A small problem is soon exhausted.
  effort = std::min(effort, 1000 * pairs * static_cast<int64_t>(order.size()));
  for (int64_t spent = 0; spent < effort && peak > goal; spent += 4 * pairs) {
    std::vector<int> candidate = order;
    move(candidate, at_the_peak(problem, order, offsets, peak), random);
    std::vector<int64_t> candidate_offsets = first_fit(problem, separation, candidate);
    const int64_t candidate_peak = peak_of(problem, candidate_offsets);
    if (candidate_peak > peak) continue;
    peak = candidate_peak;
    order = std::move(candidate);
    offsets = std::move(candidate_offsets);
  }
  return order;
}

}  // namespace mote::memory
