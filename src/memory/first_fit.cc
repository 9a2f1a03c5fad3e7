#include "memory/first_fit.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace mote::memory {
namespace {

/// Offsets strictly between `lo` and `hi` are not possible.
struct Forbidden {
  int64_t lo = 0, hi = 0;
};

/// The lowest multiple of `align` that lies in no interval; sorts `intervals`.
int64_t lowest_outside(std::vector<Forbidden>& intervals, int64_t align) {
  std::sort(intervals.begin(), intervals.end(), [](const Forbidden& a, const Forbidden& b) { return a.lo < b.lo; });
  int64_t offset = 0;
  for (const Forbidden& interval : intervals) {
    if (offset <= interval.lo) break;  // and so for all that follow
    if (offset < interval.hi) offset = align_up(interval.hi, align);
  }
  return offset;
}

using Key = std::tuple<int64_t, int64_t, int>;  // smallest first

int64_t lifetime(const Buffer& b) {
  return int64_t{b.last} - b.first + 1;
}

template <typename KeyOf>
std::vector<int> sorted(const Problem& problem, std::vector<int> order, KeyOf key_of) {
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return key_of(problem.buffers[static_cast<size_t>(a)]) < key_of(problem.buffers[static_cast<size_t>(b)]);
  });
  return order;
}

}  // namespace

std::vector<int64_t> first_fit(const Problem& problem, const Separation& separation, const std::vector<int>& order) {
  constexpr int64_t kNotPlaced = -1;
  std::vector<int64_t> offsets(problem.buffers.size(), kNotPlaced);
  std::vector<Forbidden> intervals;
  for (const int i : order) {
    intervals.clear();
    for (const int j : separation.neighbours(i)) {
      const int64_t placed = offsets[static_cast<size_t>(j)];
      if (placed == kNotPlaced) continue;
      intervals.push_back({placed - separation.distance(i, j), placed + separation.distance(j, i)});
    }
    offsets[static_cast<size_t>(i)] = lowest_outside(intervals, problem.buffers[static_cast<size_t>(i)].align);
  }
  return offsets;
}

std::vector<int> largest_first(const Problem& problem, std::vector<int> buffers) {
  return sorted(problem, std::move(buffers), [](const Buffer& b) { return Key{-b.size, -lifetime(b), b.first}; });
}

std::vector<int> greedy_order(const Problem& problem, const Separation& separation) {
  std::vector<int> all(problem.buffers.size());
  std::iota(all.begin(), all.end(), 0);
  const auto by = [&](auto key_of) { return sorted(problem, all, key_of); };
  const std::vector<std::vector<int>> orders = {
      largest_first(problem, all),
      by([&](const Buffer& b) {
        return Key{-b.size * lifetime(b), -b.size, b.first};
      }),
      by([&](const Buffer& b) {
        return Key{-lifetime(b), -b.size, b.first};
      }),
      by([&](const Buffer& b) {
        return Key{b.first, -b.size, b.last};
      }),
  };
  const auto peak = [&](const std::vector<int>& order) {
    return peak_of(problem, first_fit(problem, separation, order));
  };
  return *std::min_element(orders.begin(), orders.end(),
                           [&](const auto& a, const auto& b) { return peak(a) < peak(b); });
}

}  // namespace mote::memory
