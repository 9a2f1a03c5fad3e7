// Conv2D: which algorithms there are, and the knobs of each.
#include <algorithm>
#include <cmath>

#include "kernels/common.h"
#include "kernels/convolution_c.h"
#include "kernels/convolution_float.h"
#include "kernels/convolution_gemm.h"
#include "kernels/convolution_winograd.h"
#include "kernels/family.h"
#include "kernels/micro/gemm.h"
#include "kernels/requant_plan.h"

namespace mote::kernels {

namespace {

// The alternatives' names.
constexpr const char* kDirect = "direct";
constexpr const char* kIm2col = "im2col";
constexpr const char* kGemm = "gemm";
constexpr const char* kWindows = "windows";
constexpr const char* kWinograd = "winograd";

int64_t depth_of(const Workload& workload) {
  const ir::Shape& w = workload.input(1).shape;
  return int64_t{w[1]} * w[2] * w[3];
}

std::vector<int64_t> numbers_up_to(int64_t most) {
  std::vector<int64_t> values;
  for (int64_t i = 0; i < most; ++i) values.push_back(i);
  return values;
}

/// Numbers of rows worth trying, the fallback's first.
std::vector<int64_t> row_counts(int64_t height) {
  std::vector<int64_t> counts;
  for (const int64_t rows : {4, 1, 2, 3, 6, 8, 16}) {
    if (rows <= height) counts.push_back(rows);
  }
  return counts;
}

/// Whether windows are better copied: those of several rows then share tiles of positions, which a narrow row does not
/// fill. A copy costs about as much as two channels' products.
bool copies_pay(const Workload& workload) {
  constexpr double kTile = 4, kChannelsPerCopy = 2;
  const double width = workload.output().shape[2], channels = workload.output().shape[3];
  const double computed = std::ceil(width / kTile) * std::min(width, kTile) / width;  // positions, for each that counts
  return channels * (computed - 1) > kChannelsPerCopy;
}

constexpr int64_t kMostSums = 16;       // kept in registers: more do not fit any core's
constexpr int64_t kMostProducts = 128;  // written out: more take longer to compile than they can save

/// The input is read where it lies.
space::Alternative direct_space(const Workload& workload) {
  const ir::Shape &w = workload.input(1).shape, &out = workload.output().shape;
  space::Alternative direct{kDirect,
                            {space::divisors("tile_co", out[3], 8, "output channels whose sums are kept in registers"),
                             space::divisors("tile_ox", out[2], 8, "columns whose sums are kept in registers"),
                             space::order("outputs", {"oy", "ox", "co"}, {}, "loops over the outputs"),
                             space::order("sum", {"ky", "kx", "ci"}, {}, "loops over the products of a sum"),
                             space::divisors("unroll_ci", w[3], 16, "input channels that are written out"),
                             space::flag("packed", "weights in the order they are read")},
                            {}};
  if (w[1] * w[2] > 1) {
    direct.knobs.push_back(space::choice("window", {"loops", "row", "window"}, "taps that are written out"));
    direct.knobs.push_back(
        space::choice("border", {"tested", "peeled"}, "test every tap for padding, or only near the border"));
  }
  direct.illegal = [row = int64_t{w[2]},
                    window = int64_t{w[1]} * w[2]](const space::Config& c) -> std::optional<std::string> {
    const int64_t sums = c.at("tile_co") * c.at("tile_ox"), taps = c.get("window", 0);
    if (sums > kMostSums) return "more sums than a core has registers for";
    const int64_t products = sums * c.at("unroll_ci") * (taps == 0 ? 1 : taps == 1 ? row : window);
    if (products * (c.get("border", 0) == 1 ? 9 : 1) > kMostProducts) return "more products than are written out";
    return std::nullopt;
  };
  return direct;
}

/// Windows are copied into a matrix.
space::Alternative im2col_space(const Workload& workload, const target::Target& target) {
  const ir::Shape& out = workload.output().shape;
  const bool pairs = target.dsp && !is_float(workload);
  const int64_t steps = pairs ? (depth_of(workload) + 1) / 2 : depth_of(workload);
  space::Alternative im2col{
      kIm2col,
      {space::divisors("rows", out[1], 16, "output rows whose windows are copied at a time"),
       space::divisors("tile_co", out[3], 8, "output channels whose sums are kept in registers"),
       space::divisors("tile_p", int64_t{out[2]} * 4, 8, "positions whose sums are kept in registers"),
       space::divisors("unroll_k", steps, 32, "steps of the inner loop that are written out"),
       space::choice("outer", {"positions", "channels"}, "the tiles that are walked through first"),
       space::flag("packed", "weights in the order they are read")},
      {}};
  im2col.illegal = [width = int64_t{out[2]}](const space::Config& c) -> std::optional<std::string> {
    const int64_t sums = c.at("tile_p") * c.at("tile_co");
    if (width * c.at("rows") % c.at("tile_p") != 0) return "tile_p does not divide the positions copied at a time";
    if (sums > kMostSums) return "more sums than a core has registers for";
    if (sums * c.at("unroll_k") > kMostProducts) return "more products than are written out";
    return std::nullopt;
  };
  return im2col;
}

/// What is to be chosen about the scheduled kernel itself.
std::vector<space::Knob> kernel_knobs(const target::Target& target) {
  const int64_t tiles =
      static_cast<int64_t>(std::max(micro::gemm_tiles(target, false).size(), micro::gemm_tiles(target, true).size()));
  return {space::one_of("tile", numbers_up_to(tiles), "which tile of channels by positions"), weight_form_knob(),
          space::one_of(kCodeBudgetKnob, {4096, 512, 1024, 2048, 8192}, "bytes of unrolled inner loop")};
}

/// Rows are multiplied by a scheduled kernel.
space::Alternative gemm_space(const Workload& workload, const target::Target& target) {
  space::Knob layout = space::choice("layout", {"rows", "columns"}, "input rows in place, or copies of windows");
  if (copies_pay(workload)) layout = space::guess_first(layout, 1);
  std::vector<space::Knob> knobs{
      space::one_of("rows", row_counts(workload.output().shape[1]), "output rows whose input is widened at a time"),
      layout};
  const std::vector<space::Knob> kernel = kernel_knobs(target);
  knobs.insert(knobs.end(), kernel.begin(), kernel.end());
  return {kGemm, std::move(knobs), {}};
}

/// The same kernel, fed with the windows of one tile of positions at a time: hardly any scratch memory.
space::Alternative windows_space(const target::Target& target) {
  return {kWindows, kernel_knobs(target), {}};
}

space::Space convolution_space(const Workload& workload, const target::Target& target) {
  space::Space space;
  space.alternatives = {direct_space(workload), im2col_space(workload, target)};
  if (!why_no_convolution_float(workload, target)) {
    space.alternatives.push_back(convolution_float_space(kGemm, workload, target));
  }
  if (why_no_convolution_gemm(workload, target)) return space;
  space.alternatives.push_back(gemm_space(workload, target));
  const ir::Shape& w = workload.input(1).shape;
  if (int64_t{w[1]} * w[2] > 1) space.alternatives.push_back(windows_space(target));
  if (!why_no_convolution_winograd(workload, target)) space.alternatives.push_back({kWinograd, {}, {}});
  return space;
}

/// The largest value of the knob up to `most`.
int64_t largest(const space::Alternative& alternative, const std::string& name, int64_t most) {
  int64_t best = 1;
  for (const int64_t v : alternative.knob(name)->values) best = v <= most && v > best ? v : best;
  return best;
}

space::Config im2col_fallback(const Workload& workload, const target::Target& target) {
  const space::Alternative im2col = im2col_space(workload, target);
  const int64_t unroll = largest(im2col, "unroll_k", 8), channels = is_float(workload) ? 4 : 2;
  for (const int64_t tile : {4, 3, 2}) {
    if (workload.output().shape[2] % tile != 0) continue;
    return im2col.with({{"tile_co", largest(im2col, "tile_co", channels)}, {"tile_p", tile}, {"unroll_k", unroll}});
  }
  return im2col.with({{"tile_co", largest(im2col, "tile_co", 4)}, {"unroll_k", unroll}});
}

loop::Program lower_convolution(const Workload& workload, const space::Config& config, const target::Target& target,
                                const std::string& name) {
  if (writes_int16(workload)) throw loop::ScheduleError("only int8 output");
  if (reads_int16(workload) && config.alternative != kGemm) throw loop::ScheduleError("only int8 input");
  if (config.alternative == kDirect) return convolution_direct(workload, config, name);
  if (config.alternative == kIm2col) return convolution_im2col(workload, config, target, name);
  if (config.alternative == kGemm && is_float(workload)) return convolution_float(workload, config, target, name);
  if (config.alternative == kGemm) return convolution_gemm(workload, config, target, name);
  if (config.alternative == kWindows) return convolution_gemm(workload, config, target, name);
  check(config.alternative == kWinograd, "Conv2D has no algorithm '" + config.alternative + "'");
  return convolution_winograd(workload, target, name);
}

/// Winograd where it surely pays and its weights, 3.6 times as large, and its workspace are no burden.
std::optional<space::Config> winograd_fallback(const Workload& workload, const target::Target& target) {
  const ir::Shape& window = workload.input(1).shape;
  const int32_t enough = window[1] * window[2] == 9 ? 16 : 32;  // channels
  constexpr size_t kMostWeightBytes = 40 << 10, kMostWorkspaceBytes = 24 << 10;
  const bool deep = std::min(workload.input(0).shape[3], workload.output().shape[3]) >= enough;
  if (!deep || why_no_convolution_winograd(workload, target)) return std::nullopt;
  try {
    size_t weights = 0, workspace = 0;
    for (const loop::Buffer& buffer : convolution_winograd(workload, target, "trial").buffers) {
      if (buffer.kind == loop::Buffer::Kind::kConstant) weights += buffer.size_bytes();
      if (buffer.kind == loop::Buffer::Kind::kWorkspace) workspace += buffer.size_bytes();
    }
    if (weights > kMostWeightBytes || workspace > kMostWorkspaceBytes) return std::nullopt;
  } catch (const loop::ScheduleError&) {
    return std::nullopt;  // sums might overflow with these weights
  }
  return space::Alternative{kWinograd, {}, {}}.at(0);
}

/// The scheduled kernel where it exists for these weights, else im2col.
space::Config convolution_fallback(const Workload& workload, const target::Target& target) {
  if (const std::optional<space::Config> winograd = winograd_fallback(workload, target)) return *winograd;
  if (!why_no_convolution_float(workload, target)) return convolution_float_space(kGemm, workload, target).at(0);
  if (!why_no_convolution_gemm(workload, target)) {
    const space::Alternative gemm = gemm_space(workload, target);
    std::vector<space::Config> scheduled;
    for (const int64_t layout : gemm.knob("layout")->values) scheduled.push_back(gemm.with({{"layout", layout}}));
    // Where rows cannot be walked through, and some of them together are fewer positions than a tile.
    const ir::Shape& window = workload.input(1).shape;
    if (int64_t{window[1]} * window[2] > 1) scheduled.push_back(windows_space(target).at(0));
    for (const space::Config& config : scheduled) {
      try {
        lower_convolution(workload, config, target, "trial");
        return config;
      } catch (const loop::ScheduleError&) {
        // No exact requantisation for these weights, say: the next program follows.
      }
    }
  }
  return im2col_fallback(workload, target);
}

}  // namespace

const Family kConvolution{7, convolution_space, convolution_fallback, lower_convolution};

}  // namespace mote::kernels
