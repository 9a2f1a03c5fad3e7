// Fused activations as bounds on the stored output, both ways.
#pragma once

#include <optional>

#include "import/tflite/schema_generated.h"
#include "ir/graph.h"

namespace mote::import {

/// The bounds that `activation` puts on the stored values of `output`: for int8 those TensorFlow Lite derives from its
/// scale and zero point (6 / scale in float32, rounded half away from zero), always integers; for float the real ones.
/// Nothing for TANH and SIGN_BIT, which are no bounds. `output` is int8 with one scale, or float32.
std::optional<ir::Clamp> clamp_of(tflite::Activation activation, const ir::Tensor& output);

/// The activation whose bounds on `output` are `clamp`, NONE first; nothing if there is none.
std::optional<tflite::Activation> activation_of(const ir::Clamp& clamp, const ir::Tensor& output);

}  // namespace mote::import
