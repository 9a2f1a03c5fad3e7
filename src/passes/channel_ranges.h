// Which values each channel can take, whatever the graph's inputs: interval arithmetic over stored values, from the
// real weights, zero points and clamps.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace mote::passes {

/// Stored values from `lo` to `hi`.
struct Range {
  int32_t lo = -128, hi = 127;
  bool is_constant() const { return lo == hi; }
  bool operator==(const Range&) const = default;
};

/// The last dimension of `tensor`; 1 for a scalar. Its index is what "channel" means here, for any tensor.
size_t channels_of(const ir::Tensor& tensor);

/// For each int8 tensor, a range that holds every value of each channel; empty for other types.
std::vector<std::vector<Range>> channel_ranges(const ir::Graph& graph);

}  // namespace mote::passes
