// Functions that kernels call: fixed-point steps and SIMD instructions. Each has a C text (with the instruction where
// the target has it, plain C elsewhere: the same bytes on a host) and a scalar meaning, so a test holds one against the
// other.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "loop/ir.h"

namespace mote::loop {

/// A value during evaluation: integers in `i` (unsigned words zero-extended), floats in `f`.
struct Value {
  int64_t i = 0;
  float f = 0;
};

struct Intrinsic {
  const char* name;  // also the C function's name
  Type result;
  std::vector<Type> parameters;
  const char* text;  // C definition, `static inline`
  Value (*meaning)(std::span<const Value>);
  std::vector<const Intrinsic*> uses;  // whose texts must come first
};

/// The doubling high multiply with the nudge of the reference: (a, b).
extern const Intrinsic kDoublingHighMul;
/// x / 2^exponent, half away from zero: (x, exponent).
extern const Intrinsic kRoundingShift;
/// Reference requantisation: (x, mantissa, shift), shift positive to the left.
extern const Intrinsic kRequantize;
/// a0*b0 + a1*b1 + accumulator on signed halfwords: (a, b, accumulator).
extern const Intrinsic kSmlad;
/// Bytes 0 and 2, sign-extended to two halfwords: (x).
extern const Intrinsic kSxtb16;
/// Bytes 1 and 3, sign-extended to two halfwords: (x).
extern const Intrinsic kSxtb16Ror8;
/// Low halfword of a, low halfword of b above it: (a, b).
extern const Intrinsic kPackLow;
/// High halfword of a in the low half, high halfword of b above it: (a, b).
extern const Intrinsic kPackHigh;
/// Halfword sums without carry between them: (a, b).
extern const Intrinsic kAdd16;
/// The greater of each pair of signed bytes: (a, b).
extern const Intrinsic kMax8;
/// Limited to [-128, 127]: (x).
extern const Intrinsic kSaturate8;
/// e^x in binary32, relative error under 2e-7 for x in [-87, 88], 0 below and infinity above: (x).
extern const Intrinsic kExp;
/// tanh x in binary32, relative error under 5e-7: (x).
extern const Intrinsic kTanh;
/// a * b + sum in binary32, with one rounding where the target fuses the two: (a, b, sum).
extern const Intrinsic kMultiplyAdd;
/// x rounded to the nearest integer, half away from zero, as int32; saturates: (x).
extern const Intrinsic kRound;

/// Zero bits above the highest one of x > 0: (x).
extern const Intrinsic kLeadingZeros;
/// 1 / y in Q0.31, y in [1, 2) being x > 0 shifted left as far as it goes; gemmlowp's Newton-Raphson, bit for bit: (x).
extern const Intrinsic kReciprocal;

/// All of them, for the test that holds texts against meanings.
std::span<const Intrinsic* const> all_intrinsics();

}  // namespace mote::loop
