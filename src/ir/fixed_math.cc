#include "ir/fixed_math.h"

#include <array>
#include <bit>
#include <limits>

#include "ir/quantized.h"
#include "support/error.h"

namespace mote::ir {
namespace {

constexpr int32_t kMax = std::numeric_limits<int32_t>::max();  // 1 in Q0.31
constexpr int32_t kMin = std::numeric_limits<int32_t>::min();

/// Product: integer bits of the factors add up.
int32_t mul(int32_t a, int32_t b) {
  return saturating_rounding_doubling_high_mul(a, b);
}

/// a * 2^bits, saturated.
int32_t saturating_shift_left(int32_t a, int bits) {
  const int64_t wide = int64_t{a} * (int64_t{1} << bits);
  return wide > kMax ? kMax : wide < kMin ? kMin : static_cast<int32_t>(wide);
}

/// Difference modulo 2^32: what two's complement gives on every target.
int32_t sub(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) - static_cast<uint32_t>(b));
}

/// exp(a) in Q0.31, a in [-1/4, 0) in Q0.31: the Taylor series around -1/8 up to the fourth power.
int32_t exp_on_last_quarter(int32_t a) {
  constexpr int32_t kExpMinusEighth = 1895147668;
  constexpr int32_t kThird = 715827883;
  const int32_t x = a + (1 << 28);  // a + 1/8
  const int32_t x2 = mul(x, x);
  const int32_t x3 = mul(x2, x);
  const int32_t x4 = mul(x2, x2);
  const int32_t quarter_x4 = rounding_divide_by_pot(x4, 2);
  const int32_t tail = rounding_divide_by_pot(mul(quarter_x4 + x3, kThird) + x2, 1);  // x^4/24 + x^3/6 + x^2/2
  return wrapping_add(kExpMinusEighth, mul(kExpMinusEighth, x + tail));
}

/// exp(a) in Q0.31 for a <= 0 in Q(integer_bits); integer_bits <= 5.
int32_t exp_on_negative(int32_t a, int integer_bits) {
  // exp(-2^(i - 2)) in Q0.31
  constexpr std::array<int32_t, 7> kPowers = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  if (a == 0) return kMax;
  const int fraction_bits = 31 - integer_bits;
  const int32_t quarter = int32_t{1} << (fraction_bits - 2);
  const int32_t in_last_quarter = (a & (quarter - 1)) - quarter;
  const int32_t rest = sub(in_last_quarter, a);  // a multiple of 1/4, not negative
  int32_t result = exp_on_last_quarter(saturating_shift_left(in_last_quarter, integer_bits));
  for (int i = 0; i < static_cast<int>(kPowers.size()) && i - 2 < integer_bits; ++i) {
    if (rest & (quarter << i)) result = mul(result, kPowers[static_cast<size_t>(i)]);
  }
  return result;
}

/// 1 / d in Q2.29, d in [1/2, 1] in Q0.31, d = (1 + a) / 2: three Newton-Raphson steps from 48/17 - 32/17 d.
int32_t newton_reciprocal(int32_t a) {
  constexpr int32_t k48Over17 = 1515870810;
  constexpr int32_t kMinus32Over17 = -1010580540;
  constexpr int32_t kOne = 1 << 29;
  const int64_t sum = int64_t{a} + kMax;
  const int32_t half_denominator = static_cast<int32_t>((sum + (sum >= 0 ? 1 : -1)) / 2);
  int32_t x = wrapping_add(k48Over17, mul(half_denominator, kMinus32Over17));
  for (int i = 0; i < 3; ++i) {
    const int32_t error = sub(kOne, mul(half_denominator, x));
    x = wrapping_add(x, saturating_shift_left(mul(x, error), 2));  // the product of two Q2 is Q4
  }
  return x;
}

}  // namespace

int32_t exp_q5(int32_t a) {
  return exp_on_negative(a, 5);
}

// Half of x in Q2.29 has the bits of x in Q1.30; one more shift gives Q0.31.
int32_t one_over_one_plus(int32_t a) {
  return saturating_shift_left(newton_reciprocal(a), 1);
}

int32_t logistic_q4(int32_t a) {
  if (a == 0) return 1 << 30;
  const int32_t magnitude_negated = a > 0 ? -a : a;
  const int32_t positive = one_over_one_plus(exp_on_negative(magnitude_negated, 4));
  return a > 0 ? positive : kMax - positive;
}

int32_t tanh_q4(int32_t a) {
  if (a == 0) return 0;
  const int32_t magnitude_negated = a > 0 ? -a : a;
  // (1 - e) / (1 + e) = 2 / (1 + e) - 1 with e = exp(-2|a|): the same bits, read as Q5, are twice the value in Q4.
  const int32_t x = newton_reciprocal(exp_on_negative(magnitude_negated, 5));
  const int32_t positive = saturating_shift_left(sub(x, 1 << 29), 2);
  return a > 0 ? positive : -positive;
}

Reciprocal reciprocal_of(int32_t x, int integer_bits) {
  check(x > 0, "reciprocal of a number that is not positive");
  const int headroom_plus_one = std::countl_zero(static_cast<uint32_t>(x));
  const uint32_t fraction = (static_cast<uint32_t>(x) << headroom_plus_one) - (uint32_t{1} << 31);
  return {one_over_one_plus(static_cast<int32_t>(fraction)), integer_bits - headroom_plus_one};
}

}  // namespace mote::ir
