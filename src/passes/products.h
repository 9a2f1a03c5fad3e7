// Conv2D, DepthwiseConv2D and Dense seen alike: every output is a bias and a sum of products, tap by tap and channel by
// channel of the input, over those taps that lie inside the image.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ir/graph.h"

namespace mote::passes {

struct Products {
  size_t in_channels = 0;   // the input's last dimension
  size_t out_channels = 0;  // the output's
  size_t taps = 0;          // kernel positions; Dense: whole input pixels per row
  size_t multiplier = 0;    // DepthwiseConv2D: output channels per input channel; 0: every input channel is summed
  std::vector<int8_t> weights = {};
  std::vector<int32_t> bias = {};  // one per output channel, 0 where the operator has none
  // The sets of taps that lie inside the image for some output position, each once.
  std::vector<std::vector<size_t>> inside = {};

  /// Input channels that output channel `out` sums.
  size_t first_in(size_t out) const { return multiplier == 0 ? 0 : out / multiplier; }
  size_t end_in(size_t out) const { return multiplier == 0 ? in_channels : out / multiplier + 1; }
  /// The weight of input channel `in` at `tap`; `in` is one that `out` sums.
  int32_t weight(size_t out, size_t tap, size_t in) const {
    return multiplier == 0 ? weights[(out * taps + tap) * in_channels + in] : weights[tap * out_channels + out];
  }
};

/// Nothing for other operators, for float, and for a Dense whose rows are no whole number of the input's last
/// dimension.
std::optional<Products> products_of(const ir::Graph& graph, const ir::Operator& op);

}  // namespace mote::passes
