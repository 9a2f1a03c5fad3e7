#include "kernels/convolution_winograd.h"

#include "kernels/common.h"
#include "kernels/micro/touches.h"
#include "kernels/micro/winograd.h"
#include "kernels/requant_plan.h"

namespace mote::kernels {

using loop::Program;
using loop::Type;
using loop::var;

std::optional<std::string> why_no_convolution_winograd(const Workload& workload, const target::Target& target) {
  const ir::Conv2D& conv = std::get<ir::Conv2D>(workload.op().attributes);
  const ir::Shape& w = workload.input(1).shape;
  if (!target.dsp) return "the target has no DSP extension";
  if (is_float(workload)) return "only int8";
  if ((w[1] != 3 && w[1] != 1) || (w[2] != 3 && w[2] != 1) || w[1] * w[2] == 1) return "only 3x3, 1x3 and 3x1 windows";
  if (conv.stride != ir::Size2D{1, 1} || conv.dilation != ir::Size2D{1, 1}) return "only stride 1 without dilation";
  if (w[3] % 4 != 0) return "input channels are not a multiple of 4";
  return std::nullopt;
}

Program convolution_winograd(const Workload& workload, const target::Target& target, const std::string& name) {
  if (const std::optional<std::string> why = why_no_convolution_winograd(workload, target))
    throw loop::ScheduleError(*why);
  const ir::Conv2D& conv = std::get<ir::Conv2D>(workload.op().attributes);
  const ir::Shape& in = workload.input(0).shape;
  const ir::Shape& out = workload.output().shape;
  const std::vector<int32_t> biases = folded_biases(workload, out[3], outermost_channel);
  const ir::Size2D window{workload.input(1).shape[1], workload.input(1).shape[2]};
  const RequantPlan plan = plan_for(workload, biases, ChannelAxis::kOutermost, micro::winograd_scale(window));
  micro::WinogradSpec spec;
  spec.window = window;
  spec.name = name + "_winograd";
  spec.height = in[1];
  spec.width = in[2];
  spec.in_channels = in[3];
  spec.out_channels = out[3];
  spec.padding = conv.padding;
  spec.out_height = out[1];
  spec.out_width = out[2];
  spec.zero_point = input_zero_point(workload);
  spec.form = plan.form;
  const std::vector<int8_t> weights = to_values<int8_t>(workload.input(1).data.value());
  if (const std::optional<std::string> why = micro::why_no_winograd(spec, weights)) throw loop::ScheduleError(*why);
  const std::vector<uint32_t> stream = micro::pack_winograd_weights(spec, target, weights, biases, plan.channels);

  const int64_t plane_in = int64_t{in[1]} * in[2] * in[3], plane_out = int64_t{out[1]} * out[2] * out[3];
  Program program;
  program.name = name;
  program.buffers = {loop::input("x", Type::kI8, {in[0] * plane_in}),
                     loop::output("y", Type::kI8, {out[0] * plane_out}),
                     loop::constant("weights", Type::kU32, {static_cast<int64_t>(stream.size())}, to_bytes(stream)),
                     loop::workspace("scratch", Type::kU32, {(micro::winograd_scratch_bytes(spec, target) + 3) / 4})};
  program.functions = {micro::function_of(micro::winograd(spec, target), micro::winograd_touches(spec, target))};
  program.body = {loop::loop(
      "n", in[0],
      {loop::invoke(spec.name, {loop::address("weights", {0}), loop::address("x", {var("n") * plane_in}),
                                loop::address("y", {var("n") * plane_out}), loop::address("scratch", {0})})})};
  look_up_output(&program, workload);
  return program;
}

}  // namespace mote::kernels
