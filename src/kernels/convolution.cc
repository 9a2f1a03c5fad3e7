// Conv2D: which algorithms there are, and the knobs of each.
#include <algorithm>

#include "kernels/common.h"
#include "kernels/convolution_c.h"
#include "kernels/convolution_gemm.h"
#include "kernels/convolution_winograd.h"
#include "kernels/family.h"
#include "kernels/micro/gemm.h"
#include "kernels/requant_plan.h"

namespace mote::kernels {

namespace {

enum Algorithm : int64_t { kDirect, kIm2col, kGemm, kWinograd };

int64_t depth_of(const Workload& workload) {
  const ir::Shape& w = workload.input(1).shape;
  return int64_t{w[1]} * w[2] * w[3];
}

/// Knobs an algorithm reads; the others stay at their first value, so that no program is tried twice.
bool reads(int64_t algorithm, const std::string& knob) {
  if (knob == "algorithm") return true;
  if (algorithm == kDirect) return knob == "tile_co";
  if (algorithm == kIm2col) return knob == "tile_co" || knob == "rows" || knob == "tile_p" || knob == "unroll_k";
  if (algorithm == kWinograd) return false;
  return knob == "rows" || knob == "layout" || knob == "tile" || knob == "weights" || knob == "code_budget";
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

/// Rows that fill few tiles are better copied: windows of several rows then share tiles.
bool narrow(const Workload& workload) {
  return workload.output().shape[2] < 8;
}

/// The first value of every knob is the fallback's, so that a search can change the algorithm of the fallback and
/// nothing else.
space::Space convolution_space(const Workload& workload, const target::Target& target) {
  const ir::Shape& out = workload.output().shape;
  const bool pairs = target.dsp && !is_float(workload);
  const int64_t steps = pairs ? (depth_of(workload) + 1) / 2 : depth_of(workload);
  const bool gemm = !why_no_convolution_gemm(workload, target);
  std::vector<std::string> algorithms{"direct", "im2col"};
  if (gemm) algorithms.push_back("gemm");
  if (gemm && !why_no_convolution_winograd(workload, target)) algorithms.push_back("winograd");
  space::Space space;
  space.knobs = {
      space::choice("algorithm", algorithms,
                    "read the input in place, copy windows into a matrix, or multiply rows by a scheduled kernel"),
      space::divisors("tile_co", out[3], 8, "direct, im2col: output channels whose sums are kept in registers"),
      space::one_of("rows", row_counts(out[1]), "im2col, gemm: output rows whose input is prepared at a time"),
      space::divisors("tile_p", int64_t{out[2]} * 4, 5, "im2col: positions whose sums are kept in registers"),
      space::divisors("unroll_k", steps, 16, "im2col: steps of the inner loop that are written out")};
  if (gemm) {
    const int64_t tiles =
        static_cast<int64_t>(std::max(micro::gemm_tiles(target, false).size(), micro::gemm_tiles(target, true).size()));
    space.knobs.push_back(
        space::choice("layout", {"rows", "columns"}, "gemm: input rows in place, or copies of windows"));
    space.knobs.push_back(space::one_of("tile", numbers_up_to(tiles), "gemm: which tile of channels by positions"));
    space.knobs.push_back(weight_form_knob());
    space.knobs.push_back(
        space::one_of("code_budget", {4096, 512, 1024, 2048, 8192}, "gemm: bytes of unrolled inner loop"));
  }
  const int64_t height = out[1], width = out[2];
  std::vector<std::pair<std::string, int64_t>> first;
  for (const space::Knob& knob : space.knobs) first.emplace_back(knob.name, knob.values.front());
  space.illegal = [height, width, first](const space::Config& c) -> std::optional<std::string> {
    const int64_t algorithm = c.at("algorithm");
    for (const auto& [knob, value] : first) {
      if (!reads(algorithm, knob) && c.at(knob) != value) return knob + " is not a knob of this algorithm";
    }
    if (algorithm != kIm2col) return std::nullopt;
    if (height % c.at("rows") != 0) return "im2col needs rows that divide the output's";
    if (width * c.at("rows") % c.at("tile_p") != 0) return "tile_p does not divide the positions copied at a time";
    if (c.at("tile_p") * c.at("tile_co") > 16) return "more sums than a core has registers for";
    return std::nullopt;
  };
  return space;
}

/// `space`'s first point with some knobs set.
space::Config with(const space::Space& space, const std::vector<std::pair<std::string, int64_t>>& settings) {
  space::Config config = space.at(0);
  for (auto& [knob, value] : config.values) {
    for (const auto& [name, wanted] : settings) value = knob == name ? wanted : value;
  }
  return config;
}

/// The largest value of the knob up to `most`.
int64_t largest(const space::Space& space, const std::string& name, int64_t most) {
  int64_t best = 1;
  for (const space::Knob& knob : space.knobs) {
    if (knob.name != name) continue;
    for (const int64_t v : knob.values) best = v <= most && v > best ? v : best;
  }
  return best;
}

space::Config im2col_fallback(const space::Space& space) {
  for (const int64_t tile : {4, 3, 2}) {
    space::Config config = with(space, {{"algorithm", kIm2col},
                                        {"rows", 1},
                                        {"tile_co", largest(space, "tile_co", 2)},
                                        {"tile_p", tile},
                                        {"unroll_k", largest(space, "unroll_k", 8)}});
    if (!space.why_illegal(config)) return config;
  }
  return with(space, {{"algorithm", kIm2col},
                      {"rows", 1},
                      {"tile_co", largest(space, "tile_co", 4)},
                      {"unroll_k", largest(space, "unroll_k", 8)}});
}

loop::Program lower_convolution(const Workload& workload, const space::Config& config, const target::Target& target,
                                const std::string& name) {
  switch (config.at("algorithm")) {
    case kDirect:
      return convolution_direct(workload, config, name);
    case kIm2col:
      return convolution_im2col(workload, config, target, name);
    case kGemm:
      return convolution_gemm(workload, config, target, name);
    default:
      return convolution_winograd(workload, target, name);
  }
}

/// The scheduled kernel where it exists for these weights, else im2col.
space::Config convolution_fallback(const Workload& workload, const target::Target& target) {
  const space::Space space = convolution_space(workload, target);
  if (!why_no_convolution_gemm(workload, target)) {
    const int64_t copied = narrow(workload) ? 1 : 0;
    for (const int64_t layout : {copied, 1 - copied}) {
      const space::Config config = with(space, {{"algorithm", kGemm}, {"layout", layout}});
      try {
        lower_convolution(workload, config, target, "trial");
        return config;
      } catch (const loop::ScheduleError&) {
        // No exact requantisation for these weights, say: the next program follows.
      }
    }
  }
  return im2col_fallback(space);
}

}  // namespace

const Family kConvolution{5, convolution_space, convolution_fallback, lower_convolution};

}  // namespace mote::kernels
