#include "kernels/convolution_gemm.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/common.h"
#include "kernels/convolution_geometry.h"
#include "kernels/micro/gemm.h"
#include "kernels/micro/touches.h"
#include "kernels/padded_rows.h"
#include "kernels/requant_plan.h"
#include "kernels/widen.h"

namespace mote::kernels {

using loop::Affine;
using loop::Block;
using loop::Expr;
using loop::imm;
using loop::Program;
using loop::Type;
using loop::var;

namespace {

micro::GemmSpec spec_of(const ConvolutionGeometry& g, const space::Config& config, const target::Target& target,
                        const std::string& name) {
  const bool wide = config.at("weights") == kInt16Weights;
  const std::vector<micro::GemmTile> tiles = micro::gemm_tiles(target, wide);
  const size_t choice = static_cast<size_t>(config.at("tile"));
  if (choice >= tiles.size()) throw loop::ScheduleError("there is no such tile for this weight width");
  micro::GemmSpec spec;
  spec.name = name + "_gemm";
  spec.channels = static_cast<int>(g.out_channels);
  spec.tile_channels = tiles[choice].channels;
  const int64_t positions = g.columns && !g.windows ? g.out_width * g.out_height : g.out_width / g.phases;
  spec.tile_positions = static_cast<int>(std::min<int64_t>(tiles[choice].positions, positions));
  while (spec.tile_positions > 1 && (spec.tile_positions - 1) * g.position_elements() * 2 > micro::kGemmReach) {
    --spec.tile_positions;
  }
  spec.segments = g.columns ? 1 : static_cast<int>(g.kernel_h);
  spec.segment_pairs = static_cast<int>((g.columns ? g.window_elements() : g.segment_elements()) / 2);
  spec.segment_step = static_cast<int32_t>(g.row_elements() * 2 * g.dilation_h);
  spec.position_step = static_cast<int32_t>(g.position_elements() * 2);
  spec.pair_step = 4;
  spec.group_step = spec.tile_positions * spec.position_step;
  spec.out_channel_step = 1;
  spec.out_position_step = static_cast<int32_t>(g.phases * g.out_channels);
  spec.out_group_step = spec.tile_positions * spec.out_position_step;
  spec.code_budget = static_cast<int>(config.at(kCodeBudgetKnob));
  return spec;
}

/// Adds the micro-kernel with its weight stream to the program.
void add_gemm(Program* program, const Workload& workload, const ConvolutionGeometry& g, int64_t weight_form,
              micro::GemmSpec* spec, const target::Target& target) {
  const int32_t channels = static_cast<int32_t>(g.out_channels);
  const std::vector<int32_t> biases = folded_biases(workload, channels, outermost_channel);
  const RequantPlan plan = plan_for(workload, biases, ChannelAxis::kOutermost, 1);
  spec->form = plan.form;
  set_weight_form(workload, biases, plan, weight_form, spec);
  if (const std::optional<std::string> why = micro::why_no_gemm(*spec)) throw loop::ScheduleError(*why);
  const std::vector<std::vector<int8_t>> weights = weights_by_channel(workload, ChannelAxis::kOutermost);
  const int64_t row = g.columns ? g.kernel_w * g.stored_channels : g.segment_elements();
  const auto weight = [&](int channel, int k) -> int32_t {
    const int64_t ky = k / row, kx = k % row / g.stored_channels, c = channel_at(g, k % row % g.stored_channels);
    if (c < 0 || ky >= g.kernel_h || kx >= g.kernel_w) return 0;
    return weights[static_cast<size_t>(channel)][static_cast<size_t>((ky * g.kernel_w + kx) * g.channels + c)];
  };
  const std::vector<uint32_t> stream = micro::pack_gemm_weights(*spec, weight, biases, plan.channels);
  program->buffers.push_back(
      loop::constant("weights", Type::kU32, {static_cast<int64_t>(stream.size())}, to_bytes(stream)));
  program->functions.push_back(micro::function_of(micro::gemm(*spec, target), micro::gemm_touches(*spec)));
}

/// Calls of the kernel for `count` positions, the first at element `from` of `source` and written to element `to` of y.
/// The last group is moved back to end with the last position.
Block gemm_calls(const ConvolutionGeometry& g, const micro::GemmSpec& spec, const std::string& source,
                 const Affine& from, const Affine& to, int64_t count) {
  const int64_t tile = spec.tile_positions;
  Block calls;
  for (int64_t phase = 0; phase < g.phases; ++phase) {
    const int64_t here = (count + g.phases - 1 - phase) / g.phases;
    const bool shifted = phase == 1;  // its first element is odd, and one less in the copy
    const Affine start = shifted ? from + (g.stride_w * g.stored_channels - 1) : from;
    const auto call = [&](int64_t position, int64_t groups) {
      calls.push_back(loop::invoke(
          spec.name,
          {loop::address("weights", {0}),
           loop::address(shifted ? "shifted" : source, {start + position * g.position_elements()}),
           loop::address("y", {to + (position * g.phases + phase) * g.out_channels}), loop::number(groups)}));
    };
    if (here >= tile) call(0, here / tile);
    if (here % tile != 0) call(here - tile, 1);
  }
  return calls;
}

/// wide[to ..] = `pixels` pixels of x from element `from` on, as int16.
Block widen_pixels(const ConvolutionGeometry& g, const Affine& from, const Affine& to, int64_t pixels) {
  if (!by_pixel(g)) return widen("x", from, "wide", to, pixels * g.channels, order_of(g));
  return {loop::loop("pixel", pixels,
                     widen("x", from + var("pixel") * (g.gather_w * g.channels), "wide",
                           to + var("pixel") * g.stored_channels, g.channels, order_of(g)))};
}

/// shifted[i] = wide[i + 1], where odd positions need it.
Block shift(const ConvolutionGeometry& g, int64_t elements) {
  if (g.phases == 1) return {};
  const Affine at = var("word") * 2;
  const Expr low = loop::load_word("wide", {at}, 2), high = loop::load_word("wide", {at + 2}, 2);
  const Expr word = loop::call(loop::kPackLow, {loop::shift_right(low, 16), high});
  return {loop::loop("word", (elements + 1) / 2, {loop::store_word("shifted", {at}, 2, word)})};
}

void append(Block* block, Block more) {
  for (loop::Stmt& stmt : more) block->push_back(std::move(stmt));
}

/// One long row in blocks; the last block is moved back to end with the last position.
Block pointwise_body(const ConvolutionGeometry& g, const micro::GemmSpec& spec, int64_t block) {
  const auto process = [&](const Affine& start, int64_t count) {
    Block body = widen_pixels(g, start * g.channels, 0, count);
    append(&body, shift(g, count * g.stored_channels));
    append(&body, gemm_calls(g, spec, "wide", 0, start * g.out_channels, count));
    return body;
  };
  const int64_t positions = g.out_width, rest = positions % block;
  Block body{loop::loop("block", positions / block, process(var("block") * block, block))};
  if (rest > 0) {
    const int64_t count = std::max<int64_t>(rest, spec.tile_positions * g.phases);
    append(&body, process(positions - count, count));
  }
  return body;
}

/// All positions where they are.
Block pointwise_in_place(const ConvolutionGeometry& g, const micro::GemmSpec& spec) {
  return gemm_calls(g, spec, "x", 0, 0, g.out_width);
}

/// 0 <= index < size, as far as that is not certain for an index in `range`; null when it is.
Expr within(const Affine& index, const loop::Interval& range, int64_t size) {
  const Expr value = loop::value_of(index);
  const Expr below = range.hi >= size ? loop::less(value, imm(size)) : nullptr;
  if (range.lo >= 0) return below;
  const Expr above = loop::less(imm(-1), value);
  return below ? loop::binary(loop::BinaryOp::kAnd, above, below) : above;
}

/// columns = the windows of `rows` output rows, one after the other, from the widened rows.
Block copy_windows(const ConvolutionGeometry& g, int64_t rows) {
  // Runs that are consecutive in a row: whole rows of the window, or single pixels where it is dilated.
  const int64_t runs = g.dilation_w == 1 ? 1 : g.kernel_w, length = g.kernel_w / runs * g.stored_channels;
  const Affine from = (var("r") * g.stride_h + var("ky") * g.dilation_h) * g.row_elements() +
                      (var("ox") * g.stride_w + var("kx") * g.dilation_w) * g.stored_channels;
  const Affine to =
      (var("r") * g.out_width + var("ox")) * g.window_elements() + (var("ky") * runs + var("kx")) * length;
  Block run;
  if (length >= 2) {
    run.push_back(loop::loop(
        "i", length / 2,
        {loop::store_word("columns", {to + var("i") * 2}, 2, loop::load_word("wide", {from + var("i") * 2}, 2))}));
  }
  if (length % 2 != 0) {
    run.push_back(loop::store("columns", {to + (length - 1)}, loop::load("wide", {from + (length - 1)})));
  }
  return {loop::loop(
      "r", rows,
      {loop::loop("ox", g.out_width, {loop::loop("ky", g.kernel_h, {loop::loop("kx", runs, std::move(run))})})})};
}

/// `rows` output rows from `out_row` on, whose input rows are widened.
Block some_rows(const ConvolutionGeometry& g, const micro::GemmSpec& spec, const Affine& out_row, int64_t rows) {
  const Affine to = (var("n") * g.out_height + out_row) * (g.out_width * g.out_channels);
  if (g.columns) {
    Block body = copy_windows(g, rows);
    append(&body, gemm_calls(g, spec, "columns", 0, to, rows * g.out_width));
    return body;
  }
  Block body = shift(g, g.rows_needed(rows) * g.row_elements());
  Block calls = gemm_calls(g, spec, "wide", var("r") * (g.stride_h * g.row_elements()),
                           to + var("r") * (g.out_width * g.out_channels), g.out_width);
  body.push_back(loop::loop("r", rows, std::move(calls)));
  return body;
}

/// Blocks of `rows` output rows, and what they leave.
Block rows_body(const ConvolutionGeometry& g, const micro::GemmSpec& spec, int64_t rows, int32_t zero_point) {
  const int64_t pixels = std::min(g.width, g.padded_width - g.pad_left);
  const PaddedRows padded{.batch = g.batch,
                          .height = g.height,
                          .out_height = g.out_height,
                          .stride = g.stride_h,
                          .reach = (g.kernel_h - 1) * g.dilation_h,
                          .above = g.pad_top,
                          .row_elements = g.row_elements(),
                          .left = g.pad_left * g.stored_channels,
                          .inside = pixels * g.stored_channels,
                          .buffer = "wide",
                          .outside = imm(zero_point),
                          .copy = [&](const Affine& in_row, const Affine& to) {
                            const Affine source_row = var("n") * g.source_height + in_row * g.gather_h;
                            return widen_pixels(g, source_row * (g.source_width * g.channels), to, pixels);
                          }};
  return by_padded_rows(padded, rows,
                        [&](const Affine& out_row, int64_t count) { return some_rows(g, spec, out_row, count); });
}

/// columns = the windows of one tile of positions, from column `ox` on of output row "oy", widened from the input.
loop::Stmt tile_of_windows(const ConvolutionGeometry& g, const micro::GemmSpec& spec, const Affine& ox,
                           int32_t zero_point) {
  const Affine row = var("oy") * g.stride_h + var("ky") * g.dilation_h - g.pad_top;
  const Affine column = (ox + var("p")) * g.stride_w + var("kx") * g.dilation_w - g.pad_left;
  const Affine from = ((var("n") * g.height + row) * g.width + column) * g.channels;
  const Affine to = var("p") * g.window_elements() + (var("ky") * g.kernel_w + var("kx")) * g.channels;
  const auto reach = [](int64_t out, int64_t stride, int64_t kernel, int64_t dilation, int64_t pad) {
    return loop::Interval{-pad, (out - 1) * stride + (kernel - 1) * dilation - pad};
  };
  const Expr in_rows = within(row, reach(g.out_height, g.stride_h, g.kernel_h, g.dilation_h, g.pad_top), g.height);
  const Expr in_columns = within(column, reach(g.out_width, g.stride_w, g.kernel_w, g.dilation_w, g.pad_left), g.width);
  Block copy = widen("x", from, "columns", to, g.channels, order_of(g));
  Block pixel;
  if (!in_rows && !in_columns) {
    pixel = std::move(copy);
  } else {
    const Expr inside = in_rows && in_columns ? loop::binary(loop::BinaryOp::kAnd, in_rows, in_columns)
                        : in_rows             ? in_rows
                                              : in_columns;
    pixel = {loop::when(inside, std::move(copy)), loop::when(loop::binary(loop::BinaryOp::kEqual, inside, imm(0)),
                                                             {fill("columns", to, g.channels, imm(zero_point))})};
  }
  return loop::loop("p", spec.tile_positions,
                    {loop::loop("ky", g.kernel_h, {loop::loop("kx", g.kernel_w, std::move(pixel))})});
}

/// Tile by tile along each row; the last one of a row is moved back to end with it.
Block windows_body(const ConvolutionGeometry& g, const micro::GemmSpec& spec, int32_t zero_point) {
  const int64_t tile = spec.tile_positions, tiles = g.out_width / tile;
  const auto one_tile = [&](const Affine& ox) {
    const Affine to = ((var("n") * g.out_height + var("oy")) * g.out_width + ox) * g.out_channels;
    return Block{tile_of_windows(g, spec, ox, zero_point),
                 loop::invoke(spec.name, {loop::address("weights", {0}), loop::address("columns", {0}),
                                          loop::address("y", {to}), loop::number(1)})};
  };
  Block row{loop::loop("block", tiles, one_tile(var("block") * tile))};
  if (g.out_width % tile != 0) {
    for (loop::Stmt& stmt : one_tile(g.out_width - tile)) row.push_back(std::move(stmt));
  }
  return {loop::loop("n", g.batch, {loop::loop("oy", g.out_height, std::move(row))})};
}

}  // namespace

std::optional<std::string> why_no_convolution_gemm(const Workload& workload, const target::Target& target) {
  if (!target.dsp) return "the target has no DSP extension";
  if (is_float(workload)) return "only int8";
  return std::nullopt;
}

Program convolution_gemm(const Workload& workload, const space::Config& config, const target::Target& target,
                         const std::string& name) {
  if (const std::optional<std::string> why = why_no_convolution_gemm(workload, target)) throw loop::ScheduleError(*why);
  const ConvolutionGeometry g = geometry_of(workload, static_cast<Layout>(config.get("layout", kWindows)));
  if (g.columns && g.pointwise) throw loop::ScheduleError("windows of one pixel are columns already");
  if (!g.columns && g.dilation_w != 1) throw loop::ScheduleError("the kernel cannot walk through dilated columns");
  if (g.wide && (!g.pointwise || g.stored_channels != g.channels || g.phases != 1)) {
    throw loop::ScheduleError("int16 input only for windows of one pixel of an even number of channels");
  }
  Program program;
  program.name = name;
  program.buffers = {loop::input("x", type_of(workload.input(0).dtype), {ir::elements(workload.input(0).shape)}),
                     loop::output("y", Type::kI8, {ir::elements(workload.output().shape)})};
  micro::GemmSpec spec = spec_of(g, config, target, name);
  add_gemm(&program, workload, g, config.at("weights"), &spec, target);
  if (g.windows) {
    program.body = windows_body(g, spec, input_zero_point(workload));
    program.buffers.push_back(loop::workspace("columns", Type::kI16, {spec.tile_positions * g.window_elements()}));
    look_up_output(&program, workload);
    return program;
  }

  if (g.wide) {
    program.body = pointwise_in_place(g, spec);
    look_up_output(&program, workload);
    return program;
  }
  const int64_t rows = std::min(config.at("rows"), g.pointwise ? g.out_width : g.out_height);
  int64_t elements = g.rows_needed(rows) * g.row_elements();
  if (g.pointwise) {
    const int64_t wanted = rows * workload.output().shape[2], tile = spec.tile_positions * g.phases;
    const int64_t block = std::min((wanted + tile - 1) / tile * tile, g.out_width);
    elements = (block * g.stored_channels + 1) / 2 * 2;
    program.body = pointwise_body(g, spec, block);
  } else {
    const int64_t fewest = g.out_height % rows == 0 ? rows : g.out_height % rows;
    if (g.columns && fewest * g.out_width < spec.tile_positions) {
      throw loop::ScheduleError("a block has fewer positions than a tile");
    }
    program.body = rows_body(g, spec, rows, input_zero_point(workload));
  }
  if (g.columns) {
    const int64_t positions = rows * g.out_width;
    program.buffers.push_back(loop::workspace("columns", Type::kI16, {positions * g.window_elements()}));
  }
  // The last window, or the last word of the shifted copy, may reach one element beyond.
  if (!g.columns && g.stored_channels % 2 != 0) elements += 2;
  program.buffers.push_back(loop::workspace("wide", Type::kI16, {elements}));
  look_up_output(&program, workload);
  if (g.phases == 2) program.buffers.push_back(loop::workspace("shifted", Type::kI16, {elements}));
  return program;
}

}  // namespace mote::kernels
