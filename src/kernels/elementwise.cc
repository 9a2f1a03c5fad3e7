// Operators with one input that work element by element: int8 ones are a table of 256 bytes, float ones an expression.
#include "kernels/common.h"
#include "kernels/family.h"

namespace mote::kernels {

using loop::Expr;
using loop::Program;
using loop::Type;
using loop::var;

namespace {

Expr float_result(const Workload& workload, Program* program, Expr x) {
  const ir::OpAttributes& attributes = workload.op().attributes;
  if (std::holds_alternative<ir::Logistic>(attributes)) {
    return loop::imm_f(1) / (loop::imm_f(1) + loop::call(loop::kExp, {loop::imm_f(0) - x}));
  }
  if (std::holds_alternative<ir::Tanh>(attributes)) return loop::call(loop::kTanh, {x});
  if (const ir::Relu* relu = std::get_if<ir::Relu>(&attributes)) {
    const Expr positive = loop::max(x, loop::imm_f(0));
    return relu->kind == ir::Relu::Kind::kRelu6 ? loop::min(positive, loop::imm_f(6)) : positive;
  }
  if (std::holds_alternative<ir::Dequantize>(attributes)) {
    return loop::imm_f(workload.input(0).scale()) * loop::cast(Type::kF32, x - loop::imm(input_zero_point(workload)));
  }
  check(std::holds_alternative<ir::Quantize>(attributes), "no float form of this operator");
  // Limited before the zero point is added, so that the sum cannot overflow.
  const ir::Quantization& q = ir::computed_in(workload.graph, workload.op());
  const Expr steps = loop::call(loop::kRound, {x / loop::imm_f(q.scales.front())});
  const Expr bounded = loop::min(loop::max(steps, loop::imm(-1000)), loop::imm(1000));
  return finish_i8(program, workload, bounded + loop::imm(q.zero_points.front()));
}

Program lower_elementwise(const Workload& workload, const space::Config&, const target::Target&,
                          const std::string& name) {
  const ir::Tensor& in = workload.input(0);
  const ir::Tensor& out = workload.output();
  const int64_t count = ir::elements(out.shape);
  Program program;
  program.name = name;
  program.buffers = {loop::input("x", type_of(in.dtype), {count}), loop::output("y", type_of(out.dtype), {count})};
  if (ir::is_elementwise_i8(workload.graph, workload.op())) {
    const ir::Table table = ir::table_of(workload.graph, workload.op());
    program.buffers.push_back(loop::constant("table", Type::kI8, {256}, to_bytes(std::span<const int8_t>(table))));
    program.body = look_up("table", "x", "y", count);
  } else {
    const Expr value = float_result(workload, &program, loop::load("x", {var("i")}));
    program.body = {loop::loop("i", count, {loop::store("y", {var("i")}, value)})};
  }
  return program;
}

}  // namespace

const Family kElementwise{2, no_choice, no_config, lower_elementwise};

}  // namespace mote::kernels
