#include "loop/intrinsics.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace mote::loop {

namespace {

int64_t low(const Value& v) {
  return static_cast<int16_t>(v.i);
}
int64_t high(const Value& v) {
  return static_cast<int16_t>(static_cast<uint32_t>(v.i) >> 16);
}
Value word(int64_t lo, int64_t hi) {
  return Value{static_cast<int64_t>((static_cast<uint32_t>(lo) & 0xffffu) | (static_cast<uint32_t>(hi) << 16)), 0};
}

int32_t doubling_high_mul(int32_t a, int32_t b) {
  if (a == b && a == std::numeric_limits<int32_t>::min()) return std::numeric_limits<int32_t>::max();
  const int64_t product = int64_t{a} * b;
  const int64_t nudge = product >= 0 ? (int64_t{1} << 30) : 1 - (int64_t{1} << 30);
  return static_cast<int32_t>((product + nudge) / (int64_t{1} << 31));
}

int32_t rounding_shift(int32_t x, int32_t exponent) {
  const int32_t mask = static_cast<int32_t>((int64_t{1} << exponent) - 1);
  const int32_t remainder = x & mask;
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

int32_t requantize(int32_t x, int32_t mantissa, int32_t shift) {
  const int32_t shifted = static_cast<int32_t>(static_cast<uint32_t>(x) << std::max(shift, 0));
  return rounding_shift(doubling_high_mul(shifted, mantissa), std::max(-shift, 0));
}

// 1 / (1 + a) in Q0.31 for a in [0, 1) in Q0.31: Newton-Raphson from 48/17 - 32/17 d with d = (1 + a) / 2, as gemmlowp
// has it.
int32_t one_over_one_plus(int32_t a) {
  const auto wrap = [](int64_t x) { return static_cast<int32_t>(static_cast<uint32_t>(x)); };
  const auto saturate = [](int64_t x) {
    return static_cast<int32_t>(
        std::clamp<int64_t>(x, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
  };
  const int32_t d = static_cast<int32_t>((int64_t{a} + std::numeric_limits<int32_t>::max() + 1) / 2);
  int32_t x = wrap(int64_t{1515870810} + doubling_high_mul(d, -1010580540));
  for (int i = 0; i < 3; ++i) {
    const int32_t error = wrap((int64_t{1} << 29) - doubling_high_mul(d, x));
    x = wrap(int64_t{x} + saturate(int64_t{doubling_high_mul(x, error)} * 4));
  }
  return saturate(int64_t{x} * 2);
}

int32_t i32(const Value& v) {
  return static_cast<int32_t>(v.i);
}

}  // namespace

const Intrinsic kDoublingHighMul{"mote_doubling_high_mul",
                                 Type::kI32,
                                 {Type::kI32, Type::kI32},
                                 R"(/* High half of 2*a*b, rounded to nearest; b > 0. */
static inline int32_t mote_doubling_high_mul(int32_t a, int32_t b)
{
    const int64_t product = (int64_t)a * b;
    const int32_t nudge = product >= 0 ? (1 << 30) : 1 - (1 << 30);
    return (int32_t)((product + nudge) / ((int64_t)1 << 31));
}
)",
                                 [](std::span<const Value> a) {
                                   return Value{doubling_high_mul(i32(a[0]), i32(a[1])), 0};
                                 },
                                 {}};

const Intrinsic kRoundingShift{"mote_rounding_shift",
                               Type::kI32,
                               {Type::kI32, Type::kI32},
                               R"(/* x / 2^exponent, halves away from zero. */
static inline int32_t mote_rounding_shift(int32_t x, int32_t exponent)
{
    const int32_t mask = (int32_t)((1u << exponent) - 1u);
    const int32_t threshold = (mask >> 1) + (x < 0);
    return (x >> exponent) + ((x & mask) > threshold);
}
)",
                               [](std::span<const Value> a) {
                                 return Value{rounding_shift(i32(a[0]), i32(a[1])), 0};
                               },
                               {}};

const Intrinsic kRequantize{"mote_requantize",
                            Type::kI32,
                            {Type::kI32, Type::kI32, Type::kI32},
                            R"(/* x * mantissa * 2^(shift - 31), rounded twice, as the reference rounds. */
static inline int32_t mote_requantize(int32_t x, int32_t mantissa, int32_t shift)
{
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    return mote_rounding_shift(mote_doubling_high_mul((int32_t)((uint32_t)x << left), mantissa), right);
}
)",
                            [](std::span<const Value> a) {
                              return Value{requantize(i32(a[0]), i32(a[1]), i32(a[2])), 0};
                            },
                            {&kDoublingHighMul, &kRoundingShift}};

