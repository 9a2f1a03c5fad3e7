// Softmax over the last dimension. int8: differences to the row's maximum are at most 255, so their exponentials are a
// table.
#include "ir/fixed_math.h"
#include "kernels/common.h"
#include "kernels/family.h"

namespace mote::kernels {

using loop::Expr;
using loop::Program;
using loop::Type;
using loop::var;

namespace {

constexpr int kSumIntegerBits = 12;  // the reference sums exponentials in Q12.19

/// exp(-d) in Q0.31 for a stored difference of d; 0 where the reference leaves an element out.
std::vector<int32_t> exponentials(const ir::SoftmaxParams& p) {
  std::vector<int32_t> table;
  for (int32_t d = 0; d < 256; ++d) {
    const bool counts = -d >= p.diff_min;
    table.push_back(counts ? ir::exp_q5(ir::multiply_by_quantized_multiplier(-d, p.input)) : 0);
  }
  return table;
}

Program int8_softmax(const Workload& workload, const std::string& name, int64_t rows, int64_t depth) {
  Program program;
  program.name = name;
  const ir::SoftmaxParams p = ir::softmax_params(workload.graph, workload.op());
  program.buffers = {loop::input("x", Type::kI8, {rows, depth}),
                     loop::output("y", Type::kI8, {rows, depth}),
                     loop::constant("exponential", Type::kI32, {256}, to_bytes(exponentials(p))),
                     loop::local("largest", Type::kI32, {}),
                     loop::local("sum", Type::kI32, {}),
                     loop::local("reciprocal", Type::kI32, {}),
                     loop::local("exponent", Type::kI32, {})};
  const Expr x = loop::load("x", {var("row"), var("i")});
  const Expr largest = loop::load("largest", {}), sum = loop::load("sum", {});
  const Expr reciprocal = loop::load("reciprocal", {}), exponent = loop::load("exponent", {});
  const Expr e = loop::gather("exponential", largest - x);
  const Expr share = loop::call(loop::kRoundingShift, {loop::call(loop::kDoublingHighMul, {reciprocal, e}), exponent});
  // A sum of 512 and more leaves nothing of any element, and no shift that C allows.
  const Expr steps = loop::select(loop::less(exponent, loop::imm(32)), share, loop::imm(0));
  program.body = {loop::loop(
      "row", rows,
      {loop::store("largest", {}, loop::imm(-128)),
       loop::loop("i", depth, {loop::store("largest", {}, loop::max(largest, x))}),
       loop::store("sum", {}, loop::imm(0)),
       loop::loop("i", depth,
                  {loop::store("sum", {}, sum + loop::call(loop::kRoundingShift, {e, loop::imm(kSumIntegerBits)}))}),
       loop::store("reciprocal", {}, loop::call(loop::kReciprocal, {sum})),
       loop::store("exponent", {}, loop::imm(kSumIntegerBits + 31 - 8) - loop::call(loop::kLeadingZeros, {sum})),
       loop::loop("i", depth,
                  {loop::store("y", {var("row"), var("i")}, finish_i8(&program, workload, steps - loop::imm(128)))})})};
  return program;
}

Program float_softmax(const Workload& workload, const std::string& name, int64_t rows, int64_t depth) {
  Program program;
  program.name = name;
  program.buffers = {loop::input("x", Type::kF32, {rows, depth}), loop::output("y", Type::kF32, {rows, depth}),
                     loop::local("largest", Type::kF32, {}), loop::local("sum", Type::kF32, {})};
  const Expr x = loop::load("x", {var("row"), var("i")}), y = loop::load("y", {var("row"), var("i")});
  const Expr largest = loop::load("largest", {}), sum = loop::load("sum", {});
  const float beta = std::get<ir::Softmax>(workload.op().attributes).beta;
  const Expr e = loop::call(loop::kExp, {(x - largest) * loop::imm_f(beta)});
  program.body = {loop::loop(
      "row", rows,
      {loop::store("largest", {}, loop::load("x", {var("row"), 0})),
       loop::loop("i", depth, {loop::store("largest", {}, loop::max(largest, x))}),
       loop::store("sum", {}, loop::imm_f(0)),
       loop::loop("i", depth, {loop::store("y", {var("row"), var("i")}, e), loop::store("sum", {}, sum + y)}),
       loop::loop("i", depth, {loop::store("y", {var("row"), var("i")}, y / sum)})})};
  return program;
}

Program lower_softmax(const Workload& workload, const space::Config&, const target::Target&, const std::string& name) {
  const int64_t depth = workload.input(0).shape.back();
  const int64_t rows = ir::elements(workload.input(0).shape) / depth;
  return is_float(workload) ? float_softmax(workload, name, rows, depth) : int8_softmax(workload, name, rows, depth);
}

}  // namespace

const Family kSoftmax{1, no_choice, no_config, lower_softmax};

}  // namespace mote::kernels
