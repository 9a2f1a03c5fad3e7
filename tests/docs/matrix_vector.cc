#include "docs/matrix_vector.h"

// docs/add-a-template.md shows what follows, word for word; docs_test.cc sees to that, and runs it.
// begin
#include "loop/build.h"
#include "loop/schedule.h"
#include "measure/tune_program.h"

using namespace mote;

/// y[i] = sum over j of w[i][j] * x[j], from the plain loops and the knobs.
loop::Program matrix_vector(const std::string& name, const Bytes& weights, int rows, int columns,
                            const space::Config& knobs) {
  using loop::var;
  loop::Program p;
  p.name = name;
  p.buffers = {loop::input("x", loop::Type::kI8, {columns}), loop::output("y", loop::Type::kI32, {rows}),
               loop::constant("w", loop::Type::kI8, {rows, columns}, weights),
               loop::local("sum", loop::Type::kI32, {})};
  const loop::Expr product = loop::load("w", {var("i"), var("j")}) * loop::load("x", {var("j")});
  p.body = {loop::loop("i", rows,
                       {loop::store("sum", {}, loop::imm(0)),
                        loop::loop("j", columns, {loop::store("sum", {}, loop::load("sum", {}) + product)}),
                        loop::store("y", {var("i")}, loop::load("sum", {}))})};
  loop::split(&p, "i", knobs.at("rows"), "i_o", "i_i");  // some rows at a time, their sums in registers
  loop::distribute(&p, "i_i");
  loop::move_inward(&p, "i_i", {"j"});
  loop::split(&p, "j", knobs.at("unroll"), "j_o", "j_i");
  for (const char* written_out : {"j_i", "i_i"}) loop::unroll(&p, written_out);
  return p;
}

/// The best knobs after 20 trials on the virtual board. `y` is what must come out for `x`.
std::optional<measure::Tuned> tune_matrix_vector(const Bytes& weights, int rows, int columns, const Bytes& x,
                                                 const Bytes& y, records::Database* records) {
  tune::Task task;
  task.workload = task.title = "matrix_vector " + std::to_string(rows) + "x" + std::to_string(columns);
  task.macs = int64_t{rows} * columns;
  task.space = space::product({space::divisors("rows", rows, 8, "rows summed at a time"),
                               space::divisors("unroll", columns, 16, "products that are written out")});
  task.fallback = task.space.at(0);
  const auto lower = [&](const space::Config& knobs, const std::string& name) {
    return matrix_vector(name, weights, rows, columns, knobs);
  };
  tune::Options options;
  options.trials = 20;
  const target::Board board = target::load_board("nucleo-f746zg", {});
  return measure::tune_program(task, {lower, {x}, y}, board, "sim", options, records);
}
// end
