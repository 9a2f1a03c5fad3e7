// From the trained float network to the int8 model, and what the model is worth.
#pragma once

#include <span>
#include <vector>

#include "digits/digits.h"
#include "digits/network.h"
#include "ir/graph.h"

namespace mote::examples {

/// The network as an int8 model with a softmax at its end; `calibration` sets the ranges of its activations.
ir::Graph quantized(const Network& network, std::span<const Digit> calibration);

/// The model's output for one digit, by the reference interpreter: ten int8 probabilities, scale 1/256, zero point
/// -128.
std::vector<int8_t> probabilities(const ir::Graph& model, const Digit& digit);

/// The most probable digit; of equals the smallest.
int most_probable(const std::vector<int8_t>& probabilities);

/// The share of `digits` that the model tells right.
double int8_accuracy(const ir::Graph& model, std::span<const Digit> digits);

}  // namespace mote::examples
