// Fused activations: clamps by the names that models and people have for them.
#pragma once

#include "ir/operators.h"
#include "ir/tensor.h"

namespace mote::ir {

enum class Activation : uint8_t { kNone, kRelu, kRelu6, kReluN1To1 };

/// The clamp of `activation` on the stored values of `output`, which is float32 or int8 with one scale. For int8 the
/// bounds are the integers that TensorFlow Lite derives from scale and zero point: the real bound divided in float32,
/// rounded half away from zero, cut to [-128, 127].
Clamp clamp_of(Activation activation, const Tensor& output);

}  // namespace mote::ir
