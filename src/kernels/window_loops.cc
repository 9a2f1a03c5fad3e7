#include "kernels/window_loops.h"

namespace mote::kernels {

using loop::Affine;
using loop::Expr;
using loop::Program;
using loop::Type;
using loop::var;

namespace {

loop::Block nested(const LoopNest& loops, loop::Block body) {
  for (size_t i = loops.size(); i-- > 0;) body = {loop::loop(loops[i].first, loops[i].second, std::move(body))};
  return body;
}

}  // namespace

Program window_loops(const Workload& workload, const std::string& name, const WindowLoops& loops) {
  const ir::Tensor& x = workload.input(0);
  const ir::Shape& out = workload.output().shape;
  const bool real = is_float(workload);
  const Type element = real ? Type::kF32 : Type::kI8, total = real ? Type::kF32 : Type::kI32;
  const int32_t channels = out.back();

  Program program;
  program.name = name;
  program.buffers = {loop::input("x", element, extents_of(x)),
                     loop::output("y", element, extents_of(workload.output())),
                     loop::constant("weights", element, loops.weight_extents, workload.input(1).data.value()),
                     loop::constant("bias", total, {channels},
                                    real ? to_bytes(float_biases(workload, channels))
                                         : to_bytes(folded_biases(workload, channels, loops.channel_of))),
                     loop::local("acc", total, {})};
  const Affine row = var("oy") * loops.stride.h + var("ky") * loops.dilation.h - loops.padding.top;
  const Affine column = var("ox") * loops.stride.w + var("kx") * loops.dilation.w - loops.padding.left;
  const Expr outside = real ? loop::imm_f(0) : loop::imm(input_zero_point(workload));
  const Expr product =
      loop::load_or("x", {var("n"), row, column, loops.in_channel}, outside) * loop::load("weights", loops.weight);
  const Expr acc = loop::load("acc", {});
  const Expr result =
      real ? clamp_f32(acc, loops.clamp) : requantize_channel(&program, workload, acc, loops.out_channel);
  loop::Block output = nested(loops.sum, {loop::store("acc", {}, acc + product)});
  output.insert(output.begin(), loop::store("acc", {}, loop::load("bias", {loops.out_channel})));
  output.push_back(loop::store("y", {var("n"), var("oy"), var("ox"), loops.out_channel}, result));
  program.body = nested({{"n", x.shape[0]}, {"oy", out[1]}, {"ox", out[2]}}, nested(loops.outputs, std::move(output)));
  return program;
}

}  // namespace mote::kernels
