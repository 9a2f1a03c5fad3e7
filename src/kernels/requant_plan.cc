#include "kernels/requant_plan.h"

#include <algorithm>
#include <deque>
#include <tuple>

#include "kernels/common.h"

namespace mote::kernels {

std::vector<std::vector<int8_t>> weights_by_channel(const Workload& workload, ChannelAxis axis) {
  const ir::Tensor& w = workload.input(1);
  const bool outermost = axis == ChannelAxis::kOutermost;
  std::vector<std::vector<int8_t>> channels(static_cast<size_t>(outermost ? w.shape.front() : w.shape.back()));
  const std::vector<int8_t> values = to_values<int8_t>(w.data.value());
  const size_t of_each = values.size() / channels.size();
  for (size_t i = 0; i < values.size(); ++i) {
    channels[outermost ? i / of_each : i % channels.size()].push_back(values[i]);
  }
  return channels;
}

namespace {

RequantLayer layer_of(const Workload& workload, const std::vector<int32_t>& biases, ChannelAxis axis, int32_t scale) {
  const std::vector<ir::Multiplier> multipliers = ir::output_multipliers(workload.graph, workload.op());
  const std::vector<std::vector<int8_t>> weights = weights_by_channel(workload, axis);
  RequantLayer layer;
  layer.zero_point = ir::computed_in(workload.graph, workload.op()).zero_points.front();
  layer.clamp = ir::clamp_i8(workload.op());
  layer.scale = scale;
  layer.searched = workload.search_requantisation;
  for (size_t c = 0; c < weights.size(); ++c) {
    const AccumulatorRange range = accumulator_range(weights[c], biases[c], -128, 127);
    layer.channels.push_back({multipliers[c], range.lo, range.hi});
  }
  return layer;
}

bool alike(const RequantLayer& a, const RequantLayer& b) {
  const auto rest = [](const RequantLayer& l) {
    return std::tuple(l.zero_point, l.clamp.lo, l.clamp.hi, l.scale, l.searched);
  };
  return rest(a) == rest(b) && std::equal(a.channels.begin(), a.channels.end(), b.channels.begin(), b.channels.end(),
                                          [](const RequantChannel& x, const RequantChannel& y) {
                                            return x.multiplier == y.multiplier && x.lo == y.lo && x.hi == y.hi;
                                          });
}

/// Plans are dear, and all points of an operator's space ask for the same few, one after another.
const std::optional<RequantPlan>& remembered_plan(RequantLayer layer) {
  constexpr size_t kMost = 8;
  thread_local std::deque<std::pair<RequantLayer, std::optional<RequantPlan>>> plans;
  for (const auto& [known, plan] : plans) {
    if (alike(known, layer)) return plan;
  }
  if (plans.size() == kMost) plans.pop_back();
  std::optional<RequantPlan> plan = plan_requantisation(layer);
  return plans.emplace_front(std::move(layer), std::move(plan)).second;
}

}  // namespace

RequantPlan plan_for(const Workload& workload, const std::vector<int32_t>& biases, ChannelAxis axis, int32_t scale) {
  const std::optional<RequantPlan>& plan = remembered_plan(layer_of(workload, biases, axis, scale));
  if (!plan) throw loop::ScheduleError("no cheap requantisation is exact for these weights");
  return *plan;
}

space::Knob weight_form_knob() {
  return space::choice(
      "weights", {"summed", "int8", "int16"},
      "gemm: int8 with two channels in one product where they allow it, int8, or int16 in twice the flash");
}

void set_weight_form(const Workload& workload, const std::vector<int32_t>& biases, const RequantPlan& plan,
                     int64_t form, micro::GemmSpec* spec) {
  spec->wide_weights = form == kInt16Weights;
  if (form != kSummedWeights) return;
  const RequantLayer layer = layer_of(workload, biases, ChannelAxis::kOutermost, 1);
  spec->summed = micro::summed_weights(layer, plan, to_values<int8_t>(workload.input(1).data.value()));
}

}  // namespace mote::kernels
