// The intrinsics on floats.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "loop/intrinsics.h"

namespace mote::loop {

namespace {

// e^x = 2^k * e^r with k = round(x / ln 2) and |r| <= ln 2 / 2, e^r by its Taylor series to the seventh power.
float exponential(float x) {
  if (!(x >= -87.0f)) return x != x ? x : 0.0f;
  if (x > 88.0f) return std::numeric_limits<float>::infinity();
  const float scaled = x * 1.44269504f;
  const int32_t k = static_cast<int32_t>(scaled + (scaled >= 0.0f ? 0.5f : -0.5f));
  const float whole = static_cast<float>(k);
  const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
  float p = 1.0f / 5040.0f;
  p = p * r + 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p * std::bit_cast<float>(static_cast<uint32_t>(k + 127) << 23);
}

// Near 0 the odd series, elsewhere 1 - 2 / (e^2x + 1), which loses nothing there.
float hyperbolic_tangent(float x) {
  const float a = x < 0.0f ? -x : x;
  if (a < 0.3f) {
    const float s = x * x;
    float p = 62.0f / 2835.0f - s * (1382.0f / 155925.0f);
    p = -17.0f / 315.0f + s * p;
    p = 2.0f / 15.0f + s * p;
    p = -1.0f / 3.0f + s * p;
    return x + x * s * p;
  }
  const float t = a > 10.0f ? 1.0f : 1.0f - 2.0f / (exponential(2.0f * a) + 1.0f);
  return x < 0.0f ? -t : t;
}

int32_t round_away(float x) {
  if (x != x) return 0;
  if (!(x < 2147483520.0f)) return std::numeric_limits<int32_t>::max();
  if (x < -2147483648.0f) return std::numeric_limits<int32_t>::min();
  const int32_t whole = static_cast<int32_t>(x);
  const float rest = x - static_cast<float>(whole);
  return whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
}

}  // namespace

const Intrinsic kExp{"mote_exp",
                     Type::kF32,
                     {Type::kF32},
                     R"(/* e^x: 2^k times a seventh-degree polynomial; relative error below 2e-7 for x in [-87, 88]. */
static inline float mote_exp(float x)
{
    union { uint32_t bits; float value; } power;
    float scaled, whole, r, p;
    int32_t k;
    if (!(x >= -87.0f)) return x != x ? x : 0.0f;
    if (x > 88.0f) { power.bits = 0x7f800000u; return power.value; }
    scaled = x * 1.44269504f;
    k = (int32_t)(scaled + (scaled >= 0.0f ? 0.5f : -0.5f));
    whole = (float)k;
    r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    p = 1.0f / 5040.0f;
    p = p * r + 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    power.bits = (uint32_t)(k + 127) << 23;
    return p * power.value;
}
)",
                     [](std::span<const Value> a) {
                       return Value{0, exponential(a[0].f)};
                     },
                     {}};

const Intrinsic kTanh{"mote_tanh",
                      Type::kF32,
                      {Type::kF32},
                      R"(/* tanh x: odd series near 0, 1 - 2 / (e^2x + 1) elsewhere; relative error below 5e-7. */
static inline float mote_tanh(float x)
{
    const float a = x < 0.0f ? -x : x;
    float t;
    if (a < 0.3f) {
        const float s = x * x;
        float p = 62.0f / 2835.0f - s * (1382.0f / 155925.0f);
        p = -17.0f / 315.0f + s * p;
        p = 2.0f / 15.0f + s * p;
        p = -1.0f / 3.0f + s * p;
        return x + x * s * p;
    }
    t = a > 10.0f ? 1.0f : 1.0f - 2.0f / (mote_exp(2.0f * a) + 1.0f);
    return x < 0.0f ? -t : t;
}
)",
                      [](std::span<const Value> a) {
                        return Value{0, hyperbolic_tangent(a[0].f)};
                      },
                      {&kExp}};

const Intrinsic kRound{"mote_round",
                       Type::kI32,
                       {Type::kF32},
                       R"(/* The nearest integer, halves away from zero, saturating; 0 for NaN. */
static inline int32_t mote_round(float x)
{
    int32_t whole;
    float rest;
    if (x != x) return 0;
    if (!(x < 2147483520.0f)) return INT32_MAX;
    if (x < -2147483648.0f) return INT32_MIN;
    whole = (int32_t)x;
    rest = x - (float)whole;
    return whole + (rest >= 0.5f) - (rest <= -0.5f);
}
)",
                       [](std::span<const Value> a) {
                         return Value{round_away(a[0].f), 0};
                       },
                       {}};
const Intrinsic kMultiplyAdd{"mote_multiply_add",
                             Type::kF32,
                             {Type::kF32, Type::kF32, Type::kF32},
                             R"(/* a * b + sum, rounded once where the core can. */
static inline float mote_multiply_add(float a, float b, float sum)
{
#if defined(__ARM_FEATURE_FMA)
    return __builtin_fmaf(a, b, sum);
#else
    return a * b + sum;
#endif
}
)",
                             [](std::span<const Value> a) {
                               return Value{0, a[0].f * a[1].f + a[2].f};
                             },
                             {}};

}  // namespace mote::loop
