// Post-training quantisation of a float graph to int8, by TensorFlow Lite's conventions: weights symmetric in [-127,
// 127] with one scale for each output channel (one for all in a dense layer), biases int32 at the scale of input times
// weights, activations affine in [-128, 127] over the range they were seen to take.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace mote::examples {

/// The values a tensor was seen to take. Always holds 0.
struct Range {
  float lo = 0, hi = 0;
};

/// Runs float `model`, which has one input, on each of `inputs` with the reference interpreter; for each tensor of the
/// model the range of its values. Their ends are rounded outward to seven significant bits, so that a sum in another
/// order cannot change a scale.
std::vector<Range> observe(const ir::Graph& model, const std::vector<std::vector<float>>& inputs);

/// The int8 form of float `model`: int8 in and int8 out. `ranges`: as observe() has them.
ir::Graph quantize(const ir::Graph& model, const std::vector<Range>& ranges);

}  // namespace mote::examples
