// Mean.
#include <algorithm>

#include "kernels/common.h"
#include "kernels/family.h"

namespace mote::kernels {

using loop::Affine;
using loop::Expr;
using loop::Program;
using loop::Type;
using loop::var;

namespace {

/// `body` inside one loop per dimension of `shape` that is (or is not) among `axes`.
loop::Block nest_over(const ir::Shape& shape, const std::vector<int32_t>& axes, bool reduced, loop::Block body) {
  for (size_t d = shape.size(); d-- > 0;) {
    const bool is_reduced = std::find(axes.begin(), axes.end(), static_cast<int32_t>(d)) != axes.end();
    if (is_reduced != reduced) continue;
    loop::Block outer;
    outer.push_back(loop::loop("i" + std::to_string(d), shape[d], std::move(body)));
    body = std::move(outer);
  }
  return body;
}

Program lower_mean(const Workload& workload, const space::Config&, const target::Target&, const std::string& name) {
  const ir::Mean& mean = std::get<ir::Mean>(workload.op().attributes);
  const ir::Shape& shape = workload.input(0).shape;
  const bool real = is_float(workload);
  const Type element = real ? Type::kF32 : Type::kI8, sum = real ? Type::kF32 : Type::kI32;
  const int64_t outputs = ir::elements(workload.output().shape);
  Program program;
  program.name = name;
  program.buffers = {loop::input("x", element, extents_of(workload.input(0))), loop::output("y", element, {outputs}),
                     loop::local("acc", sum, {})};
  std::vector<Affine> at_x;
  Affine at_y;
  for (size_t d = 0; d < shape.size(); ++d) {
    const Affine i = var("i" + std::to_string(d));
    at_x.push_back(i);
    if (std::find(mean.axes.begin(), mean.axes.end(), static_cast<int32_t>(d)) == mean.axes.end())
      at_y = at_y * shape[d] + i;
  }
  const Expr acc = loop::load("acc", {});
  Expr result;
  if (real) {
    const int64_t summed = ir::elements(shape) / outputs;
    result = acc / loop::imm_f(static_cast<float>(summed));
  } else {
    const ir::MeanParams p = ir::mean_params(workload.graph, workload.op());
    const Expr centred = acc - loop::imm(int64_t{p.count} * p.in_zero_point);
    const Expr scaled =
        loop::call(loop::kRequantize, {centred, loop::imm(p.multiplier.mantissa), loop::imm(p.multiplier.shift)});
    result = finish_i8(&program, workload, scaled + loop::imm(p.out_zero_point));
  }
  loop::Block body{loop::store("acc", {}, real ? loop::imm_f(0) : loop::imm(0))};
  for (loop::Stmt& stmt : nest_over(shape, mean.axes, true, {loop::store("acc", {}, acc + loop::load("x", at_x))})) {
    body.push_back(std::move(stmt));
  }
  body.push_back(loop::store("y", {at_y}, result));
  program.body = nest_over(shape, mean.axes, false, std::move(body));
  return program;
}

}  // namespace

const Family kMean{1, no_choice, no_config, lower_mean};

}  // namespace mote::kernels
