#include "kernels/requant.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "support/error.h"

namespace mote::kernels {
namespace {

using Wide = __int128;

constexpr int64_t kInt32Min = std::numeric_limits<int32_t>::min(), kInt32Max = std::numeric_limits<int32_t>::max();
constexpr int kMostShift = 20;  // of a one-sided form: more would leave no room for large outputs
constexpr int64_t kMostBiasOffset = 1 << 20;
constexpr int64_t kSlopesTried = 4;  // on either side of the best one

bool fits_int32(int64_t value) {
  return value >= kInt32Min && value <= kInt32Max;
}

/// The output steps up to `to` (in the form's units, before its last additions) at accumulator `at`: f(at) >= to > f(at
/// - 1).
struct Step {
  int64_t at;
  int64_t to;
};

int8_t reference(const RequantLayer& layer, const RequantChannel& channel, int32_t x) {
  const int64_t scaled =
      int64_t{ir::multiply_by_quantized_multiplier(x, channel.multiplier)} + int64_t{layer.zero_point};
  return static_cast<int8_t>(std::clamp<int64_t>(scaled, layer.clamp.lo, layer.clamp.hi));
}

/// A channel's function as steps, moved as the form's tail wants it.
std::vector<Step> steps_of(const RequantLayer& layer, const RequantChannel& channel, int32_t moved) {
  std::vector<Step> steps;
  const int from = reference(layer, channel, channel.lo), to = reference(layer, channel, channel.hi);
  int64_t lo = channel.lo;
  for (int output = from + 1; output <= to; ++output) {
    int64_t hi = channel.hi;
    while (lo < hi) {
      const int64_t middle = lo + (hi - lo) / 2;
      if (reference(layer, channel, static_cast<int32_t>(middle)) >= output) {
        hi = middle;
      } else {
        lo = middle + 1;
      }
    }
    steps.push_back({lo, output - moved});
  }
  return steps;
}

double real_multiplier(ir::Multiplier multiplier) {
  return std::ldexp(double{1} * multiplier.mantissa, multiplier.shift - 31);
}

/// The high word of the product and sum, before it is known to fit.
int64_t high_word(const RequantForm& form, const RequantConstants& constants, int64_t accumulator) {
  const int64_t addend = int64_t{constants.addend} + (form.sign_correction && accumulator < 0 ? -1 : 0);
  const int64_t shifted =
      form.pre_shift >= 0 ? accumulator * (int64_t{1} << form.pre_shift) : accumulator >> -form.pre_shift;
  const Wide sum =
      Wide{shifted} * constants.multiplier + (Wide{addend} << 32) + (form.rounding ? Wide{1} << 31 : Wide{0});
  return static_cast<int64_t>(sum >> 32);
}

/// Whether nothing overflows between the instructions; as everything is monotone, the ends of the range decide.
bool stays_in_range(const RequantForm& form, const RequantConstants& constants, int64_t accumulator) {
  const int64_t shifted = form.pre_shift >= 0 ? accumulator * (int64_t{1} << form.pre_shift) : accumulator;
  const int64_t addend = int64_t{constants.addend} - 1;
  return fits_int32(accumulator) && fits_int32(shifted) && fits_int32(addend) &&
         fits_int32(high_word(form, constants, accumulator));
}

/// Solutions of m * a + b >= to * 2^(32 + shift) exactly where the steps want it, for accumulators a = scale * x.
class Line {
 public:
  Line(const std::vector<Step>& steps, int64_t scale, int shift)
      : steps_(steps), scale_(scale), unit_(Wide{1} << (32 + shift)) {}

  struct Interval {
    Wide lo, hi;
  };
  /// The b that fit a slope m; empty when lo > hi.
  Interval offsets(int64_t m) const {
    Interval b{-(Wide{1} << 120), Wide{1} << 120};
    for (const Step& step : steps_) {
      b.lo = std::max(b.lo, unit_ * step.to - Wide{m} * scale_ * step.at);
      b.hi = std::min(b.hi, unit_ * step.to - Wide{m} * scale_ * (step.at - 1) - 1);
    }
    return b;
  }

  /// The slope in [lo, hi] with the widest choice of offsets: the width is a concave function of the slope.
  int64_t best_slope(int64_t lo, int64_t hi) const {
    while (lo < hi) {
      const int64_t middle = lo + (hi - lo) / 2;
      if (width(middle) < width(middle + 1)) {
        lo = middle + 1;
      } else {
        hi = middle;
      }
    }
    return lo;
  }
  Wide width(int64_t m) const {
    const Interval b = offsets(m);
    return b.hi - b.lo;
  }

