#include "ir/activation.h"

#include <algorithm>
#include <cmath>

namespace mote::ir {

namespace {

Clamp real_bounds(Activation activation) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  switch (activation) {
    case Activation::kNone:
      return {};
    case Activation::kRelu:
      return {0, kInfinity};
    case Activation::kRelu6:
      return {0, 6};
    case Activation::kReluN1To1:
      return {-1, 1};
  }
  return {};
}

// The stored value of `real`, cut to int8; an infinite bound falls on the end of the range.
double stored(double real, const Tensor& output) {
  const double steps = std::round(static_cast<float>(real) / output.scale());
  return std::clamp(steps + output.zero_point(), -128.0, 127.0);
}

}  // namespace

Clamp clamp_of(Activation activation, const Tensor& output) {
  const Clamp real = real_bounds(activation);
  if (output.dtype != DType::kInt8) return real;
  return {stored(real.lo, output), stored(real.hi, output)};
}

}  // namespace mote::ir
