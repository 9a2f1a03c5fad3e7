// AveragePool2D and MaxPool2D.
#include <algorithm>
#include <limits>

#include "kernels/border.h"
#include "kernels/common.h"
#include "kernels/family.h"
#include "kernels/micro/pool.h"
#include "kernels/micro/touches.h"
#include "loop/schedule.h"

namespace mote::kernels {

using loop::Affine;
using loop::Expr;
using loop::Program;
using loop::Type;
using loop::var;

namespace {

/// Windows up to here are written out tap by tap; larger ones are summed by a kernel of their own.
constexpr int32_t kFewTaps = 16;

struct Window {
  ir::Size2D window, stride;
  ir::Padding2D padding;
  ir::Clamp clamp;
  bool average;
};

Window window_of(const Workload& workload) {
  if (const auto* p = std::get_if<ir::AveragePool2D>(&workload.op().attributes)) {
    return {p->window, p->stride, p->padding, p->clamp, true};
  }
  const ir::MaxPool2D& p = std::get<ir::MaxPool2D>(workload.op().attributes);
  return {p.window, p.stride, p.padding, p.clamp, false};
}

/// How many of the window's rows (columns) lie inside the input, for each output row (column).
std::vector<int32_t> taps_inside(int32_t out, int32_t in, int32_t window, int32_t stride, int32_t pad) {
  std::vector<int32_t> counts;
  for (int32_t o = 0; o < out; ++o) {
    const int32_t first = std::max(o * stride - pad, 0), last = std::min(o * stride - pad + window, in);
    counts.push_back(last - first);
  }
  return counts;
}

/// The window's number of taps inside the input: a number where it is the same everywhere, else a product of two
/// looked-up counts.
Expr count_of(const Workload& workload, const Window& w, Program* program) {
  const ir::Shape& in = workload.input(0).shape;
  const ir::Shape& out = workload.output().shape;
  const std::vector<int32_t> rows = taps_inside(out[1], in[1], w.window.h, w.stride.h, w.padding.top);
  const std::vector<int32_t> columns = taps_inside(out[2], in[2], w.window.w, w.stride.w, w.padding.left);
  const auto factor = [&](const std::vector<int32_t>& counts, const char* name, const char* variable) {
    if (std::all_of(counts.begin(), counts.end(), [&](int32_t c) { return c == counts.front(); })) {
      return loop::imm(counts.front());
    }
    program->buffers.push_back(
        loop::constant(name, Type::kI32, {static_cast<int64_t>(counts.size())}, to_bytes(counts)));
    return loop::load(name, {var(variable)});
  };
  const Expr count_y = factor(rows, "rows_inside", "oy"), count_x = factor(columns, "columns_inside", "ox");
  const auto* y = std::get_if<loop::IntConst>(&count_y->node);
  const auto* x = std::get_if<loop::IntConst>(&count_x->node);
  if (y != nullptr && x != nullptr) return loop::imm(y->value * x->value);
  return count_y * count_x;
}

/// Whether four channels may be pooled at a time, in the bytes of a word or the halves of two: sums must fit.
bool by_fours(const Workload& workload, const Window& w, const target::Target& target) {
  const bool fits = !w.average || w.window.h * w.window.w <= 255;
  return target.dsp && !is_float(workload) && workload.output().shape[3] % 4 == 0 && fits;
}

/// Loops over outputs, four channels at a time, with `body` inside.
loop::Block over_fours(const ir::Shape& out, loop::Block body) {
  return {loop::loop(
      "n", out[0],
      {loop::loop("oy", out[1], {loop::loop("ox", out[2], {loop::loop("c", out[3] / 4, std::move(body))})})})};
}

/// The word of four channels that a tap of the window reads.
Expr tap_of_fours(const Window& w, uint32_t outside) {
  const Affine row = var("oy") * w.stride.h + var("ky") - w.padding.top;
  const Affine column = var("ox") * w.stride.w + var("kx") - w.padding.left;
  return loop::load_word_or("x", {var("n"), row, column, var("c") * 4}, 4, loop::imm(outside, Type::kU32));
}

/// Sums of even and odd channels of four in the halves of two words, then the four means.
loop::Block average_by_fours(const Workload& workload, const Window& w, Program* program) {
  program->buffers.insert(program->buffers.end(),
                          {loop::local("even", Type::kU32, {}), loop::local("odd", Type::kU32, {}),
                           loop::local("sum", Type::kI32, {4}), loop::local("word", Type::kU32, {})});
  const Expr even = loop::load("even", {}), odd = loop::load("odd", {}), word = loop::load("word", {});
  const Expr zero = loop::imm(0, Type::kU32);
  const loop::Block taps{
      loop::store("word", {}, tap_of_fours(w, 0)),
      loop::store("even", {}, loop::call(loop::kAdd16, {even, loop::call(loop::kSxtb16, {word})})),
      loop::store("odd", {}, loop::call(loop::kAdd16, {odd, loop::call(loop::kSxtb16Ror8, {word})}))};
  loop::Block channels{loop::store("even", {}, zero), loop::store("odd", {}, zero),
                       loop::loop("ky", w.window.h, {loop::loop("kx", w.window.w, taps)})};
  for (int64_t i = 0; i < 4; ++i) {
    // The low half by shifting it up and down again, so that its sign spreads.
    const Expr pair = loop::cast(Type::kI32, i % 2 == 0 ? even : odd);
    channels.push_back(loop::store("sum", {i}, loop::shift_right(i < 2 ? loop::shift_left(pair, 16) : pair, 16)));
  }
  const Expr count = count_of(workload, w, program);
  const Expr half = count / loop::imm(2);
  for (int64_t i = 0; i < 4; ++i) {
    const Expr sum = loop::load("sum", {i});
    const Expr mean = loop::select(loop::less(loop::imm(0), sum), sum + half, sum - half) / count;
    channels.push_back(
        loop::store("y", {var("n"), var("oy"), var("ox"), var("c") * 4 + i}, finish_i8(program, workload, mean)));
  }
  return channels;
}

/// The greatest of each byte, then the four finished values.
loop::Block max_by_fours(const Workload& workload, const Window& w, Program* program) {
  program->buffers.push_back(loop::local("largest", Type::kU32, {}));
  const Expr largest = loop::load("largest", {});
  constexpr uint32_t kLeast = 0x80808080u;
  loop::Block channels{
      loop::store("largest", {}, loop::imm(kLeast, Type::kU32)),
      loop::loop(
          "ky", w.window.h,
          {loop::loop("kx", w.window.w,
                      {loop::store("largest", {}, loop::call(loop::kMax8, {largest, tap_of_fours(w, kLeast)}))})})};
  const ir::ClampI8 bounds = ir::clamp_i8(workload.op());
  if (bounds.lo == -128 && bounds.hi == 127 && !workload.op().post) {
    channels.push_back(loop::store_word("y", {var("n"), var("oy"), var("ox"), var("c") * 4}, 4, largest));
    return channels;
  }
  for (int i = 0; i < 4; ++i) {
    const Expr byte = loop::shift_right(loop::shift_left(loop::cast(Type::kI32, largest), 24 - 8 * i), 24);
    channels.push_back(
        loop::store("y", {var("n"), var("oy"), var("ox"), var("c") * 4 + i}, finish_i8(program, workload, byte)));
  }
  return channels;
}

/// Small windows tap by tap, tested for padding only near the border.
void write_out_window(const Workload& workload, const Window& w, Program* program) {
  if (w.window.h * w.window.w > kFewTaps) return;
  const ir::Shape& in = workload.input(0).shape;
  const ir::Shape& out = workload.output().shape;
  loop::unroll(program, "kx");
  loop::unroll(program, "ky");
  peel_border(program, "ox", out[2], border_of(out[2], in[2], w.stride.w, w.window.w - 1, w.padding.left));
  peel_border(program, "oy", out[1], border_of(out[1], in[1], w.stride.h, w.window.h - 1, w.padding.top));
}

Program pool_by_fours(const Workload& workload, const Window& w, const std::string& name) {
  Program program;
  program.name = name;
  program.buffers = {loop::input("x", Type::kI8, extents_of(workload.input(0))),
                     loop::output("y", Type::kI8, extents_of(workload.output()))};
  program.body = over_fours(workload.output().shape,
                            w.average ? average_by_fours(workload, w, &program) : max_by_fours(workload, w, &program));
  write_out_window(workload, w, &program);
  return program;
}

/// The scheduled kernel that sums windows, when it can do these.
std::optional<micro::WindowSumSpec> window_sum_of(const Workload& workload, const Window& w,
                                                  const target::Target& target, const std::string& name) {
  const ir::Shape& in = workload.input(0).shape;
  if (!target.dsp || is_float(workload) || !w.average || w.padding != ir::Padding2D{}) return std::nullopt;
  const micro::WindowSumSpec spec{name + "_sums", in[3], w.window.h, w.window.w, in[2] * in[3]};
  return micro::why_no_window_sum(spec) ? std::nullopt : std::optional(spec);
}

/// The sums of each window's channels, then their means.
Program average_by_sums(const Workload& workload, const Window& w, const micro::WindowSumSpec& spec,
                        const target::Target& target, const std::string& name) {
  const ir::Shape& out = workload.output().shape;
  Program program;
  program.name = name;
  program.buffers = {loop::input("x", Type::kI8, extents_of(workload.input(0))),
                     loop::output("y", Type::kI8, extents_of(workload.output())),
                     loop::workspace("sums", Type::kI16, {out[3]})};
  program.functions = {micro::function_of(micro::window_sum(spec, target), micro::window_sum_touches(spec))};
  const Expr sum = loop::load("sums", {var("c")}), half = loop::imm(w.window.h * w.window.w / 2);
  const Expr mean =
      loop::select(loop::less(loop::imm(0), sum), sum + half, sum - half) / loop::imm(w.window.h * w.window.w);
  const loop::Stmt sums = loop::invoke(
      spec.name,
      {loop::address("x", {var("n"), var("oy") * w.stride.h, var("ox") * w.stride.w, 0}), loop::address("sums", {0})});
  const loop::Stmt means = loop::loop(
      "c", out[3], {loop::store("y", {var("n"), var("oy"), var("ox"), var("c")}, finish_i8(&program, workload, mean))});
  program.body = {loop::loop("n", out[0], {loop::loop("oy", out[1], {loop::loop("ox", out[2], {sums, means})})})};
  return program;
}

/// A few channels at a time, so that their sums do not wait for one another.
void interleave_channels(const Workload& workload, Program* program) {
  int64_t tile = 4;
  while (workload.output().shape[3] % tile != 0) --tile;
  if (tile == 1) return;
  loop::split(program, "c", tile, "c_o", "c_i");
  loop::distribute(program, "c_i");
  loop::move_inward(program, "c_i", {"ky", "kx"});
  loop::unroll(program, "c_i");
}

/// acc / count; where the count is the same everywhere, times its reciprocal: a division takes fourteen cycles.
Expr float_mean(const Expr& acc, const Expr& count) {
  if (const auto* n = std::get_if<loop::IntConst>(&count->node)) {
    return acc * loop::imm_f(1.0f / static_cast<float>(n->value));
  }
  return acc / loop::cast(Type::kF32, count);
}

Program lower_pooling(const Workload& workload, const space::Config&, const target::Target& target,
                      const std::string& name) {
  const Window w = window_of(workload);
  if (w.window.h * w.window.w > kFewTaps) {
    if (const std::optional<micro::WindowSumSpec> spec = window_sum_of(workload, w, target, name)) {
      return average_by_sums(workload, w, *spec, target, name);
    }
  }
  if (by_fours(workload, w, target)) return pool_by_fours(workload, w, name);
  const bool real = is_float(workload);
  const ir::Shape& out = workload.output().shape;
  const Type element = real ? Type::kF32 : Type::kI8, sum = real ? Type::kF32 : Type::kI32;
  Program program;
  program.name = name;
  program.buffers = {loop::input("x", element, extents_of(workload.input(0))),
                     loop::output("y", element, extents_of(workload.output())), loop::local("acc", sum, {})};
  const Affine row = var("oy") * w.stride.h + var("ky") - w.padding.top;
  const Affine column = var("ox") * w.stride.w + var("kx") - w.padding.left;
  const Expr zero = real ? loop::imm_f(0) : loop::imm(0);
  const Expr least = real ? loop::imm_f(std::numeric_limits<float>::lowest()) : loop::imm(-128);
  const Expr start = w.average ? zero : least;
  const Expr tap = loop::load_or("x", {var("n"), row, column, var("c")}, start);
  const Expr acc = loop::load("acc", {});
  Expr result = acc;
  if (w.average) {
    const Expr count = count_of(workload, w, &program);
    if (real) {
      result = float_mean(acc, count);
    } else {
      const Expr half = count / loop::imm(2);
      result = loop::select(loop::less(loop::imm(0), acc), acc + half, acc - half) / count;
    }
  }
  result = real ? clamp_f32(result, w.clamp) : finish_i8(&program, workload, result);
  const loop::Stmt step = loop::store("acc", {}, w.average ? acc + tap : loop::max(acc, tap));
  program.body = {loop::loop(
      "n", out[0],
      {loop::loop(
          "oy", out[1],
          {loop::loop("ox", out[2],
                      {loop::loop("c", out[3],
                                  {loop::store("acc", {}, start),
                                   loop::loop("ky", w.window.h, {loop::loop("kx", w.window.w, {step})}),
                                   loop::store("y", {var("n"), var("oy"), var("ox"), var("c")}, result)})})})})};
  if (real) {
    interleave_channels(workload, &program);
    write_out_window(workload, w, &program);
  }
  return program;
}

}  // namespace

const Family kPooling{6, no_choice, no_config, lower_pooling};

}  // namespace mote::kernels
