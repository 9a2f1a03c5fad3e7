#include "tests/channel_ranges.h"

#include <algorithm>

#include "ir/quantized.h"

namespace mote::examples {

using ir::Graph;
using ir::Operator;
using ir::Tensor;

namespace {

/// Requantises an accumulator into an output channel.
int stored(int64_t accumulator, ir::Multiplier multiplier, const Tensor& out, ir::ClampI8 clamp) {
  const int scaled = ir::multiply_by_quantized_multiplier(static_cast<int32_t>(accumulator), multiplier);
  return std::clamp(scaled + out.zero_point(), clamp.lo, clamp.hi);
}

ChannelRange range_of_channel(const Graph& model, const Operator& op, const std::vector<ChannelRange>& in,
                              size_t channel, bool padded) {
  const Tensor& x = model.tensor(op.inputs[0]);
  const Tensor& weights = model.tensor(op.inputs[1]);
  const std::vector<int8_t> w = to_values<int8_t>(*weights.data);
  const bool depthwise = std::holds_alternative<ir::DepthwiseConv2D>(op.attributes);
  const size_t channels = static_cast<size_t>(model.tensor(op.output).shape.back());
  const size_t fan_in = w.size() / channels;
  int64_t lo = to_values<int32_t>(*model.tensor(op.inputs[2]).data)[channel], hi = lo;
  for (size_t k = 0; k < fan_in; ++k) {
    const int64_t weight = depthwise ? w[k * channels + channel] : w[channel * fan_in + k];
    const ChannelRange from = in[depthwise ? channel : k % in.size()];
    int64_t least = from.lo - x.zero_point(), most = from.hi - x.zero_point();
    if (padded) least = std::min<int64_t>(least, 0), most = std::max<int64_t>(most, 0);
    lo += std::min(weight * least, weight * most);
    hi += std::max(weight * least, weight * most);
  }
  const ir::Multiplier multiplier = ir::output_multipliers(model, op)[channel];
  const Tensor& out = model.tensor(op.output);
  return {stored(lo, multiplier, out, ir::clamp_i8(op)), stored(hi, multiplier, out, ir::clamp_i8(op))};
}

ir::Padding2D padding_of(const Operator& op) {
  if (const auto* conv = std::get_if<ir::Conv2D>(&op.attributes)) return conv->padding;
  if (const auto* depthwise = std::get_if<ir::DepthwiseConv2D>(&op.attributes)) return depthwise->padding;
  return {};
}

}  // namespace

std::vector<std::vector<ChannelRange>> channel_ranges(const Graph& model, bool with_borders) {
  std::vector<std::vector<ChannelRange>> ranges(model.tensors.size());
  for (size_t t = 0; t < ranges.size(); ++t) {
    ranges[t].assign(static_cast<size_t>(model.tensors[t].shape.back()), {-128, 127});
  }
  for (const Operator& op : model.operators) {
    if (op.inputs.size() != 3) continue;
    const std::vector<ChannelRange>& in = ranges[static_cast<size_t>(op.inputs[0])];
    const bool padded = with_borders && padding_of(op) != ir::Padding2D{};
    std::vector<ChannelRange>& out = ranges[static_cast<size_t>(op.output)];
    for (size_t c = 0; c < out.size(); ++c) out[c] = range_of_channel(model, op, in, c, padded);
  }
  return ranges;
}

int64_t live_macs(const Graph& model, const std::vector<std::vector<ChannelRange>>& ranges) {
  const auto live = [&ranges](ir::TensorId id) {
    const std::vector<ChannelRange>& channels = ranges[static_cast<size_t>(id)];
    return std::count_if(channels.begin(), channels.end(), [](ChannelRange range) { return !range.constant(); });
  };
  int64_t sum = 0;
  for (const Operator& op : model.operators) {
    int64_t macs = ir::macs_of(model, op);
    if (macs == 0) continue;
    macs = macs / model.tensor(op.output).shape.back() * live(op.output);
    if (!std::holds_alternative<ir::DepthwiseConv2D>(op.attributes)) {
      macs = macs / model.tensor(op.inputs[0]).shape.back() * live(op.inputs[0]);
    }
    sum += macs;
  }
  return sum;
}

}  // namespace mote::examples
