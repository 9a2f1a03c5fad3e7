// Fused activations, from TFLite's names to bounds on the stored output and back.
#pragma once

#include <optional>

#include "import/tflite/schema_generated.h"
#include "ir/activation.h"

namespace mote::import {

/// The bounds of `activation` on `output`, which is int8 with one scale, or float32. Nothing for TANH and SIGN_BIT,
/// which are no bounds, and for values that do not exist.
std::optional<ir::Clamp> clamp_of(tflite::Activation activation, const ir::Tensor& output);

/// The activation whose bounds on `output` are `clamp`, NONE first; nothing if there is none.
std::optional<tflite::Activation> activation_of(const ir::Clamp& clamp, const ir::Tensor& output);

}  // namespace mote::import
