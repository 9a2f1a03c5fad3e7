// DepthwiseConv2D.
#include "kernels/common.h"
#include "kernels/family.h"
#include "loop/schedule.h"

namespace mote::kernels {

using loop::Affine;
using loop::Expr;
using loop::Program;
using loop::Type;
using loop::var;

namespace {

Program naive(const Workload& workload, const std::string& name) {
  const ir::DepthwiseConv2D& conv = std::get<ir::DepthwiseConv2D>(workload.op().attributes);
  const ir::Tensor& x = workload.input(0);
  const ir::Tensor& w = workload.input(1);
  const bool real = is_float(workload);
  const Type element = real ? Type::kF32 : Type::kI8, sum = real ? Type::kF32 : Type::kI32;
  const int32_t channels = w.shape[3];

  Program program;
  program.name = name;
  program.buffers = {loop::input("x", element, extents_of(x)),
                     loop::output("y", element, extents_of(workload.output())),
                     loop::constant("weights", element, {w.shape[1], w.shape[2], channels}, w.data.value()),
                     loop::constant("bias", sum, {channels},
                                    real ? to_bytes(float_biases(workload, channels))
                                         : to_bytes(folded_biases(workload, channels, innermost_channel))),
                     loop::local("acc", sum, {})};
  const Affine row = var("oy") * conv.stride.h + var("ky") * conv.dilation.h - conv.padding.top;
  const Affine column = var("ox") * conv.stride.w + var("kx") * conv.dilation.w - conv.padding.left;
  const Affine channel = var("c") * conv.multiplier + var("m");
  const Expr outside = real ? loop::imm_f(0) : loop::imm(input_zero_point(workload));
  const Expr product = loop::load_or("x", {var("n"), row, column, var("c")}, outside) *
                       loop::load("weights", {var("ky"), var("kx"), channel});
  const Expr acc = loop::load("acc", {});
  const Expr result = real ? clamp_f32(acc, conv.clamp) : requantize_channel(&program, workload, acc, channel);
  program.body = {loop::loop(
      "n", x.shape[0],
      {loop::loop(
          "oy", workload.output().shape[1],
          {loop::loop(
              "ox", workload.output().shape[2],
              {loop::loop(
                  "c", x.shape[3],
                  {loop::loop("m", conv.multiplier,
                              {loop::store("acc", {}, loop::load("bias", {channel})),
                               loop::loop("ky", w.shape[1],
                                          {loop::loop("kx", w.shape[2], {loop::store("acc", {}, acc + product)})}),
                               loop::store("y", {var("n"), var("oy"), var("ox"), channel}, result)})})})})})};
  return program;
}

/// Output positions before and after which the window leaves the input.
struct Border {
  int64_t before, after;
};
Border border_of(int64_t out, int64_t in, int64_t stride, int64_t reach, int64_t pad) {
  int64_t before = 0, after = 0;
  while (before < out && before * stride - pad < 0) ++before;
  while (after < out - before && (out - 1 - after) * stride - pad + reach > in - 1) ++after;
  return {before, after};
}

/// Splits the loop in border, interior, border, so that the interior needs no tests.
void peel_border(Program* program, const std::string& variable, int64_t extent, Border border) {
  if (border.before > 0 && border.before < extent) {
    loop::peel(program, variable, border.before, variable + "_in");
    if (border.after > 0)
      loop::peel(program, variable + "_in", extent - border.before - border.after, variable + "_end");
  } else if (border.before == 0 && border.after > 0 && border.after < extent) {
    loop::peel(program, variable, extent - border.after, variable + "_end");
  }
}

space::Space depthwise_space(const Workload&, const target::Target&) {
  space::Space space;
  space.knobs = {space::choice("border", {"tested", "peeled"}, "test every tap for padding, or only near the border"),
                 space::choice("unroll", {"none", "row", "window"}, "taps of the window that are written out"),
                 space::flag("channels_inside", "the channel loop inside the columns, or outside everything")};
  return space;
}

space::Config depthwise_fallback(const Workload&, const target::Target&) {
  return {{{"border", 1}, {"unroll", 2}, {"channels_inside", 1}}};
}

Program lower_depthwise(const Workload& workload, const space::Config& config, const target::Target&,
                        const std::string& name) {
  const ir::DepthwiseConv2D& conv = std::get<ir::DepthwiseConv2D>(workload.op().attributes);
  const ir::Shape& in = workload.input(0).shape;
  const ir::Shape& out = workload.output().shape;
  const ir::Shape& w = workload.input(1).shape;
  Program p = naive(workload, name);
  if (config.at("channels_inside") == 0) {
    loop::reorder(&p, "ox", "c");
    loop::reorder(&p, "oy", "c");
  }
  if (config.at("unroll") >= 1) loop::unroll(&p, "kx");
  if (config.at("unroll") == 2) loop::unroll(&p, "ky");
  if (config.at("border") == 1) {
    const int64_t reach_h = int64_t{w[1] - 1} * conv.dilation.h, reach_w = int64_t{w[2] - 1} * conv.dilation.w;
    peel_border(&p, "ox", out[2], border_of(out[2], in[2], conv.stride.w, reach_w, conv.padding.left));
    peel_border(&p, "oy", out[1], border_of(out[1], in[1], conv.stride.h, reach_h, conv.padding.top));
  }
  return p;
}

}  // namespace

const Family kDepthwise{1, depthwise_space, depthwise_fallback, lower_depthwise};

}  // namespace mote::kernels
