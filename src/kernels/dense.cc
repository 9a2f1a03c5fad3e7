// Dense.
#include "kernels/common.h"
#include "kernels/family.h"
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

space::Space dense_space(const Workload& workload, const target::Target& target) {
  const bool pairs = target.dsp && !is_float(workload);
  space::Space space;
  space.knobs = {space::divisors("tile_co", channels_of(workload), 8, "outputs whose sums are kept in registers"),
                 space::divisors("unroll_k", depth_of(workload), 32, "products of a sum that are written out")};
  if (pairs) space.knobs.push_back(space::flag("pairs", "multiply two int16 at a time; weights take twice the flash"));
  const bool odd = depth_of(workload) % 2 != 0;
  space.illegal = [odd](const space::Config& c) -> std::optional<std::string> {
    if (c.get("pairs", 0) == 0) return std::nullopt;
    if (odd && c.at("unroll_k") != 1) return "pairs of an odd depth are not unrolled";
    if (!odd && c.at("unroll_k") % 2 != 0) return "pairs need an even unroll_k";
    return std::nullopt;
  };
  return space;
}

space::Config dense_fallback(const Workload& workload, const target::Target& target) {
  const auto largest = [](int64_t extent, int64_t most, int64_t step) {
    int64_t best = 1;
    for (int64_t v = 1; v <= most; ++v) best = extent % v == 0 && v % step == 0 ? v : best;
    return best;
  };
  const bool pairs = target.dsp && !is_float(workload);
  const bool odd = depth_of(workload) % 2 != 0;
  space::Config config{{{"tile_co", largest(channels_of(workload), 4, 1)},
                        {"unroll_k", pairs && odd ? 1 : largest(depth_of(workload), 16, pairs ? 2 : 1)}}};
  if (pairs) config.values.emplace_back("pairs", 1);
  return config;
}

Program lower_dense(const Workload& workload, const space::Config& config, const target::Target&,
                    const std::string& name) {
  const bool pairs = config.get("pairs", 0) != 0;
  Program p = naive(workload, name);
  if (pairs) {
    loop::stage(&p, "row", "x", "wide", loop::Buffer::Kind::kWorkspace, Type::kI16, 0, {"k"});
    loop::widen(&p, "weights", Type::kI16);
    if (depth_of(workload) % 2 != 0) loop::pad_reduction(&p, "k", depth_of(workload) + 1);
  }
  loop::split(&p, "co", config.at("tile_co"), "co_o", "co_i");
  loop::distribute(&p, "co_i");
  loop::split(&p, "k", pairs ? 2 : 1, "k_o", "k_i");
  loop::move_inward(&p, "co_i", {"k_o", "k_i"});
  loop::move_inward(&p, "k_i", {"co_i"});
  if (pairs) {
    loop::tensorize_smlad(&p, "k_i");
  } else {
    loop::unroll(&p, "k_i");
  }
  loop::split(&p, "k_o", pairs ? std::max<int64_t>(config.at("unroll_k") / 2, 1) : config.at("unroll_k"), "k_oo",
              "k_u");
  for (const char* unrolled : {"k_u", "co_i"}) loop::unroll(&p, unrolled);
  return p;
}

}  // namespace

const Family kDense{1, dense_space, dense_fallback, lower_dense};

}  // namespace mote::kernels
