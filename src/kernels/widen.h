// Copies of int8 runs as int16, four elements at a time with the DSP extension's sign-extending instructions.
#pragma once

#include <string>

#include "kernels/micro/elementwise.h"
#include "loop/build.h"

namespace mote::kernels {

using micro::WidenOrder;

/// The element of a run of `count` that stands at place `i` of the widened run.
inline int64_t source_place(WidenOrder order, int64_t i, int64_t count) {
  static constexpr int64_t kQuad[4] = {0, 2, 1, 3};
  return order == WidenOrder::kQuads && i < count / 4 * 4 ? i / 4 * 4 + kQuad[i % 4] : i;
}

/// to_buffer[to ..] = from_buffer[from ..], `count` elements; flat buffers of int8 and int16.
loop::Block widen(const std::string& from_buffer, const loop::Affine& from, const std::string& to_buffer,
                  const loop::Affine& to, int64_t count, WidenOrder order);

}  // namespace mote::kernels
