// Fixed-point arithmetic of quantised operators, exactly as TensorFlow Lite Micro's reference kernels have it (commit
// 90b983c2, double rounding), and the parameters each operator derives from the scales of its tensors. The reference
// interpreter and the kernels both take them from here, so that there is one definition.
#pragma once

#include <cstdint>

#include "ir/graph.h"

namespace mote::ir {

/// A positive real factor as mantissa * 2^(shift - 31), mantissa in [2^30, 2^31); 0 is {0, 0}.
struct Multiplier {
  int32_t mantissa = 0;
  int32_t shift = 0;  // positive: left
  bool operator==(const Multiplier&) const = default;
};

/// The nearest Multiplier of `real`; real >= 0. Rounds half away from zero, and flushes to zero below 2^-32.
Multiplier quantize_multiplier(double real);

/// high 32 bits of 2*a*b, the nudge added and truncated toward zero; saturates when both are INT32_MIN.
int32_t saturating_rounding_doubling_high_mul(int32_t a, int32_t b);

/// x / 2^exponent, rounded half away from zero; 0 <= exponent <= 31.
int32_t rounding_divide_by_pot(int32_t x, int32_t exponent);

/// x times the multiplier: shift left first if it is positive (modulo 2^32), doubling high multiply, then a rounding
/// right shift. multiplier.shift is in [-31, 31].
int32_t multiply_by_quantized_multiplier(int32_t x, Multiplier multiplier);

/// a + b modulo 2^32: adding a zero point to a scaled value that a left shift may have blown up.
inline int32_t wrapping_add(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}

/// The quantisation in which `op` computes its int8 output: Operator::computed, or else the output tensor's. Every
/// function below means it by "the output's" scale and zero point.
inline const Quantization& computed_in(const Graph& graph, const Operator& op) {
  return op.computed ? *op.computed : graph.tensor(op.output).quant.value();
}

/// The output multipliers of a Conv2D, DepthwiseConv2D or Dense: one per output channel (per-tensor weights repeat
/// one). The factor is the double product of the two scales divided by the output's; a Dense with per-tensor weights
/// rounds the product to binary32 first.
std::vector<Multiplier> output_multipliers(const Graph& graph, const Operator& op);

/// int8 Add: stored a and b are offset, shifted left, scaled, summed, scaled, offset and clamped.
struct AddParams {
  int32_t a_offset, b_offset, out_offset;  // -zero_point, -zero_point, +zero_point
  int32_t left_shift;                      // 20
  Multiplier a, b, out;
};
AddParams add_params(const Graph& graph, const Operator& op);

/// int8 Mul.
struct MulParams {
  int32_t a_offset, b_offset, out_offset;
  Multiplier out;
};
MulParams mul_params(const Graph& graph, const Operator& op);

/// int8 Mean over `count` values: sum of stored values minus count * input zero point, scaled, plus the output zero
/// point.
struct MeanParams {
  int32_t count;
  int32_t in_zero_point, out_zero_point;
  Multiplier multiplier;  // 1/count is folded in, the way the reference folds it
};
MeanParams mean_params(const Graph& graph, const Operator& op);

/// int8 Softmax: differences to the row's maximum below diff_min give the least output; the others times `input`
/// (shifted left, doubling high multiply) are Q5.26 arguments of exp_q5() (ir/fixed_math.h).
struct SoftmaxParams {
  Multiplier input;
  int32_t diff_min;
};
SoftmaxParams softmax_params(const Graph& graph, const Operator& op);

/// Stored clamp bounds of `op`'s int8 output: its Clamp as integers within [-128, 127]. Operators without one: the full
/// range.
struct ClampI8 {
  int32_t lo = -128, hi = 127;
};
ClampI8 clamp_i8(const Operator& op);

/// The 256 outputs of an int8 operator with one input that works element by element: Logistic, Tanh, Relu, Quantize
/// (int8 to int8), Lookup; its `post` table included. Aborts for others.
Table table_of(const Graph& graph, const Operator& op);

/// Whether table_of() applies.
bool is_elementwise_i8(const Graph& graph, const Operator& op);

}  // namespace mote::ir