 private:
  const std::vector<Step>& steps_;
  const Wide scale_;
  const Wide unit_;
};

/// The smallest x >= 0 with a * x mod m in [lo, hi], 0 <= a < m, 0 <= lo <= hi < m; -1 when there is none. Euclid's
/// algorithm.
int64_t first_multiple_within(int64_t a, int64_t m, int64_t lo, int64_t hi) {
  if (lo == 0) return 0;
  if (a == 0) return -1;
  const int64_t x = (lo + a - 1) / a;
  if (x * a <= hi) return x;
  // No multiple of a lies in [lo, hi] itself: find how many turns of m to add.
  const int64_t turns = first_multiple_within(m % a, a, a - hi % a, a - lo % a);
  if (turns < 0) return -1;
  return static_cast<int64_t>((Wide{lo} + Wide{m} * turns + a - 1) / a);
}

class Planner {
 public:
  explicit Planner(const RequantLayer& layer) : layer_(layer), tail_(saturation_for(layer.clamp)) {
    for (const RequantChannel& channel : layer.channels) steps_.push_back(steps_of(layer, channel, tail_.moved));
  }

  std::optional<RequantPlan> plan() {
    const int doubled = layer_.scale == 4 ? -1 : layer_.scale == 2 ? 0 : 1;  // the shift to 2x
    if (!layer_.searched) {
      if (std::optional<RequantPlan> plan = universal(doubled)) return plan;
    }
    // Cheapest first; each is proved before it counts.
    if (std::optional<RequantPlan> plan = one_sided(0)) return plan;
    if (layer_.scale == 4) {
      if (std::optional<RequantPlan> plan = universal(0)) return plan;
    }
    if (std::optional<RequantPlan> plan = universal(doubled)) return plan;
    for (int pre_shift = 1; pre_shift <= 16; ++pre_shift) {
      if (std::optional<RequantPlan> plan = one_sided(pre_shift)) return plan;
    }
    return std::nullopt;
  }

 private:
  /// One line for all steps. Exists for channels whose steps lie on one side of zero, since the reference rounds its
  /// second shift away from zero, and for many others by luck.
  std::optional<RequantPlan> one_sided(int pre_shift) const {
    int shift = kMostShift;
    for (size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].empty()) continue;
      // A slope must fit, and twice as much room lets the search tilt it.
      const double slope =
          real_multiplier(layer_.channels[i].multiplier) / layer_.scale * std::ldexp(1.0, 32 - pre_shift);
      shift = std::min(shift, 30 - std::ilogb(slope));
    }
    for (; shift >= 0; --shift) {
      RequantPlan plan{.form = tail_.form, .channels = {}};
      plan.form.pre_shift = pre_shift;
      plan.form.shift = shift;
      bool hopeless = false;
      for (size_t i = 0; i < steps_.size() && !hopeless; ++i) {
        const std::optional<RequantConstants> constants = one_sided_constants(plan.form, i, hopeless);
        if (!constants) break;
        plan.channels.push_back(*constants);
      }
      if (plan.channels.size() == steps_.size()) return plan;
      if (hopeless) break;
    }
    return std::nullopt;
  }

  /// `hopeless`: no line fits, and none will with a smaller shift, whose lines are among these.
  std::optional<RequantConstants> one_sided_constants(const RequantForm& form, size_t i, bool& hopeless) const {
    if (steps_[i].empty()) return proved(i, form, constant_function(form, i));
    const int64_t accumulator_unit = int64_t{layer_.scale} << form.pre_shift;
    const Line line(steps_[i], accumulator_unit, form.shift);
    const double nominal = real_multiplier(layer_.channels[i].multiplier) * std::ldexp(1.0, 32 + form.shift) /
                           static_cast<double>(accumulator_unit);
    const auto lo = static_cast<int64_t>(std::max(1.0, nominal * 0.5));
    const auto hi = static_cast<int64_t>(std::min(static_cast<double>(kInt32Max), nominal * 2 + 2));
    if (lo > hi) return std::nullopt;
    const int64_t best = line.best_slope(lo, hi);
    if (line.width(best) < 0) {
      hopeless = true;
      return std::nullopt;
    }
    std::optional<RequantConstants> good;
    for (int64_t m = best - kSlopesTried; m <= best + kSlopesTried; ++m) {
      if (m < 1 || m > kInt32Max || line.width(m) < 0) continue;
      const std::optional<RequantConstants> constants = offsets_for(m, form.pre_shift, line.offsets(m));
      if (constants && (!good || constants->bias_offset < good->bias_offset)) good = constants;
    }
    return good ? proved(i, form, *good) : std::nullopt;
  }

