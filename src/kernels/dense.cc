// Dense.
#include <algorithm>

#include "kernels/common.h"
#include "kernels/family.h"
#include "kernels/micro/float_gemm.h"
#include "kernels/micro/gemm.h"
#include "kernels/micro/touches.h"
#include "kernels/requant_plan.h"
#include "kernels/widen.h"
#include "loop/schedule.h"

namespace mote::kernels {

using loop::Expr;
using loop::Program;
using loop::Type;
using loop::var;

namespace {

/// Row-major [rows, depth] view of the input.
int64_t depth_of(const Workload& workload) {
  return workload.input(1).shape[1];
}
int64_t rows_of(const Workload& workload) {
  return ir::elements(workload.input(0).shape) / depth_of(workload);
}
int64_t channels_of(const Workload& workload) {
  return workload.input(1).shape[0];
}

Program naive(const Workload& workload, const std::string& name) {
  const bool real = is_float(workload);
  const Type element = real ? Type::kF32 : Type::kI8, sum = real ? Type::kF32 : Type::kI32;
  const int64_t rows = rows_of(workload), depth = depth_of(workload), channels = channels_of(workload);
  Program program;
  program.name = name;
  const int32_t count = static_cast<int32_t>(channels);
  program.buffers = {loop::input("x", element, {rows, depth}), loop::output("y", element, {rows, channels}),
                     loop::constant("weights", element, {channels, depth}, workload.input(1).data.value()),
                     loop::constant("bias", sum, {channels},
                                    real ? to_bytes(float_biases(workload, count))
                                         : to_bytes(folded_biases(workload, count, outermost_channel))),
                     loop::local("acc", sum, {})};
  const Expr acc = loop::load("acc", {});
  const Expr product = loop::load("x", {var("row"), var("k")}) * loop::load("weights", {var("co"), var("k")});
  const Expr result = real ? clamp_f32(acc, std::get<ir::Dense>(workload.op().attributes).clamp)
                           : requantize_channel(&program, workload, acc, var("co"));
  program.body = {loop::loop("row", rows,
                             {loop::loop("co", channels,
                                         {loop::store("acc", {}, loop::load("bias", {var("co")})),
                                          loop::loop("k", depth, {loop::store("acc", {}, acc + product)}),
                                          loop::store("y", {var("row"), var("co")}, result)})})};
  return program;
}

// The alternatives' names.
constexpr const char* kLoops = "loops";
constexpr const char* kGemm = "gemm";

/// Why the GEMM micro-kernel cannot do it; nothing when it can.
std::optional<std::string> why_no_gemm(const Workload& workload, const target::Target& target) {
  if (!target.dsp) return "the target has no DSP extension";
  if (is_float(workload)) return "only int8";
  return std::nullopt;
}

constexpr int64_t kMostProducts = 128;  // written out: more take longer to compile than they can save

space::Alternative loops_space(const Workload& workload, const target::Target& target) {
  const auto few = [](const std::vector<int64_t>& factors) { return factors[2] <= 32; };
  space::Alternative loops{
      kLoops,
      {space::divisors("tile_co", channels_of(workload), 16, "outputs whose sums are kept in registers"),
       space::split("k", depth_of(workload), 3, few, "products of a sum: blocks, steps, those that are written out"),
       space::choice("outer", {"outputs", "blocks"},
                     "all blocks of an output's sum in turn, or all outputs of a block"),
       space::flag("packed", "weights in the order they are read")},
      {}};
  const bool pairs = target.dsp && !is_float(workload);
  if (pairs) loops.knobs.push_back(space::flag("pairs", "multiply two int16 at a time; weights take twice the flash"));
  loops.illegal = [odd = depth_of(workload) % 2 != 0](const space::Config& c) -> std::optional<std::string> {
    const std::vector<int64_t> k = c.factors("k");
    if (c.at("tile_co") * k[2] > kMostProducts) return "more products than are written out";
    if (k[0] == 1 && c.at("outer") == 1) return "one block has no order";
    if (c.get("pairs", 0) == 0) return std::nullopt;
    if (odd && (k[2] != 1 || k[0] != 1)) return "pairs of an odd depth are not unrolled";
    if (!odd && k[2] % 2 != 0) return "pairs need an even number of products written out";
    return std::nullopt;
  };
  return loops;
}

space::Alternative gemm_space() {
  return {kGemm,
          {space::one_of("tile_channels", {6, 4, 2, 1}, "outputs summed at a time"), weight_form_knob(),
           space::one_of(kCodeBudgetKnob, {4096, 256, 512, 1024, 2048}, "bytes of unrolled inner loop")},
          {}};
}

/// Whether the FPU's kernel can do it.
bool by_float_gemm(const Workload& workload, const target::Target& target) {
  return is_float(workload) && target.fpu && target.dsp;
}

std::vector<micro::FloatTile> float_tiles(const Workload& workload) {
  return micro::float_gemm_tiles(rows_of(workload) == 1);
}

space::Alternative float_gemm_space(const Workload& workload) {
  std::vector<int64_t> tiles;
  for (size_t i = 0; i < float_tiles(workload).size(); ++i) tiles.push_back(static_cast<int64_t>(i));
  return {kGemm,
          {space::one_of("tile", tiles, "which tile of outputs by rows"),
           space::one_of(kCodeBudgetKnob, {4096, 256, 512, 1024, 2048}, "bytes of unrolled inner loop")},
          {}};
}

space::Space dense_space(const Workload& workload, const target::Target& target) {
  space::Space space;
  space.alternatives = {loops_space(workload, target)};
  if (!why_no_gemm(workload, target)) space.alternatives.push_back(gemm_space());
  if (by_float_gemm(workload, target)) space.alternatives.push_back(float_gemm_space(workload));
  return space;
}

/// x widened to int16 in workspace, then outputs in tiles.
Program dense_gemm(const Workload& workload, const space::Config& config, const target::Target& target,
                   const std::string& name) {
  const int64_t rows = rows_of(workload), depth = depth_of(workload), channels = channels_of(workload);
  const int64_t stored = (depth + 1) / 2 * 2;
  micro::GemmSpec spec;
  spec.name = name + "_gemm";
  spec.channels = static_cast<int>(channels);
  spec.tile_channels = static_cast<int>(config.at("tile_channels"));
  spec.tile_positions = 1;
  spec.segment_pairs = static_cast<int>(stored / 2);
  spec.segment_step = spec.group_step = spec.position_step = static_cast<int32_t>(stored * 2);
  spec.out_position_step = spec.out_group_step = static_cast<int32_t>(channels);
  spec.code_budget = static_cast<int>(config.at(kCodeBudgetKnob));
  const std::vector<int32_t> biases = folded_biases(workload, static_cast<int32_t>(channels), outermost_channel);
  const RequantPlan plan = plan_for(workload, biases, ChannelAxis::kOutermost, 1);
  spec.form = plan.form;
  set_weight_form(workload, biases, plan, config.at("weights"), &spec);
  if (const std::optional<std::string> why = micro::why_no_gemm(spec)) throw loop::ScheduleError(*why);

  const WidenOrder order = WidenOrder::kQuads;
  const std::vector<std::vector<int8_t>> weights = weights_by_channel(workload, ChannelAxis::kOutermost);
  const auto weight = [&](int channel, int k) -> int32_t {
    const int64_t at = source_place(order, k, depth);
    return at < depth ? weights[static_cast<size_t>(channel)][static_cast<size_t>(at)] : 0;
  };
  const std::vector<uint32_t> stream = micro::pack_gemm_weights(spec, weight, biases, plan.channels);

  Program program;
  program.name = name;
  program.buffers = {loop::input("x", Type::kI8, {rows * depth}), loop::output("y", Type::kI8, {rows * channels}),
                     loop::constant("weights", Type::kU32, {static_cast<int64_t>(stream.size())}, to_bytes(stream)),
                     loop::workspace("wide", Type::kI16, {stored})};
  program.functions = {micro::function_of(micro::gemm(spec, target), micro::gemm_touches(spec))};
  loop::Block body = widen("x", var("row") * depth, "wide", 0, depth, order);
  body.push_back(loop::invoke(spec.name, {loop::address("weights", {0}), loop::address("wide", {0}),
                                          loop::address("y", {var("row") * channels}), loop::number(1)}));
  program.body = {loop::loop("row", rows, std::move(body))};
  look_up_output(&program, workload);
  return program;
}

/// Several rows in tiles of a few, the last of which is moved back to end with the last row.
Program dense_float_gemm(const Workload& workload, const space::Config& config, const target::Target& target,
                         const std::string& name) {
  if (!by_float_gemm(workload, target)) throw loop::ScheduleError("the target has no FPU");
  const int64_t rows = rows_of(workload), depth = depth_of(workload), channels = channels_of(workload);
  const micro::FloatTile tile = float_tiles(workload).at(static_cast<size_t>(config.at("tile")));
  micro::FloatGemmSpec spec;
  spec.name = name + "_gemm";
  spec.channels = static_cast<int>(channels);
  spec.tile_channels = tile.channels;
  spec.tile_positions = static_cast<int>(std::min<int64_t>(tile.positions, rows));
  spec.length = static_cast<int>(depth);
  spec.position_step = static_cast<int32_t>(4 * depth);
  spec.group_step = spec.tile_positions * spec.position_step;
  spec.out_position_step = static_cast<int32_t>(4 * channels);
  spec.out_group_step = spec.tile_positions * spec.out_position_step;
  spec.clamp = limits_of(std::get<ir::Dense>(workload.op().attributes).clamp);
  spec.code_budget = static_cast<int>(config.at(kCodeBudgetKnob));
  if (const std::optional<std::string> why = micro::why_no_float_gemm(spec)) throw loop::ScheduleError(*why);
  const std::vector<float> weights = to_values<float>(workload.input(1).data.value());
  const std::vector<float> stream = micro::pack_float_gemm_weights(
      spec, [&](int channel, int k) { return weights[static_cast<size_t>(channel * depth + k)]; },
      float_biases(workload, static_cast<int32_t>(channels)));
  Program program;
  program.name = name;
  program.buffers = {loop::input("x", Type::kF32, {rows * depth}), loop::output("y", Type::kF32, {rows * channels}),
                     loop::constant("weights", Type::kF32, {static_cast<int64_t>(stream.size())}, to_bytes(stream))};
  program.functions = {micro::function_of(micro::float_gemm(spec, target), micro::float_gemm_touches(spec))};
  const auto call = [&](int64_t row, int64_t groups) {
    program.body.push_back(loop::invoke(spec.name, {loop::address("weights", {0}), loop::address("x", {row * depth}),
                                                    loop::address("y", {row * channels}), loop::number(groups)}));
  };
  call(0, rows / spec.tile_positions);
  if (rows % spec.tile_positions != 0) call(rows - spec.tile_positions, 1);
  return program;
}

Program lower_dense(const Workload& workload, const space::Config& config, const target::Target& target,
                    const std::string& name) {
  if (config.alternative == kGemm && is_float(workload)) return dense_float_gemm(workload, config, target, name);
  if (config.alternative == kGemm) return dense_gemm(workload, config, target, name);
  const bool pairs = config.get("pairs", 0) != 0;
  Program p = naive(workload, name);
  if (pairs) {
    loop::stage(&p, "row", "x", "wide", loop::Buffer::Kind::kWorkspace, Type::kI16, 0, {"k"});
    loop::widen(&p, "weights", Type::kI16);
    if (depth_of(workload) % 2 != 0) loop::pad_reduction(&p, "k", depth_of(workload) + 1);
  }
  const int64_t step = pairs ? 2 : 1, tile = config.at("tile_co");
  const std::vector<int64_t> k = config.factors("k");
  loop::split(&p, "co", tile, "co_o", "co_i");
  if (config.at("packed") == 1) loop::pack(&p, "weights", {{0, 0}, {1, 0}, {0, tile}, {1, step}});
  loop::distribute(&p, "co_i");
  std::vector<std::string> sum{"k_o", "k_i"};
  if (k[0] > 1) {
    loop::split(&p, "k", p.buffer("x").shape[1] / k[0], "k_b", "k");
    sum.insert(sum.begin(), "k_b");
  }
  loop::split(&p, "k", step, "k_o", "k_i");
  loop::move_inward(&p, "co_i", sum);
  loop::move_inward(&p, "k_i", {"co_i"});
  if (config.at("outer") == 1) {
    loop::distribute(&p, "co_o");
    loop::reorder(&p, "co_o", "k_b");
  }
  if (pairs) {
    loop::tensorize_smlad(&p, "k_i");
  } else {
    loop::unroll(&p, "k_i");
  }
  loop::split(&p, "k_o", std::max<int64_t>(k[2] / step, 1), "k_oo", "k_u");
  for (const char* unrolled : {"k_u", "co_i"}) loop::unroll(&p, unrolled);
  return p;
}

space::Config loops_fallback(const Workload& workload, const target::Target& target) {
  const auto largest = [](int64_t extent, int64_t most, int64_t step) {
    int64_t best = 1;
    for (int64_t v = 1; v <= most; ++v) best = extent % v == 0 && v % step == 0 ? v : best;
    return best;
  };
  const bool pairs = target.dsp && !is_float(workload);
  const int64_t depth = depth_of(workload), step = pairs ? 2 : 1;
  const int64_t written_out = depth % step != 0 ? 1 : largest(depth, 16, step);
  space::Config config = loops_space(workload, target)
                             .with({{"tile_co", largest(channels_of(workload), 4, 1)},
                                    {"k", space::pack_factors({1, depth / written_out, written_out})}});
  if (pairs) config.set("pairs", 1);
  return config;
}

/// The scheduled kernel where it exists for these weights, else loops.
space::Config dense_fallback(const Workload& workload, const target::Target& target) {
  if (by_float_gemm(workload, target)) return float_gemm_space(workload).at(0);
  if (!why_no_gemm(workload, target)) {
    const space::Config config = gemm_space().at(0);
    try {
      lower_dense(workload, config, target, "trial");
      return config;
    } catch (const loop::ScheduleError&) {
      // No exact requantisation for these weights, say.
    }
  }
  return loops_fallback(workload, target);
}

}  // namespace

const Family kDense{4, dense_space, dense_fallback, lower_dense};

}  // namespace mote::kernels
