#include "docs/matrix_vector.h"

// docs/add-a-template.md shows what follows, word for word; docs_test.cc sees to that, and runs it.
// begin
#include "loop/build.h"
#include "loop/schedule.h"
#include "measure/measurer.h"
#include "tune/tuner.h"

using namespace mote;

/// y[i] = sum over j of w[i][j] * x[j], from the plain loops and the knobs.
loop::Program matrix_vector(const Bytes& weights, int rows, int columns, const space::Config& knobs) {
  using loop::var;
  loop::Program p;
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

/// The best knobs after 20 trials on the virtual board, and their cycles. `y` is what must come out for `x`.
std::pair<space::Config, uint64_t> tune_matrix_vector(const Bytes& weights, int rows, int columns, const Bytes& x,
                                                      const Bytes& y, records::Database* records) {
  const target::Board board = target::load_board("nucleo-f746zg", {});
  std::vector<tune::Task> tasks(1);
  tasks[0].workload = tasks[0].title = "matrix_vector " + std::to_string(rows) + "x" + std::to_string(columns);
  tasks[0].macs = int64_t{rows} * columns;
  tasks[0].space = space::product({space::divisors("rows", rows, 8, "rows summed at a time"),
                                   space::divisors("unroll", columns, 16, "products that are written out")});
  tasks[0].fallback = tasks[0].space.at(0);
  measure::Subject subject;
  subject.lower = [&](const space::Config& knobs, const std::string& name) {
    loop::Program program = matrix_vector(weights, rows, columns, knobs);
    program.name = name;
    return program;
  };
  subject.inputs = {x};
  subject.expected = y;
  session::Pool pool({"sim"}, board, {});
  measure::DeviceMeasurer measurer(pool, board, {{tasks[0].workload, subject}}, {});
  tune::Options options;
  options.trials = 20;
  options.setting = {board.target.name, board.name, "sim", measurer.compiler(), measurer.flags()};
  const tune::TaskProgress result = tune::tune(tasks, measurer, records, options).progress.tasks[0];
  return {result.best, result.best_cycles.value()};
}
// end
