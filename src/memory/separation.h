// Which buffers keep a distance from each other, and how much.
#pragma once

#include <cstdint>
#include <vector>

#include "memory/plan.h"

namespace mote::memory {

/// Two buffers that live at the same time lie one above the other; a pair (lower, upper) has a least distance between
/// their beginnings: the lower one's size, or less where an Overlap allows it, rounded up to what their alignments have
/// in common.
class Separation {
 public:
  explicit Separation(const Problem& problem);

  size_t size() const { return neighbours_.size(); }
  /// Buffers that live at the same time as `i`, ascending.
  const std::vector<int>& neighbours(int i) const { return neighbours_[static_cast<size_t>(i)]; }
  /// Least offset(upper) - offset(lower) when `upper` lies above `lower`, for neighbours.
  int64_t distance(int lower, int upper) const {
    return distance_[static_cast<size_t>(lower) * size() + static_cast<size_t>(upper)];
  }

 private:
  std::vector<std::vector<int>> neighbours_;
  std::vector<int64_t> distance_;
};

/// The least multiple of `align` that is at least `offset`.
inline int64_t align_up(int64_t offset, int64_t align) {
  return (offset + align - 1) / align * align;
}

/// max(offset + size) over all buffers.
int64_t peak_of(const Problem& problem, const std::vector<int64_t>& offsets);

}  // namespace mote::memory
