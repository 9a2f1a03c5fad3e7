// Conv2D: which algorithms there are, and the knobs of each.
#include "kernels/common.h"
#include "kernels/convolution_c.h"
#include "kernels/family.h"

namespace mote::kernels {

namespace {

enum Algorithm : int64_t { kDirect, kIm2col };

int64_t depth_of(const Workload& workload) {
  const ir::Shape& w = workload.input(1).shape;
  return int64_t{w[1]} * w[2] * w[3];
}

space::Space convolution_space(const Workload& workload, const target::Target& target) {
  const ir::Shape& out = workload.output().shape;
  const bool pairs = target.dsp && !is_float(workload);
  const int64_t steps = pairs ? (depth_of(workload) + 1) / 2 : depth_of(workload);
  space::Space space;
  space.knobs = {
      space::choice("algorithm", {"direct", "im2col"}, "read the input in place, or copy windows into a matrix"),
      space::divisors("tile_co", out[3], 8, "output channels whose sums are kept in registers"),
      space::divisors("rows", out[1], 8, "im2col: output rows whose windows are copied at a time"),
      space::divisors("tile_p", int64_t{out[2]} * 4, 5, "im2col: positions whose sums are kept in registers"),
      space::divisors("unroll_k", steps, 16, "im2col: steps of the inner loop that are written out")};
  const int64_t width = out[2];
  space.illegal = [width](const space::Config& c) -> std::optional<std::string> {
    const bool direct = c.at("algorithm") == kDirect;
    if (direct && (c.at("rows") != 1 || c.at("tile_p") != 1 || c.at("unroll_k") != 1)) {
      return "direct has none of im2col's knobs";
    }
    if (width * c.at("rows") % c.at("tile_p") != 0) return "tile_p does not divide the positions copied at a time";
    if (c.at("tile_p") * c.at("tile_co") > 16) return "more sums than a core has registers for";
    return std::nullopt;
  };
  return space;
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

space::Config convolution_fallback(const Workload& workload, const target::Target& target) {
  const space::Space space = convolution_space(workload, target);
  space::Config config;
  config.values = {{"algorithm", kIm2col},
                   {"tile_co", largest(space, "tile_co", 2)},
                   {"rows", 1},
                   {"tile_p", 1},
                   {"unroll_k", largest(space, "unroll_k", 8)}};
  for (const int64_t tile : {4, 3, 2}) {
    config.values[3].second = tile;
    if (!space.why_illegal(config)) return config;
  }
  config.values[3].second = 1;
  return config;
}

loop::Program lower_convolution(const Workload& workload, const space::Config& config, const target::Target& target,
                                const std::string& name) {
  if (config.at("algorithm") == kDirect) return convolution_direct(workload, config, name);
  return convolution_im2col(workload, config, target, name);
}

}  // namespace

const Family kConvolution{1, convolution_space, convolution_fallback, lower_convolution};

}  // namespace mote::kernels
