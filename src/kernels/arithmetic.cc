// Add and Mul with broadcasting.
#include <algorithm>

#include "kernels/common.h"
#include "kernels/family.h"
#include "kernels/micro/elementwise.h"
#include "kernels/micro/touches.h"

namespace mote::kernels {

using loop::Affine;
using loop::Expr;
using loop::Program;
using loop::Type;
using loop::var;

namespace {

/// One loop of the output and the steps the operands make in it, in elements: 0 where an operand is broadcast.
struct Dimension {
  int64_t extent, step_a, step_b;
};

/// The output's dimensions, neighbours that both operands walk through alike made one.
std::vector<Dimension> dimensions_of(const ir::Shape& a, const ir::Shape& b, const ir::Shape& out) {
  std::vector<Dimension> dimensions;
  int64_t step_a = 1, step_b = 1;
  for (size_t d = 0; d < out.size(); ++d) {
    const int64_t extent = out[out.size() - 1 - d];
    const int64_t in_a = d < a.size() ? a[a.size() - 1 - d] : 1, in_b = d < b.size() ? b[b.size() - 1 - d] : 1;
    const Dimension next{extent, in_a == 1 ? 0 : step_a, in_b == 1 ? 0 : step_b};
    step_a *= in_a;
    step_b *= in_b;
    if (extent == 1) continue;
    if (!dimensions.empty()) {
      Dimension& last = dimensions.back();
      const bool joined_a = next.step_a == last.step_a * last.extent && (next.step_a == 0) == (last.step_a == 0);
      const bool joined_b = next.step_b == last.step_b * last.extent && (next.step_b == 0) == (last.step_b == 0);
      if (joined_a && joined_b) {
        last.extent *= extent;
        continue;
      }
    }
    dimensions.push_back(next);
  }
  if (dimensions.empty()) dimensions.push_back({1, 1, 1});
  std::reverse(dimensions.begin(), dimensions.end());
  return dimensions;
}

Expr int8_result(const Workload& workload, Program* program, Expr a, Expr b) {
  const ir::Graph& graph = workload.graph;
  if (std::holds_alternative<ir::Mul>(workload.op().attributes)) {
    const ir::MulParams p = ir::mul_params(graph, workload.op());
    const Expr product = (a + loop::imm(p.a_offset)) * (b + loop::imm(p.b_offset));
    const Expr scaled = loop::call(loop::kRequantize, {product, loop::imm(p.out.mantissa), loop::imm(p.out.shift)});
    return finish_i8(program, workload, scaled + loop::imm(p.out_offset));
  }
  const ir::AddParams p = ir::add_params(graph, workload.op());
  const auto scaled = [&](Expr x, int32_t offset, const ir::Multiplier& m) {
    return loop::call(loop::kRequantize, {loop::shift_left(x + loop::imm(offset), p.left_shift), loop::imm(m.mantissa),
                                          loop::imm(m.shift)});
  };
  const Expr sum = scaled(a, p.a_offset, p.a) + scaled(b, p.b_offset, p.b);
  const Expr result = loop::call(loop::kRequantize, {sum, loop::imm(p.out.mantissa), loop::imm(p.out.shift)});
  return finish_i8(program, workload, result + loop::imm(p.out_offset));
}

Expr float_result(const Workload& workload, Expr a, Expr b) {
  if (const ir::Mul* mul = std::get_if<ir::Mul>(&workload.op().attributes)) return clamp_f32(a * b, mul->clamp);
  return clamp_f32(a + b, std::get<ir::Add>(workload.op().attributes).clamp);
}

/// The operand as a buffer: constant, or input (one for both when they are the same tensor).
std::string add_operand(const Workload& workload, size_t i, Program* program) {
  const ir::Tensor& t = workload.input(i);
  const int64_t count = ir::elements(t.shape);
  const std::string name = i == 0 ? "a" : "b";
  if (t.is_constant()) {
    program->buffers.push_back(loop::constant(name, type_of(t.dtype), {count}, t.data.value()));
  } else if (i == 1 && workload.op().inputs[0] == workload.op().inputs[1]) {
    return "a";
  } else {
    program->buffers.push_back(loop::input(name, type_of(t.dtype), {count}));
  }
  return name;
}

/// Equal shapes, int8, and a target whose instructions make an addition exact without the reference's three roundings.
std::optional<micro::AddForm> scheduled_form(const Workload& workload, const target::Target& target) {
  const bool add = std::holds_alternative<ir::Add>(workload.op().attributes);
  const bool plain =
      workload.input(0).shape == workload.output().shape && workload.input(1).shape == workload.output().shape;
  const bool constant = workload.input(0).is_constant() || workload.input(1).is_constant();
  if (!add || !plain || constant || is_float(workload) || workload.op().post || !target.dsp) return std::nullopt;
  return micro::plan_add(ir::add_params(workload.graph, workload.op()), ir::clamp_i8(workload.op()));
}

Program scheduled_add(const Workload& workload, const micro::AddForm& form, const target::Target& target,
                      const std::string& name) {
  const int64_t count = ir::elements(workload.output().shape);
  Program program;
  program.name = name;
  const std::string name_a = add_operand(workload, 0, &program), name_b = add_operand(workload, 1, &program);
  program.buffers.push_back(loop::output("y", Type::kI8, {count}));
  const std::string function = name + "_add";
  program.functions = {micro::function_of(micro::add(function, form, target), micro::add_touches())};
  program.body = {loop::invoke(function, {loop::address(name_a, {0}), loop::address(name_b, {0}),
                                          loop::address("y", {0}), loop::number(count)})};
  return program;
}

Program lower_arithmetic(const Workload& workload, const space::Config&, const target::Target& target,
                         const std::string& name) {
  if (const std::optional<micro::AddForm> form = scheduled_form(workload, target)) {
    return scheduled_add(workload, *form, target, name);
  }
  const ir::Shape& out = workload.output().shape;
  Program program;
  program.name = name;
  const std::string name_a = add_operand(workload, 0, &program), name_b = add_operand(workload, 1, &program);
  program.buffers.push_back(loop::output("y", type_of(workload.output().dtype), {ir::elements(out)}));

  const std::vector<Dimension> dimensions = dimensions_of(workload.input(0).shape, workload.input(1).shape, out);
  Affine at_a, at_b, at_y;
  int64_t step = 1;
  for (size_t d = dimensions.size(); d-- > 0; step *= dimensions[d].extent) {
    const Affine i = var("i" + std::to_string(d));
    at_a = at_a + i * dimensions[d].step_a;
    at_b = at_b + i * dimensions[d].step_b;
    at_y = at_y + i * step;
  }
  const Expr a = loop::load(name_a, {at_a}), b = loop::load(name_b, {at_b});
  loop::Block body{loop::store(
      "y", {at_y}, is_float(workload) ? float_result(workload, a, b) : int8_result(workload, &program, a, b))};
  for (size_t d = dimensions.size(); d-- > 0;) {
    loop::Block nest;
    nest.push_back(loop::loop("i" + std::to_string(d), dimensions[d].extent, std::move(body)));
    body = std::move(nest);
  }
  program.body = std::move(body);
  return program;
}

}  // namespace

const Family kArithmetic{2, no_choice, no_config, lower_arithmetic};

}  // namespace mote::kernels
