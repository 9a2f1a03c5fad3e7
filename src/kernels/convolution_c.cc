#include "kernels/convolution_c.h"

#include <algorithm>

#include "kernels/border.h"
#include "kernels/common.h"
#include "kernels/window_loops.h"
#include "loop/schedule.h"

namespace mote::kernels {

using loop::Program;
using loop::Type;
using loop::var;

namespace {

/// Every product of every sum: where every schedule starts.
Program naive(const Workload& workload, const std::string& name) {
  const ir::Conv2D& conv = std::get<ir::Conv2D>(workload.op().attributes);
  const ir::Tensor& w = workload.input(1);
  return window_loops(workload, name,
                      {.stride = conv.stride,
                       .dilation = conv.dilation,
                       .padding = conv.padding,
                       .clamp = conv.clamp,
                       .weight_extents = extents_of(w),
                       .channel_of = outermost_channel,
                       .outputs = {{"co", w.shape[0]}},
                       .sum = {{"ky", w.shape[1]}, {"kx", w.shape[2]}, {"ci", w.shape[3]}},
                       .in_channel = var("ci"),
                       .out_channel = var("co"),
                       .weight = {var("co"), var("ky"), var("kx"), var("ci")}});
}

/// Splits the loops over rows and over tiles of `tile` columns so that the interior needs no tests for padding.
void peel_window_border(Program* p, const Workload& workload, const std::string& ox, int64_t tile) {
  const ir::Conv2D& conv = std::get<ir::Conv2D>(workload.op().attributes);
  const ir::Shape &x = workload.input(0).shape, &w = workload.input(1).shape, &y = workload.output().shape;
  const int64_t reach_h = int64_t{w[1] - 1} * conv.dilation.h, reach_w = int64_t{w[2] - 1} * conv.dilation.w;
  const Border columns = border_of(y[2], x[2], conv.stride.w, reach_w, conv.padding.left);
  peel_border(p, ox, y[2] / tile, in_tiles(columns, y[2], tile));
  peel_border(p, "oy", y[1], border_of(y[1], x[1], conv.stride.h, reach_h, conv.padding.top));
}

}  // namespace

Program convolution_direct(const Workload& workload, const space::Config& config, const std::string& name) {
  Program p = naive(workload, name);
  const int64_t tile_co = config.at("tile_co"), tile_ox = config.at("tile_ox"), unroll_ci = config.at("unroll_ci");

  // The sum's loops.
  std::vector<std::string> sum = arrange(&p, {"ky", "kx", "ci"}, config.order("sum"));
  if (unroll_ci > 1) {
    loop::split(&p, "ci", unroll_ci, "ci_o", "ci_u");
    const auto ci = std::find(sum.begin(), sum.end(), "ci");
    loop::move_inward(&p, "ci_u", {ci + 1, sum.end()});
    *ci = "ci_o";
    sum.emplace_back("ci_u");
  }

  // Tiles of positions by channels, their sums in registers.
  const std::string ox = tile_ox > 1 ? "ox_o" : "ox";
  if (tile_ox > 1) loop::split(&p, "ox", tile_ox, "ox_o", "ox_i");
  loop::split(&p, "co", tile_co, "co_o", "co_i");
  if (tile_ox > 1) loop::reorder(&p, "ox_i", "co_o");
  arrange(&p, {"oy", ox, "co_o"}, config.order("outputs"));
  if (config.at("packed") == 1) loop::pack(&p, "weights", {{0, 0}, {1, 0}, {2, 0}, {3, 0}, {0, tile_co}});
  loop::distribute(&p, "co_i");
  loop::move_inward(&p, "co_i", sum);
  if (tile_ox > 1) {
    loop::distribute(&p, "ox_i");
    loop::move_inward(&p, "ox_i", sum);
    loop::unroll(&p, "ox_i");
  }
  loop::unroll(&p, "co_i");
  if (unroll_ci > 1) loop::unroll(&p, "ci_u");
  if (config.get("window", 0) >= 1) loop::unroll(&p, "kx");
  if (config.get("window", 0) == 2) loop::unroll(&p, "ky");
  if (config.get("border", 0) == 1) peel_window_border(&p, workload, ox, tile_ox);
  return p;
}

Program convolution_im2col(const Workload& workload, const space::Config& config, const target::Target& target,
                           const std::string& name) {
  const bool pairs = target.dsp && !is_float(workload);
  const int64_t step = pairs ? 2 : 1;
  const Type staged = is_float(workload) ? Type::kF32 : pairs ? Type::kI16 : Type::kI8;
  Program p = naive(workload, name);
  loop::split(&p, "oy", config.at("rows"), "oy_o", "oy_i");
  loop::stage(&p, "oy_o", "x", "columns", loop::Buffer::Kind::kWorkspace, staged, 0, {"oy_i", "ox", "ky", "kx", "ci"});

  // As matrices: columns[p][k], weights[co][k], y[p][co].
  for (const int dimension : {3, 2, 0}) loop::flatten(&p, "columns", dimension);
  for (const int dimension : {2, 1}) loop::flatten(&p, "weights", dimension);
  loop::flatten(&p, "y", 1);
  loop::fuse(&p, "oy_i", "ox", "p");
  loop::fuse(&p, "ky", "kx", "window");
  loop::fuse(&p, "window", "ci", "k");

  // Tiles of channels by positions, their sums in registers.
  loop::split(&p, "p", config.at("tile_p"), "p_o", "p_i");
  loop::split(&p, "co", config.at("tile_co"), "co_o", "co_i");
  loop::reorder(&p, "p_i", "co_o");
  if (config.at("outer") == 1) loop::reorder(&p, "p_o", "co_o");
  loop::distribute(&p, "co_i");
  loop::distribute(&p, "p_i");
  const int64_t depth = p.buffer("columns").shape.back();
  if (pairs) {
    loop::widen(&p, "weights", Type::kI16);
    if (depth % 2 != 0) loop::pad_reduction(&p, "k", depth + 1);
    loop::split(&p, "k", 2, "k_o", "k_i");
  } else {
    loop::split(&p, "k", 1, "k_o", "k_i");
  }
  if (config.at("packed") == 1) loop::pack(&p, "weights", {{0, 0}, {1, 0}, {0, config.at("tile_co")}, {1, step}});
  loop::move_inward(&p, "co_i", {"k_o", "k_i"});
  loop::move_inward(&p, "p_i", {"k_o", "k_i"});
  loop::move_inward(&p, "k_i", {"p_i", "co_i"});
  if (pairs) {
    loop::tensorize_smlad(&p, "k_i");
  } else {
    loop::unroll(&p, "k_i");
  }
  loop::split(&p, "k_o", config.at("unroll_k"), "k_oo", "k_u");
  for (const char* unrolled : {"k_u", "p_i", "co_i"}) loop::unroll(&p, unrolled);
  return p;
}

}  // namespace mote::kernels