const Intrinsic kSmlad{
    "mote_smlad",
    Type::kI32,
    {Type::kU32, Type::kU32, Type::kI32},
    R"(/* a.low * b.low + a.high * b.high + sum */
static inline int32_t mote_smlad(uint32_t a, uint32_t b, int32_t sum)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
#else
    return (int16_t)a * (int16_t)b + (int16_t)(a >> 16) * (int16_t)(b >> 16) + sum;
#endif
}
)",
    [](std::span<const Value> a) {
      return Value{
          static_cast<int32_t>(static_cast<uint32_t>(low(a[0]) * low(a[1]) + high(a[0]) * high(a[1]) + a[2].i)), 0};
    },
    {}};

const Intrinsic kSxtb16{
    "mote_sxtb16",
    Type::kU32,
    {Type::kU32},
    R"(/* Bytes 0 and 2 as two signed halfwords. */
static inline uint32_t mote_sxtb16(uint32_t x)
{
#if defined(__ARM_FEATURE_DSP)
    uint32_t result;
    __asm__("sxtb16 %0, %1" : "=r"(result) : "r"(x));
    return result;
#else
    return (uint16_t)(int8_t)x | (uint32_t)(int8_t)(x >> 16) << 16;
#endif
}
)",
    [](std::span<const Value> a) { return word(static_cast<int8_t>(a[0].i), static_cast<int8_t>(a[0].i >> 16)); },
    {}};

const Intrinsic kSxtb16Ror8{
    "mote_sxtb16_ror8",
    Type::kU32,
    {Type::kU32},
    R"(/* Bytes 1 and 3 as two signed halfwords. */
static inline uint32_t mote_sxtb16_ror8(uint32_t x)
{
#if defined(__ARM_FEATURE_DSP)
    uint32_t result;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(x));
    return result;
#else
    return (uint16_t)(int8_t)(x >> 8) | (uint32_t)(int8_t)(x >> 24) << 16;
#endif
}
)",
    [](std::span<const Value> a) { return word(static_cast<int8_t>(a[0].i >> 8), static_cast<int8_t>(a[0].i >> 24)); },
    {}};

const Intrinsic kPackLow{"mote_pack_low",
                         Type::kU32,
                         {Type::kU32, Type::kU32},
                         R"(/* The low halfwords of a and b, a's below. */
static inline uint32_t mote_pack_low(uint32_t a, uint32_t b)
{
    return (a & 0xffffu) | b << 16;
}
)",
                         [](std::span<const Value> a) { return word(low(a[0]), low(a[1])); },
                         {}};

const Intrinsic kPackHigh{"mote_pack_high",
                          Type::kU32,
                          {Type::kU32, Type::kU32},
                          R"(/* The high halfwords of a and b, a's below. */
static inline uint32_t mote_pack_high(uint32_t a, uint32_t b)
{
    return a >> 16 | (b & 0xffff0000u);
}
)",
                          [](std::span<const Value> a) { return word(high(a[0]), high(a[1])); },
                          {}};

const Intrinsic kAdd16{"mote_add16",
                       Type::kU32,
                       {Type::kU32, Type::kU32},
                       R"(/* Sums of the halfwords, no carry between them. */
static inline uint32_t mote_add16(uint32_t a, uint32_t b)
{
#if defined(__ARM_FEATURE_DSP)
    uint32_t result;
    __asm__("uadd16 %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
#else
    return ((a + b) & 0xffffu) | (((a >> 16) + (b >> 16)) << 16);
#endif
}
)",
                       [](std::span<const Value> a) { return word(low(a[0]) + low(a[1]), high(a[0]) + high(a[1])); },
                       {}};

