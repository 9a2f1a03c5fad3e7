// Limits of a float result: a fused activation.
#pragma once

#include <limits>

namespace mote::kernels::micro {

/// Limits of a result; infinite where there is none. A NaN comes out as a NaN or as a limit.
struct FloatClamp {
  float lo = -std::numeric_limits<float>::infinity(), hi = std::numeric_limits<float>::infinity();
  bool has_lo() const { return lo != -std::numeric_limits<float>::infinity(); }
  bool has_hi() const { return hi != std::numeric_limits<float>::infinity(); }
};

}  // namespace mote::kernels::micro
