#include "kernels/convolution_float.h"

#include <algorithm>

#include "kernels/common.h"
#include "kernels/micro/float_gemm.h"
#include "kernels/micro/touches.h"
#include "kernels/padded_rows.h"

namespace mote::kernels {

using loop::Affine;
using loop::Block;
using loop::Program;
using loop::Type;
using loop::var;

namespace {

/// The convolution as the kernel sees it. A pointwise one without stride or padding is one long row.
struct Geometry {
  int64_t batch, height, width, channels;
  int64_t out_height, out_width, out_channels;
  int64_t kernel_h, kernel_w;
  ir::Size2D stride, dilation;
  int64_t above, left;   // padding
  int64_t padded_width;  // of the rows that the kernel walks through
  bool in_place;         // those of the input itself

  int64_t row_elements() const { return padded_width * channels; }
};

Geometry geometry_of(const Workload& workload) {
  const ir::Conv2D& conv = std::get<ir::Conv2D>(workload.op().attributes);
  const ir::Shape& x = workload.input(0).shape;
  const ir::Shape& w = workload.input(1).shape;
  const ir::Shape& y = workload.output().shape;
  Geometry g{.batch = x[0],
             .height = x[1],
             .width = x[2],
             .channels = x[3],
             .out_height = y[1],
             .out_width = y[2],
             .out_channels = y[3],
             .kernel_h = w[1],
             .kernel_w = w[2],
             .stride = conv.stride,
             .dilation = conv.dilation,
             .above = conv.padding.top,
             .left = conv.padding.left,
             .padded_width = x[2],
             .in_place = true};
  const int64_t last_row = (g.out_height - 1) * g.stride.h + (g.kernel_h - 1) * g.dilation.h - g.above;
  const int64_t reached = (g.out_width - 1) * g.stride.w + (g.kernel_w - 1) * g.dilation.w + 1;
  g.in_place = g.above == 0 && g.left == 0 && last_row < g.height && reached <= g.width;
  if (!g.in_place) g.padded_width = reached;
  const bool pointwise = g.kernel_h == 1 && g.kernel_w == 1 && g.stride == ir::Size2D{} && g.in_place &&
                         g.height == g.out_height && g.width == g.out_width;
  if (pointwise) {
    g.width = g.padded_width = g.out_width = g.batch * g.height * g.width;
    g.batch = g.height = g.out_height = 1;
  }
  return g;
}

micro::FloatGemmSpec spec_of(const Workload& workload, const Geometry& g, const micro::FloatTile& tile) {
  micro::FloatGemmSpec spec;
  const auto bytes = [](int64_t elements) { return static_cast<int32_t>(4 * elements); };
  spec.channels = static_cast<int>(g.out_channels);
  spec.tile_channels = tile.channels;
  spec.tile_positions = static_cast<int>(std::min<int64_t>(tile.positions, g.out_width));
  spec.segments = static_cast<int>(g.kernel_h);
  spec.runs = static_cast<int>(g.kernel_w);
  spec.length = static_cast<int>(g.channels);
  spec.segment_step = bytes(g.dilation.h * g.row_elements());
  spec.run_step = bytes(g.dilation.w * g.channels);
  spec.position_step = bytes(g.stride.w * g.channels);
  spec.group_step = spec.tile_positions * spec.position_step;
  spec.out_position_step = bytes(g.out_channels);
  spec.out_group_step = spec.tile_positions * spec.out_position_step;
  spec.clamp = limits_of(std::get<ir::Conv2D>(workload.op().attributes).clamp);
  return spec;
}

/// Calls for one row of outputs, whose windows begin at element `from` of `source`; the last group is moved back to end
/// with the row.
Block row_of_calls(const Geometry& g, const micro::FloatGemmSpec& spec, const std::string& source, const Affine& from,
                   const Affine& to) {
  Block calls;
  const auto call = [&](int64_t position, int64_t groups) {
    calls.push_back(loop::invoke(
        spec.name, {loop::address("weights", {0}), loop::address(source, {from + position * (g.stride.w * g.channels)}),
                    loop::address("y", {to + position * g.out_channels}), loop::number(groups)}));
  };
  const int64_t tile = spec.tile_positions;
  call(0, g.out_width / tile);
  if (g.out_width % tile != 0) call(g.out_width - tile, 1);
  return calls;
}

Block in_place_body(const Geometry& g, const micro::FloatGemmSpec& spec) {
  const Affine from = (var("n") * g.height + var("oy") * g.stride.h) * g.row_elements();
  const Affine to = (var("n") * g.out_height + var("oy")) * (g.out_width * g.out_channels);
  return {loop::loop("n", g.batch, {loop::loop("oy", g.out_height, row_of_calls(g, spec, "x", from, to))})};
}

PaddedRows padded_rows(const Geometry& g) {
  const int64_t inside = std::min(g.width, g.padded_width - g.left) * g.channels;
  return {.batch = g.batch,
          .height = g.height,
          .out_height = g.out_height,
          .stride = g.stride.h,
          .reach = (g.kernel_h - 1) * g.dilation.h,
          .above = g.above,
          .row_elements = g.row_elements(),
          .left = g.left * g.channels,
          .inside = inside,
          .buffer = "padded",
          .outside = loop::imm_f(0),
          .copy = [&g, inside](const Affine& in_row, const Affine& to) {
            const Affine from = (var("n") * g.height + in_row) * (g.width * g.channels);
            return Block{
                loop::loop("i", inside, {loop::store("padded", {to + var("i")}, loop::load("x", {from + var("i")}))})};
          }};
}

Block padded_body(const Geometry& g, const micro::FloatGemmSpec& spec, const PaddedRows& padded, int64_t rows) {
  return by_padded_rows(padded, rows, [&](const Affine& out_row, int64_t count) {
    const Affine from = var("r") * (g.stride.h * g.row_elements());
    const Affine to = (var("n") * g.out_height + out_row + var("r")) * (g.out_width * g.out_channels);
    return Block{loop::loop("r", count, row_of_calls(g, spec, "padded", from, to))};
  });
}

/// About the cycles of a step for all outputs.
double cost_of(const Geometry& g, const micro::FloatTile& wanted, const target::Target& target) {
  const auto whole = [](int64_t extent, int64_t tile) { return (extent + tile - 1) / tile; };
  const micro::FloatTile tile{static_cast<int>(std::min<int64_t>(wanted.channels, g.out_channels)),
                              static_cast<int>(std::min<int64_t>(wanted.positions, g.out_width))};
  return static_cast<double>(whole(g.out_channels, tile.channels) * whole(g.out_width, tile.positions) *
                             micro::float_gemm_step_cycles(tile, target));
}

}  // namespace

std::optional<std::string> why_no_convolution_float(const Workload& workload, const target::Target& target) {
  if (!is_float(workload)) return "only float32";
  if (!target.fpu || !target.dsp) return "the target has no FPU";
  return std::nullopt;
}

space::Alternative convolution_float_space(const std::string& name, const Workload& workload,
                                           const target::Target& target) {
  const Geometry g = geometry_of(workload);
  const std::vector<micro::FloatTile> tiles = micro::float_gemm_tiles(false);
  std::vector<int64_t> choices;
  for (size_t i = 0; i < tiles.size(); ++i) choices.push_back(static_cast<int64_t>(i));
  std::stable_sort(choices.begin(), choices.end(), [&](int64_t a, int64_t b) {
    return cost_of(g, tiles[static_cast<size_t>(a)], target) < cost_of(g, tiles[static_cast<size_t>(b)], target);
  });
  std::vector<space::Knob> knobs{
      space::one_of("tile", choices, "which tile of channels by positions"),
      space::one_of(kCodeBudgetKnob, {4096, 1024, 2048, 8192}, "bytes of unrolled inner loop")};
  if (!g.in_place) {
    std::vector<int64_t> rows;
    for (const int64_t count : {4, 1, 2, 8, 16}) {
      if (count <= g.out_height) rows.push_back(count);
    }
    knobs.push_back(space::one_of("rows", rows, "output rows whose input is copied at a time"));
  }
  return {name, std::move(knobs), {}};
}

Program convolution_float(const Workload& workload, const space::Config& config, const target::Target& target,
                          const std::string& name) {
  if (const std::optional<std::string> why = why_no_convolution_float(workload, target)) {
    throw loop::ScheduleError(*why);
  }
  const Geometry g = geometry_of(workload);
  micro::FloatGemmSpec spec =
      spec_of(workload, g, micro::float_gemm_tiles(false).at(static_cast<size_t>(config.at("tile"))));
  spec.name = name + "_gemm";
  spec.code_budget = static_cast<int>(config.at(kCodeBudgetKnob));
  if (const std::optional<std::string> why = micro::why_no_float_gemm(spec)) throw loop::ScheduleError(*why);
  const std::vector<float> weights = to_values<float>(workload.input(1).data.value());
  const std::vector<float> stream = micro::pack_float_gemm_weights(
      spec, [&](int channel, int k) { return weights[static_cast<size_t>(channel * spec.depth() + k)]; },
      float_biases(workload, static_cast<int32_t>(g.out_channels)));

  Program program;
  program.name = name;
  program.buffers = {loop::input("x", Type::kF32, {ir::elements(workload.input(0).shape)}),
                     loop::output("y", Type::kF32, {ir::elements(workload.output().shape)}),
                     loop::constant("weights", Type::kF32, {static_cast<int64_t>(stream.size())}, to_bytes(stream))};
  program.functions = {micro::function_of(micro::float_gemm(spec, target), micro::float_gemm_touches(spec))};
  if (g.in_place) {
    program.body = in_place_body(g, spec);
    return program;
  }
  const PaddedRows padded = padded_rows(g);
  program.body = padded_body(g, spec, padded, config.at("rows"));
  program.buffers.push_back(
      loop::workspace("padded", Type::kF32, {padded.needed(config.at("rows")) * g.row_elements()}));
  return program;
}

}  // namespace mote::kernels
