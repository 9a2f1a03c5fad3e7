#include "import/tflite/activation.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mote::import {

namespace {

constexpr std::array<std::pair<tflite::Activation, ir::Activation>, 4> kActivations{{
    {tflite::Activation::NONE, ir::Activation::kNone},
    {tflite::Activation::RELU, ir::Activation::kRelu},
    {tflite::Activation::RELU6, ir::Activation::kRelu6},
    {tflite::Activation::RELU_N1_TO_1, ir::Activation::kReluN1To1},
}};

}  // namespace

std::optional<ir::Clamp> clamp_of(tflite::Activation activation, const ir::Tensor& output) {
  for (const auto& [stored, ours] : kActivations) {
    if (stored == activation) return ir::clamp_of(ours, output);
  }
  return std::nullopt;
}

std::optional<tflite::Activation> activation_of(const ir::Clamp& clamp, const ir::Tensor& output) {
  ir::Clamp wanted = clamp;
  if (output.dtype == ir::DType::kInt8) wanted = {std::max(clamp.lo, -128.0), std::min(clamp.hi, 127.0)};
  for (const auto& [stored, ours] : kActivations) {
    if (ir::clamp_of(ours, output) == wanted) return stored;
  }
  return std::nullopt;
}

}  // namespace mote::import
