// Requantisation by proof. Accumulator to int8 is a monotone step function; a kernel may compute it with any
// instruction sequence whose steps lie at the same accumulators over the range that can be reached.
// plan_requantisation() looks for the cheapest sequence that does, for all channels of a layer at once (a kernel's
// epilogue has one shape), and proves it.
//
// The sequence of a form, on an accumulator a that already holds bias + bias_offset (all int32, >> is arithmetic):
//
//   t = addend + (sign_correction ? a >> 31 : 0)
//   a = pre_shift >= 0 ? a << pre_shift : a >> -pre_shift
//   a = high word of (a * multiplier + (t << 32) + (rounding ? 2^31 : 0))        smmla, smmlar
//   a = saturate(a >> shift)                                                      ssat, usat
//   a = the byte a, clamped_add added with saturation to [-128, 127]              qadd8, when clamped_add is not 0
//   a = a - subtract                                                              sub, when subtract is not 0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ir/quantized.h"

namespace mote::kernels {

/// The shape of an instruction sequence, the same for every channel of a layer.
struct RequantForm {
  bool sign_correction = false;
  bool rounding = false;
  int pre_shift = 0;               // left; negative: right
  bool shift_per_channel = false;  // the shift before the saturation is RequantConstants::shift, one instruction more
  int shift = 0;                   // 0..31, when it is not per channel
  bool saturate_signed = true;     // ssat to [-2^(bits-1), 2^(bits-1) - 1], or usat to [0, 2^bits - 1]
  int saturate_bits = 8;
  int clamped_add = 0;  // -127..127
  int subtract = 0;     // 0..255
  bool operator==(const RequantForm&) const = default;

  /// Words of constants per channel: multiplier, addend and, when per channel, shift; in this order.
  int words_per_channel() const { return shift_per_channel ? 3 : 2; }
  /// Instructions for one output, store not included.
  int instructions() const;
};

/// A form whose last instructions, from the saturation on, make the clamp [lo, hi] of a value that comes in moved: they
/// are to be given y - moved for the output y.
struct SaturationForm {
  RequantForm form;
  int32_t moved = 0;
};
SaturationForm saturation_for(const ir::ClampI8& clamp);

/// What one channel adds to the form.
struct RequantConstants {
  int32_t bias_offset = 0;  // to be added to the channel's bias (in accumulator units, that is scaled)
  int32_t multiplier = 0;
  int32_t addend = 0;
  int32_t shift = 0;  // when the form's shift is per channel
  bool operator==(const RequantConstants&) const = default;
};

/// One channel's exact function: clamp(zero_point + multiply_by_quantized_multiplier(x, multiplier)) for x in [lo, hi].
struct RequantChannel {
  ir::Multiplier multiplier;
  int32_t lo = 0, hi = 0;  // reachable accumulators, bias included
};

/// A layer's function.
struct RequantLayer {
  std::vector<RequantChannel> channels;
  int32_t zero_point = 0;
  ir::ClampI8 clamp;
  int32_t scale = 1;     // the kernel's accumulator is scale * x: 1, or 4 or 2 for integer Winograd transforms
  bool searched = true;  // false: the reference's own arithmetic where it holds, to see what the search is worth
};

struct RequantPlan {
  RequantForm form;
  std::vector<RequantConstants> channels;
};

/// The cheapest form that is exact for every channel, with its constants; nothing when no known form is (multipliers of
/// 1 and more whose accumulators would overflow, say): then store int32 and requantise in C.
std::optional<RequantPlan> plan_requantisation(const RequantLayer& layer);

/// The reference's output for accumulator `x` (not scaled).
int8_t reference_output(const RequantLayer& layer, size_t channel, int32_t x);

/// The form's output for the kernel's accumulator (scaled, bias_offset included): what the instructions compute.
int32_t apply_requantisation(const RequantForm& form, const RequantConstants& constants, int32_t accumulator);

/// Whether the form equals the reference for every x of the channel's range: compares the steps of the two functions.
bool prove_requantisation(const RequantLayer& layer, size_t channel, const RequantForm& form,
                          const RequantConstants& constants);

/// The interval of bias + sum of weights[i] * x[i] when each x[i] is anywhere in [input_lo, input_hi]. Saturates to
/// int32.
struct AccumulatorRange {
  int32_t lo = 0, hi = 0;
};
AccumulatorRange accumulator_range(std::span<const int8_t> weights, int32_t bias, int32_t input_lo, int32_t input_hi);

}  // namespace mote::kernels
