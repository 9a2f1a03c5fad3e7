// Which channels of a model are the same for every input: interval arithmetic over its stored values.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace mote::examples {

/// The stored values a channel can take.
struct ChannelRange {
  int lo, hi;
  bool constant() const { return lo == hi; }
};

/// For each tensor of an int8 chain of convolutions, depthwise convolutions and others (which count as taking any
/// value), the range of each channel. `with_borders`: padding is among the values a depthwise layer reads; without,
/// what its interior reads.
std::vector<std::vector<ChannelRange>> channel_ranges(const ir::Graph& model, bool with_borders);

/// Multiply-accumulates that remain when constant channels are not computed and not multiplied with.
int64_t live_macs(const ir::Graph& model, const std::vector<std::vector<ChannelRange>>& ranges);

}  // namespace mote::examples
