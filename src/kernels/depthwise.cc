// DepthwiseConv2D.

#include "kernels/micro/depthwise.h"

#include "kernels/border.h"
#include "kernels/common.h"
#include "kernels/depthwise_float.h"
#include "kernels/family.h"
#include "kernels/micro/touches.h"
#include "kernels/requant_plan.h"
#include "kernels/window_loops.h"
#include "loop/schedule.h"

namespace mote::kernels {

using loop::Affine;
using loop::Program;
using loop::Type;
using loop::var;

namespace {

Program naive(const Workload& workload, const std::string& name) {
  const ir::DepthwiseConv2D& conv = std::get<ir::DepthwiseConv2D>(workload.op().attributes);
  const ir::Shape& w = workload.input(1).shape;
  const Affine channel = var("c") * conv.multiplier + var("m");
  return window_loops(workload, name,
                      {.stride = conv.stride,
                       .dilation = conv.dilation,
                       .padding = conv.padding,
                       .clamp = conv.clamp,
                       .weight_extents = {w[1], w[2], w[3]},
                       .channel_of = innermost_channel,
                       .outputs = {{"c", workload.input(0).shape[3]}, {"m", conv.multiplier}},
                       .sum = {{"ky", w[1]}, {"kx", w[2]}},
                       .in_channel = var("c"),
                       .out_channel = channel,
                       .weight = {var("ky"), var("kx"), channel}});
}

// The alternatives' names.
constexpr const char* kLoops = "loops";
constexpr const char* kColumns = "columns";
constexpr const char* kBands = "bands";
constexpr const char* kRows = "rows";  // float32

/// Why there is no scheduled kernel for this workload; nothing when there is one.
std::optional<std::string> why_no_columns(const Workload& workload, const target::Target& target) {
  if (!target.dsp) return "the target has no DSP extension";
  if (is_float(workload)) return "only int8";
  return std::nullopt;
}

enum Walk : int64_t { kDown, kAcross };

/// What the scheduled kernel is asked for, but for its requantisation.
micro::DepthwiseSpec spec_of(const Workload& workload, int64_t walk) {
  const ir::DepthwiseConv2D& conv = std::get<ir::DepthwiseConv2D>(workload.op().attributes);
  const ir::Shape& in = workload.input(0).shape;
  const ir::Shape& out = workload.output().shape;
  const ir::Shape& w = workload.input(1).shape;
  micro::DepthwiseSpec spec;
  spec.height = in[1];
  spec.width = in[2];
  spec.channels = in[3];
  spec.multiplier = conv.multiplier;
  spec.window = {w[1], w[2]};
  spec.stride = conv.stride;
  spec.dilation = conv.dilation;
  spec.padding = conv.padding;
  spec.out_height = out[1];
  spec.out_width = out[2];
  spec.across = walk == kAcross;
  spec.zero_point = input_zero_point(workload);
  return spec;
}

/// Equal bands of output rows, one below the other: one function, called `count` times.
struct Bands {
  micro::DepthwiseSpec spec;        // of one band, as an image of its own
  int64_t in_row = 0, out_row = 0;  // where the first one begins
  int64_t count = 1;
};

/// The band of `rows` output rows from `out_row` on.
Bands band_of(const micro::DepthwiseSpec& plane, int32_t out_row, int32_t rows) {
  const int32_t first = out_row * plane.stride.h - plane.padding.top;
  const int32_t last = first + (rows - 1) * plane.stride.h + (plane.window.h - 1) * plane.dilation.h;
  Bands band{plane, std::max(first, 0), out_row, 1};
  band.spec.out_height = rows;
  band.spec.padding.top = std::max(-first, 0);
  band.spec.height = std::min(last, plane.height - 1) - static_cast<int32_t>(band.in_row) + 1;
  return band;
}

/// Bands of as many rows as fit the scratch memory with all their columns.
std::vector<Bands> bands_of(const micro::DepthwiseSpec& plane) {
  const auto fits = [&](int32_t n) {
    micro::DepthwiseSpec band = band_of(plane, 0, n).spec;
    band.scratch_limit = 1 << 30;
    return micro::depthwise_scratch_bytes(band) <= plane.scratch_limit;
  };
  int32_t rows = plane.out_height;
  while (rows > 1 && !fits(rows)) --rows;
  std::vector<Bands> all;
  for (int32_t row = 0; row < plane.out_height; row += rows) {
    const Bands band = band_of(plane, row, std::min(rows, plane.out_height - row));
    const bool same = !all.empty() && all.back().spec.height == band.spec.height &&
                      all.back().spec.padding.top == band.spec.padding.top &&
                      all.back().spec.out_height == band.spec.out_height;
    if (same)
      ++all.back().count;
    else
      all.push_back(band);
  }
  return all;
}

/// One call for the whole plane, or one for each band of rows: bands need less scratch memory, and the output may
/// follow the input more closely.
Program lower_planes(const Workload& workload, const space::Config& config, const target::Target& target,
                     const std::string& name) {
  if (const std::optional<std::string> why = why_no_columns(workload, target)) throw loop::ScheduleError(*why);
  const ir::Shape& in = workload.input(0).shape;
  const ir::Shape& out = workload.output().shape;
  const std::vector<int32_t> biases = folded_biases(workload, out[3], innermost_channel);
  const RequantPlan plan = plan_for(workload, biases, ChannelAxis::kInnermost, 1);
  micro::DepthwiseSpec plane = spec_of(workload, config.at("walk"));
  plane.form = plan.form;
  plane.wide_output = writes_int16(workload);
  plane.scratch_limit = static_cast<int32_t>(config.at("scratch"));
  const std::vector<int8_t> weights = to_values<int8_t>(workload.input(1).data.value());

  const int64_t row_in = int64_t{in[2]} * in[3], row_out = int64_t{out[2]} * out[3];
  Program program;
  program.name = name;
  std::vector<uint32_t> stream;
  int32_t scratch = 0;
  loop::Block image;
  for (Bands& bands : config.alternative == kBands ? bands_of(plane) : std::vector<Bands>{{plane}}) {
    bands.spec.name = name + "_plane" + (image.empty() ? "" : std::to_string(image.size()));
    if (const std::optional<std::string> why = micro::why_no_depthwise(bands.spec)) throw loop::ScheduleError(*why);
    const std::vector<uint32_t> packed = micro::pack_depthwise_weights(bands.spec, weights, biases, plan.channels);
    if (!stream.empty() && packed != stream) throw loop::ScheduleError("bands want their weights in different orders");
    stream = packed;
    scratch = std::max(scratch, micro::depthwise_scratch_bytes(bands.spec));
    program.functions.push_back(
        micro::function_of(micro::depthwise(bands.spec, target), micro::depthwise_touches(bands.spec)));
    const int64_t rows = bands.spec.out_height;
    const Affine band = bands.count > 1 ? var("band") : Affine(0);
    const Affine x = var("n") * (in[1] * row_in) + band * (rows * plane.stride.h * row_in) + bands.in_row * row_in;
    const Affine y = var("n") * (out[1] * row_out) + band * (rows * row_out) + bands.out_row * row_out;
    const loop::Stmt call = loop::invoke(bands.spec.name, {loop::address("weights", {0}), loop::address("x", {x}),
                                                           loop::address("y", {y}), loop::address("scratch", {0})});
    image.push_back(bands.count > 1 ? loop::loop("band", bands.count, {call}) : call);
  }
  program.buffers = {loop::input("x", Type::kI8, {in[0] * in[1] * row_in}),
                     loop::output("y", type_of(workload.output().dtype), {out[0] * out[1] * row_out}),
                     loop::constant("weights", Type::kU32, {static_cast<int64_t>(stream.size())}, to_bytes(stream)),
                     loop::workspace("scratch", Type::kU32, {(scratch + 3) / 4})};
  program.body = {loop::loop("n", in[0], std::move(image))};
  look_up_output(&program, workload);
  return program;
}

constexpr int64_t kMostSums = 16;       // kept in registers
constexpr int64_t kMostProducts = 128;  // written out

space::Alternative loops_space(const Workload& workload) {
  const ir::Shape &w = workload.input(1).shape, &out = workload.output().shape;
  const bool tiles = std::get<ir::DepthwiseConv2D>(workload.op().attributes).multiplier == 1;
  space::Alternative loops{
      kLoops,
      {space::choice("border", {"tested", "peeled"}, "test every tap for padding, or only near the border"),
       space::choice("unroll", {"none", "row", "column", "window"}, "taps of the window that are written out"),
       space::order("outputs", {"oy", "ox", "c"}, {}, "loops over the outputs"),
       space::order("sum", {"ky", "kx"}, {}, "loops over the taps of a sum")},
      {}};
  if (!tiles) return loops;
  for (space::Knob& knob :
       std::vector<space::Knob>{space::divisors("tile_oy", out[1], 4, "rows whose sums are kept in registers"),
                                space::divisors("tile_ox", out[2], 8, "columns whose sums are kept in registers"),
                                space::divisors("tile_c", out[3], 8, "channels whose sums are kept in registers"),
                                space::choice("inner", {"channels", "positions"}, "what varies fastest among the sums"),
                                space::flag("packed", "weights in the order they are read")}) {
    loops.knobs.push_back(std::move(knob));
  }
  loops.illegal = [h = w[1], width = w[2]](const space::Config& c) -> std::optional<std::string> {
    const int64_t sums = c.at("tile_oy") * c.at("tile_ox") * c.at("tile_c"), taps = c.at("unroll");
    if (sums > kMostSums) return "more sums than a core has registers for";
    const int64_t products = sums * (taps == 1 || taps == 3 ? width : 1) * (taps >= 2 ? h : 1);
    if (sums > 1 && products * (c.at("border") == 1 ? 9 : 1) > kMostProducts)
      return "more products than are written out";
    return std::nullopt;
  };
  return loops;
}

/// A scheduled kernel that walks along columns, or rows.
space::Alternative columns_space() {
  return {
      kColumns,
      {space::one_of("scratch", {1 << 20, 2048, 4096, 8192, 16384}, "most bytes of workspace"),
       space::choice("walk", {"down", "across"}, "pair neighbouring rows and walk down, or columns and walk across")},
      {}};
}

/// The same, a band of rows after the other.
space::Alternative bands_space() {
  return {
      kBands,
      {space::one_of("scratch", {4096, 1024, 2048, 8192}, "most bytes of workspace"),
       space::choice("walk", {"down", "across"}, "pair neighbouring rows and walk down, or columns and walk across")},
      {}};
}

space::Space depthwise_space(const Workload& workload, const target::Target& target) {
  space::Space space;
  space.alternatives = {loops_space(workload)};
  if (!why_no_depthwise_float(workload, target)) space.alternatives.push_back(depthwise_float_space(kRows, workload));
  if (!why_no_columns(workload, target))
    space.alternatives.insert(space.alternatives.end(), {columns_space(), bands_space()});
  return space;
}

/// Rows, columns and channels in tiles; the sums of a tile are in registers.
void tile_outputs(Program* p, const space::Config& config) {
  const std::vector<std::string> sum = arrange(p, {"ky", "kx"}, config.order("sum"));
  const std::vector<std::pair<std::string, std::string>> tiles{{"oy", "tile_oy"}, {"ox", "tile_ox"}, {"c", "tile_c"}};
  loop::unroll(p, "m");
  for (const auto& [variable, knob] : tiles)
    loop::split(p, variable, config.at(knob), variable + "_o", variable + "_i");
  loop::move_inward(p, "ox_i", {"c_o"});
  loop::move_inward(p, "oy_i", {"ox_o", "c_o"});
  arrange(p, {"oy_o", "ox_o", "c_o"}, config.order("outputs"));
  if (config.at("packed") == 1) loop::pack(p, "weights", {{2, 0}, {0, 0}, {1, 0}, {2, config.at("tile_c")}});
  const std::vector<std::vector<size_t>> inner{{0, 1, 2}, {2, 0, 1}};
  const std::vector<std::string> inside =
      arrange(p, {"oy_i", "ox_i", "c_i"}, inner[static_cast<size_t>(config.at("inner"))]);
  for (size_t i = inside.size(); i-- > 0;) {
    loop::distribute(p, inside[i]);
    loop::move_inward(p, inside[i], sum);
  }
  for (const std::string& variable : inside) loop::unroll(p, variable);
}

Program lower_loops(const Workload& workload, const space::Config& config, const std::string& name) {
  const ir::DepthwiseConv2D& conv = std::get<ir::DepthwiseConv2D>(workload.op().attributes);
  const ir::Shape& in = workload.input(0).shape;
  const ir::Shape& out = workload.output().shape;
  const ir::Shape& w = workload.input(1).shape;
  Program p = naive(workload, name);
  const int64_t tile_oy = config.get("tile_oy", 1), tile_ox = config.get("tile_ox", 1);
  const bool tiles = tile_oy * tile_ox * config.get("tile_c", 1) > 1;
  if (tiles) {
    tile_outputs(&p, config);
  } else {
    arrange(&p, {"oy", "ox", "c"}, config.order("outputs"));
    arrange(&p, {"ky", "kx"}, config.order("sum"));
  }
  const int64_t taps = config.at("unroll");
  if (taps == 1 || taps == 3) loop::unroll(&p, "kx");
  if (taps >= 2) loop::unroll(&p, "ky");
  if (config.at("border") == 1) {
    const int64_t reach_h = int64_t{w[1] - 1} * conv.dilation.h, reach_w = int64_t{w[2] - 1} * conv.dilation.w;
    peel_border(&p, tiles ? "ox_o" : "ox", out[2] / tile_ox,
                in_tiles(border_of(out[2], in[2], conv.stride.w, reach_w, conv.padding.left), out[2], tile_ox));
    peel_border(&p, tiles ? "oy_o" : "oy", out[1] / tile_oy,
                in_tiles(border_of(out[1], in[1], conv.stride.h, reach_h, conv.padding.top), out[1], tile_oy));
  }
  return p;
}

Program lower_depthwise(const Workload& workload, const space::Config& config, const target::Target& target,
                        const std::string& name) {
  if (reads_int16(workload)) throw loop::ScheduleError("only int8 input");
  if (config.alternative == kRows) return depthwise_float(workload, config, target, name);
  if (config.alternative != kLoops) return lower_planes(workload, config, target, name);
  if (writes_int16(workload)) throw loop::ScheduleError("only the scheduled kernel stores int16");
  return lower_loops(workload, config, name);
}

/// The scheduled kernel where it exists for these weights, else loops.
space::Config depthwise_fallback(const Workload& workload, const target::Target& target) {
  if (!why_no_depthwise_float(workload, target)) return depthwise_float_fallback(kRows, workload, target);
  if (!why_no_columns(workload, target)) {
    const bool across =
        micro::depthwise_cost(spec_of(workload, kAcross)) < micro::depthwise_cost(spec_of(workload, kDown));
    for (const int64_t walk : {across ? kAcross : kDown, across ? kDown : kAcross}) {
      const space::Config config = columns_space().with({{"walk", walk}});
      try {
        lower_depthwise(workload, config, target, "trial");
        return config;
      } catch (const loop::ScheduleError&) {
        // No exact requantisation for these weights, or a stride that only the other walk can take.
      }
    }
  }
  return loops_space(workload).with({{"border", 1}, {"unroll", 3}});
}

}  // namespace

const Family kDepthwise{3, depthwise_space, depthwise_fallback, lower_depthwise};

}  // namespace mote::kernels