const Intrinsic kMax8{"mote_max8",
                      Type::kU32,
                      {Type::kU32, Type::kU32},
                      R"(/* The greater of each pair of signed bytes. */
static inline uint32_t mote_max8(uint32_t a, uint32_t b)
{
    uint32_t result;
#if defined(__ARM_FEATURE_DSP)
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(result) : "r"(a), "r"(b) : "cc");
#else
    result = 0;
    for (int shift = 0; shift < 32; shift += 8) {
        const int8_t left = (int8_t)(a >> shift), right = (int8_t)(b >> shift);
        result |= (uint32_t)(uint8_t)(left > right ? left : right) << shift;
    }
#endif
    return result;
}
)",
                      [](std::span<const Value> a) {
                        uint32_t result = 0;
                        for (int shift = 0; shift < 32; shift += 8) {
                          const int8_t left = static_cast<int8_t>(a[0].i >> shift),
                                       right = static_cast<int8_t>(a[1].i >> shift);
                          result |= static_cast<uint32_t>(static_cast<uint8_t>(std::max(left, right))) << shift;
                        }
                        return Value{result, 0};
                      },
                      {}};

const Intrinsic kSaturate8{"mote_saturate8",
                           Type::kI32,
                           {Type::kI32},
                           R"(/* x limited to int8. */
static inline int32_t mote_saturate8(int32_t x)
{
#if defined(__ARM_FEATURE_SAT)
    int32_t result;
    __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(x));
    return result;
#else
    return x < -128 ? -128 : x > 127 ? 127 : x;
#endif
}
)",
                           [](std::span<const Value> a) {
                             return Value{std::clamp<int64_t>(a[0].i, -128, 127), 0};
                           },
                           {}};

const Intrinsic kLeadingZeros{"mote_leading_zeros",
                              Type::kI32,
                              {Type::kI32},
                              R"(/* Number of zero bits above the highest one; x > 0. */
static inline int32_t mote_leading_zeros(int32_t x)
{
    int32_t zeros = 0;
    while (!((uint32_t)x << zeros & 0x80000000u)) zeros++;
    return zeros;
}
)",
                              [](std::span<const Value> a) {
                                return Value{std::countl_zero(static_cast<uint32_t>(a[0].i)), 0};
                              },
                              {}};

const Intrinsic kReciprocal{
    "mote_reciprocal",
    Type::kI32,
    {Type::kI32},
    R"(/* 2^62 / y, y being x shifted left until its highest bit is set: three Newton-Raphson steps, rounded as the reference rounds. */
static inline int32_t mote_reciprocal(int32_t x)
{
    const uint32_t fraction = ((uint32_t)x << mote_leading_zeros(x)) - 0x80000000u;
    const int32_t d = (int32_t)(((int64_t)fraction + INT32_MAX + 1) / 2);
    int32_t r = (int32_t)(1515870810u + (uint32_t)mote_doubling_high_mul(d, -1010580540));
    for (int i = 0; i < 3; i++) {
        const int32_t error = (int32_t)((1u << 29) - (uint32_t)mote_doubling_high_mul(d, r));
        const int64_t step = (int64_t)mote_doubling_high_mul(r, error) * 4;
        r = (int32_t)((uint32_t)r + (uint32_t)(step > INT32_MAX ? INT32_MAX : step < INT32_MIN ? INT32_MIN : step));
    }
    return r > INT32_MAX / 2 ? INT32_MAX : r * 2;
}
)",
    [](std::span<const Value> a) {
      const uint32_t x = static_cast<uint32_t>(a[0].i);
      return Value{one_over_one_plus(static_cast<int32_t>((x << std::countl_zero(x)) - 0x80000000u)), 0};
    },
    {&kDoublingHighMul, &kLeadingZeros}};

std::span<const Intrinsic* const> all_intrinsics() {
  static constexpr std::array<const Intrinsic*, 17> kAll{
      &kDoublingHighMul, &kRoundingShift, &kRequantize, &kSmlad,     &kSxtb16, &kSxtb16Ror8, &kPackLow,
      &kPackHigh,        &kAdd16,         &kMax8,       &kSaturate8, &kExp,    &kTanh,       &kRound,
      &kMultiplyAdd,     &kLeadingZeros,  &kReciprocal};
  return kAll;
}

}  // namespace mote::loop
