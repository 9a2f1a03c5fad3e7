#include "ir/window.h"

#include <algorithm>

namespace mote::ir {

namespace {

int64_t reach(int64_t window, int64_t dilation) {
  return (window - 1) * dilation + 1;
}

}  // namespace

Extent same_extent(int64_t size, int64_t window, int64_t stride, int64_t dilation) {
  const int64_t out = (size + stride - 1) / stride;
  const int64_t padding = std::max<int64_t>(0, (out - 1) * stride + reach(window, dilation) - size);
  return {padding / 2, padding - padding / 2, out};
}

Extent valid_extent(int64_t size, int64_t window, int64_t stride, int64_t dilation) {
  const int64_t room = size - reach(window, dilation);
  return {0, 0, room < 0 ? 0 : room / stride + 1};
}

}  // namespace mote::ir
