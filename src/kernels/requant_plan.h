// Requantisation of a Conv2D, DepthwiseConv2D or Dense by proof, from its real weights.
#pragma once

#include "kernels/kernel.h"
#include "kernels/micro/gemm.h"
#include "kernels/requant.h"

namespace mote::kernels {

/// Which weights belong to which output channel.
enum class ChannelAxis : uint8_t { kOutermost, kInnermost };

/// The plan for `biases` (with the input's zero point folded in) and an accumulator of `scale` times the sum. Throws
/// loop::ScheduleError when no known form is exact.
RequantPlan plan_for(const Workload& workload, const std::vector<int32_t>& biases, ChannelAxis axis, int32_t scale);

/// How a GEMM kernel keeps its weights: the knob "weights". Pairs of channels are summed only where these weights allow
/// it.
enum WeightForm : int64_t { kSummedWeights, kInt8Weights, kInt16Weights };
space::Knob weight_form_knob();

/// Sets the spec's weight form as the knob asks, or the nearest one that `plan` and the weights allow.
void set_weight_form(const Workload& workload, const std::vector<int32_t>& biases, const RequantPlan& plan,
                     int64_t form, micro::GemmSpec* spec);

/// The weights of every output channel, in the order they are stored.
std::vector<std::vector<int8_t>> weights_by_channel(const Workload& workload, ChannelAxis axis);

}  // namespace mote::kernels