  /// The smallest bias offset, and its addend, with addend * 2^32 + m * bias offset in the interval. The addend alone
  /// is too coarse.
  static std::optional<RequantConstants> offsets_for(int64_t m, int pre_shift, const Line::Interval& b) {
    constexpr int64_t kTurn = int64_t{1} << 32;
    const auto modulo = [](Wide value) { return static_cast<int64_t>(((value % kTurn) + kTurn) % kTurn); };
    const Wide slope = Wide{m} << pre_shift;
    const int64_t lo = modulo(b.lo), width = static_cast<int64_t>(std::min<Wide>(b.hi - b.lo, kTurn - 1));
    // An interval across a multiple of a turn holds it.
    const int64_t offset =
        lo == 0 || lo + width >= kTurn ? 0 : first_multiple_within(modulo(slope), kTurn, lo, lo + width);
    if (offset < 0 || offset > kMostBiasOffset) return std::nullopt;
    const Wide addend = (b.hi - slope * offset) >> 32;
    if (addend < kInt32Min / 2 || addend > kInt32Max / 2) return std::nullopt;
    return RequantConstants{static_cast<int32_t>(offset), static_cast<int32_t>(m), static_cast<int32_t>(addend), 0};
  }

  RequantConstants constant_function(const RequantForm& form, size_t i) const {
    const int32_t output = reference(layer_, layer_.channels[i], layer_.channels[i].lo) - tail_.moved;
    return {0, 0, static_cast<int32_t>(int64_t{output} << form.shift), 0};
  }

  /// The reference's own arithmetic: 2x times the mantissa rounds like its first step; the sign correction is its
  /// second's.
  std::optional<RequantPlan> universal(int pre_shift) const {
    RequantPlan plan{.form = tail_.form, .channels = {}};
    plan.form.sign_correction = plan.form.rounding = true;
    plan.form.pre_shift = pre_shift;
    std::optional<int32_t> common;
    for (size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i].empty()) continue;
      const int32_t right = -layer_.channels[i].multiplier.shift;
      if (right < 1 || right > 22) return std::nullopt;
      if (common && *common != right) plan.form.shift_per_channel = true;
      common = right;
    }
    plan.form.shift = plan.form.shift_per_channel ? 0 : common.value_or(1);
    for (size_t i = 0; i < steps_.size(); ++i) {
      const std::optional<RequantConstants> constants = universal_constants(plan.form, i);
      if (!constants) return std::nullopt;
      plan.channels.push_back(*constants);
    }
    return plan;
  }

  std::optional<RequantConstants> universal_constants(const RequantForm& form, size_t i) const {
    const ir::Multiplier multiplier = layer_.channels[i].multiplier;
    if (steps_[i].empty()) {
      // The sign correction must not show: half a unit above the output.
      const int32_t shift = form.shift_per_channel ? 1 : form.shift;
      RequantForm shifted = form;
      shifted.shift = shift;
      RequantConstants constants = constant_function(shifted, i);
      constants.addend += 1 << (shift - 1);
      constants.shift = form.shift_per_channel ? shift : 0;
      return proved(i, form, constants);
    }
    const int32_t right = -multiplier.shift;
    RequantConstants constants;
    constants.addend = ((layer_.zero_point - tail_.moved) * (1 << right)) + (1 << (right - 1));
    constants.shift = form.shift_per_channel ? right : 0;
    // With an accumulator of 4x and no shift the mantissa is halved, which is exact or, for most ranges, close enough.
    const bool halved = layer_.scale == 4 && form.pre_shift == 0;
    for (const int32_t nudge : {0, 1}) {
      constants.multiplier = halved ? multiplier.mantissa / 2 + nudge : multiplier.mantissa;
      if (std::optional<RequantConstants> good = proved(i, form, constants)) return good;
    }
    return std::nullopt;
  }

  std::optional<RequantConstants> proved(size_t i, const RequantForm& form, const RequantConstants& constants) const {
    return prove(i, form, constants) ? std::optional(constants) : std::nullopt;
  }

  bool prove(size_t i, const RequantForm& form, const RequantConstants& constants) const {
    return prove_steps(layer_, i, form, constants, steps_[i], tail_.moved);
  }

 public:
  static bool prove_steps(const RequantLayer& layer, size_t i, const RequantForm& form,
                          const RequantConstants& constants, const std::vector<Step>& steps, int32_t moved) {
    const RequantChannel& channel = layer.channels[i];
    const auto accumulator = [&](int64_t x) { return layer.scale * x + constants.bias_offset; };
    const auto output = [&](int64_t x) {
      return apply_requantisation(form, constants, static_cast<int32_t>(accumulator(x)));
    };
    for (const int32_t end : {channel.lo, channel.hi}) {
      if (!stays_in_range(form, constants, accumulator(end)) || output(end) != reference(layer, channel, end))
        return false;
    }
    return std::all_of(steps.begin(), steps.end(), [&](const Step& step) {
      return output(step.at) >= step.to + moved && output(step.at - 1) < step.to + moved;
    });
  }

 private:
  const RequantLayer& layer_;
  const SaturationForm tail_;
  std::vector<std::vector<Step>> steps_;  // per channel
};

}  // namespace

