#include "import/tflite/activation.h"

#include <algorithm>
#include <cmath>

namespace mote::import {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Real bounds of an activation.
std::optional<ir::Clamp> real_bounds(tflite::Activation activation) {
  switch (activation) {
    case tflite::Activation::NONE:
      return ir::Clamp{-kInfinity, kInfinity};
    case tflite::Activation::RELU:
      return ir::Clamp{0, kInfinity};
    case tflite::Activation::RELU_N1_TO_1:
      return ir::Clamp{-1, 1};
    case tflite::Activation::RELU6:
      return ir::Clamp{0, 6};
    case tflite::Activation::TANH:
    case tflite::Activation::SIGN_BIT:
      break;
  }
  return std::nullopt;
}

// The stored value of `real`, cut to int8. An infinite bound falls on the end of the range.
double stored(double real, const ir::Tensor& output) {
  const double steps = std::round(static_cast<float>(real) / output.scale());
  return std::clamp(steps + output.zero_point(), -128.0, 127.0);
}

}  // namespace

std::optional<ir::Clamp> clamp_of(tflite::Activation activation, const ir::Tensor& output) {
  const std::optional<ir::Clamp> real = real_bounds(activation);
  if (!real || output.dtype != ir::DType::kInt8) return real;
  return ir::Clamp{stored(real->lo, output), stored(real->hi, output)};
}

std::optional<tflite::Activation> activation_of(const ir::Clamp& clamp, const ir::Tensor& output) {
  const ir::Clamp wanted =
      output.dtype == ir::DType::kInt8 ? ir::Clamp{std::max(clamp.lo, -128.0), std::min(clamp.hi, 127.0)} : clamp;
  for (const tflite::Activation activation : {tflite::Activation::NONE, tflite::Activation::RELU,
                                              tflite::Activation::RELU6, tflite::Activation::RELU_N1_TO_1}) {
    if (clamp_of(activation, output) == wanted) return activation;
  }
  return std::nullopt;
}

}  // namespace mote::import
