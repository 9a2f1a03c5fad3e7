// Activations handed over as int16: a depthwise convolution stores each output in two bytes, because the pointwise
// convolution that reads it multiplies pairs of int16 and would have to widen them first.
//
// The tensor keeps its quantisation and its values, all within int8; its type in the network's graph becomes i16. That
// costs memory for as long as the tensor lives, and saves the consumer's copy.
#pragma once

#include "deploy/arena.h"
#include "deploy/network.h"

namespace mote::deploy {

/// Hands over what both kernels, with the configs they have, can; and of that only what leaves the arena within
/// `ram_bytes`. Tensors that are outputs of the graph or have several readers stay as they are. Gives the memory plan.
Arena hand_over_int16(Network& network, const target::Target& target, int64_t ram_bytes);

}  // namespace mote::deploy