SaturationForm saturation_for(const ir::ClampI8& clamp) {
  const auto [lo, hi] = clamp;
  SaturationForm tail;
  const uint32_t width = static_cast<uint32_t>(hi - lo);
  const int bits = std::max(1, static_cast<int>(std::bit_width(width)));
  const bool all_ones = width == (1u << bits) - 1;
  if (all_ones && lo == -(1 << (bits - 1))) {
    tail.form.saturate_bits = bits;
  } else if (all_ones && lo == 0) {
    tail.form.saturate_signed = false;
    tail.form.saturate_bits = bits;
  } else if (lo == -128) {
    // The upper bound by ssat, a saturating addition back down keeps the lower one.
    tail.form.clamped_add = -(127 - hi);
    tail.moved = tail.form.clamped_add;
  } else {
    // The lower bound by ssat, the upper one by a saturating addition, and back down to where it should be.
    tail.form.saturate_bits = bits;
    tail.form.subtract = 127 - hi;
    tail.form.clamped_add = lo + (1 << (bits - 1)) + tail.form.subtract;
    tail.moved = lo + (1 << (bits - 1));
  }
  return tail;
}

int RequantForm::instructions() const {
  return 2 + (sign_correction ? 1 : 0) + (pre_shift != 0 ? 1 : 0) + (shift_per_channel ? 1 : 0) +
         (clamped_add != 0 ? 1 : 0) + (subtract != 0 ? 1 : 0);
}

std::optional<RequantPlan> plan_requantisation(const RequantLayer& layer) {
  check(layer.clamp.lo <= layer.clamp.hi && layer.clamp.lo >= -128 && layer.clamp.hi <= 127, "a clamp outside int8");
  for (const RequantChannel& channel : layer.channels) {
    check(channel.lo <= channel.hi && channel.multiplier.mantissa >= 0, "a channel without accumulators");
    // Where the reference itself would overflow there is no step function to match.
    const int64_t left = int64_t{1} << std::clamp(channel.multiplier.shift, 0, 31);
    if (!fits_int32(channel.lo * left) || !fits_int32(channel.hi * left)) return std::nullopt;
    if (!fits_int32(int64_t{channel.lo} * layer.scale) || !fits_int32(int64_t{channel.hi} * layer.scale))
      return std::nullopt;
  }
  return Planner(layer).plan();
}

int8_t reference_output(const RequantLayer& layer, size_t channel, int32_t x) {
  return reference(layer, layer.channels.at(channel), x);
}

int32_t apply_requantisation(const RequantForm& form, const RequantConstants& constants, int32_t accumulator) {
  int64_t a = high_word(form, constants, accumulator) >> (form.shift_per_channel ? constants.shift : form.shift);
  const int64_t half = int64_t{1} << (form.saturate_bits - 1);
  a = form.saturate_signed ? std::clamp(a, -half, half - 1) : std::clamp<int64_t>(a, 0, 2 * half - 1);
  if (form.clamped_add != 0) a = std::clamp<int64_t>(a + form.clamped_add, -128, 127);
  return static_cast<int32_t>(a - form.subtract);
}

bool prove_requantisation(const RequantLayer& layer, size_t channel, const RequantForm& form,
                          const RequantConstants& constants) {
  const std::vector<Step> steps = steps_of(layer, layer.channels.at(channel), 0);
  return Planner::prove_steps(layer, channel, form, constants, steps, 0);
}

AccumulatorRange accumulator_range(std::span<const int8_t> weights, int32_t bias, int32_t input_lo, int32_t input_hi) {
  int64_t lo = bias, hi = bias;
  for (const int8_t weight : weights) {
    lo += std::min(int64_t{weight} * input_lo, int64_t{weight} * input_hi);
    hi += std::max(int64_t{weight} * input_lo, int64_t{weight} * input_hi);
  }
  return {static_cast<int32_t>(std::clamp(lo, kInt32Min, kInt32Max)),
          static_cast<int32_t>(std::clamp(hi, kInt32Min, kInt32Max))};
}

}  // namespace mote::kernels
