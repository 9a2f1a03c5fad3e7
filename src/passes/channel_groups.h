// Channels that can only be removed together: those that an operator maps one to one (an Add, a pool, a depthwise
// convolution), through any number of operators.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace mote::passes {

/// For each tensor, by channel: whether nobody needs it. Its readers map it to such a channel of theirs, multiply it by
/// zeros, or sum it with the same result for every input and at every output position, borders included. Of each tensor
/// an even number of channels is left, or all of them: kernels multiply pairs, and a channel that is computed for
/// nothing costs less than a single one at the end of every pixel (measured; multiples of four cost more than they
/// save).
std::vector<std::vector<bool>> removable_channels(const ir::Graph& graph);

}  // namespace mote::passes
