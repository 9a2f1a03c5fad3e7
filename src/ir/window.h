// Windows that slide over one dimension of an image.
#pragma once

#include <cstdint>

namespace mote::ir {

/// The padding before and behind a dimension, and the number of window positions on it.
struct Extent {
  int64_t before = 0, after = 0, out = 0;
  bool operator==(const Extent&) const = default;
};

/// TensorFlow's SAME: size / stride positions, rounded up, and as little padding as they need, the odd one behind. All
/// arguments are positive and below 2^31.
Extent same_extent(int64_t size, int64_t window, int64_t stride, int64_t dilation);

/// TensorFlow's VALID: no padding; no position (out is 0) when the window reaches over more than `size`.
Extent valid_extent(int64_t size, int64_t window, int64_t stride, int64_t dilation);

}  // namespace mote::ir
