#include "ir/quantized.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ir/fixed_math.h"
#include "support/random.h"

namespace mote::ir {
namespace {

constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
constexpr int32_t kMin = std::numeric_limits<int32_t>::min();

TEST(Multiplier, IsNormalised) {
  EXPECT_EQ(quantize_multiplier(0), (Multiplier{0, 0}));
  EXPECT_EQ(quantize_multiplier(1), (Multiplier{1 << 30, 1}));
  EXPECT_EQ(quantize_multiplier(0.5), (Multiplier{1 << 30, 0}));
  EXPECT_EQ(quantize_multiplier(0.75), (Multiplier{3 << 29, 0}));
  EXPECT_EQ(quantize_multiplier(std::nextafter(1.0, 0.0)), (Multiplier{1 << 30, 1})) << "rounds up to the next power";
  EXPECT_EQ(quantize_multiplier(std::ldexp(1, -32)), (Multiplier{1 << 30, -31}));
  EXPECT_EQ(quantize_multiplier(std::ldexp(0.99, -32)), (Multiplier{0, 0})) << "flushed";
}

TEST(Multiplier, StandsForItsFactor) {
  Random random(7);
  for (int i = 0; i < 10000; ++i) {
    const double real = std::ldexp(1 + random.unit(), static_cast<int>(random.between(-31, 20)));
    const Multiplier m = quantize_multiplier(real);
    ASSERT_GE(m.mantissa, 1 << 30);
    ASSERT_NEAR(std::ldexp(m.mantissa, m.shift - 31) / real, 1, std::ldexp(1, -31)) << real;
  }
}

TEST(Rounding, HalvesOfTheHighProductGoUp) {
  // 2ab / 2^32 = a * b / 2^31
  EXPECT_EQ(saturating_rounding_doubling_high_mul(1, 1 << 30), 1);
  EXPECT_EQ(saturating_rounding_doubling_high_mul(-1, 1 << 30), 0);
  EXPECT_EQ(saturating_rounding_doubling_high_mul(3, 1 << 30), 2);
  EXPECT_EQ(saturating_rounding_doubling_high_mul(-3, 1 << 30), -1);
  EXPECT_EQ(saturating_rounding_doubling_high_mul(kMin, kMin), kMax);
  EXPECT_EQ(saturating_rounding_doubling_high_mul(kMin, kMax), -kMax);
}

TEST(Rounding, HalvesOfTheShiftGoAwayFromZero) {
  EXPECT_EQ(rounding_divide_by_pot(3, 1), 2);
  EXPECT_EQ(rounding_divide_by_pot(-3, 1), -2);
  EXPECT_EQ(rounding_divide_by_pot(5, 0), 5);
  EXPECT_EQ(rounding_divide_by_pot(kMin, 31), -1);
  EXPECT_EQ(rounding_divide_by_pot(kMax, 31), 1);
  Random random(11);
  for (int i = 0; i < 10000; ++i) {
    const int32_t x = static_cast<int32_t>(random.bits());
    const int32_t exponent = static_cast<int32_t>(random.between(0, 31));
    ASSERT_EQ(rounding_divide_by_pot(x, exponent), std::llround(std::ldexp(x, -exponent))) << x << " " << exponent;
  }
}

TEST(Rounding, MultipliesTwiceRounded) {
  EXPECT_EQ(multiply_by_quantized_multiplier(100, quantize_multiplier(0.25)), 25);
  EXPECT_EQ(multiply_by_quantized_multiplier(-100, quantize_multiplier(3)), -300);
  // 0.375 * 1 -> the high product rounds 0.75 to 1, the shift rounds 0.5 to 1; a single rounding would give 0.
  EXPECT_EQ(multiply_by_quantized_multiplier(1, quantize_multiplier(0.375)), 1);
}

TEST(FixedMath, IsCloseToTheRealFunctions) {
  Random random(3);
  for (int i = 0; i < 20000; ++i) {
    const int32_t q5 = -static_cast<int32_t>(random.bits() >> 33);
    ASSERT_NEAR(std::ldexp(exp_q5(q5), -31), std::exp(std::ldexp(q5, -26)), 3e-7) << q5;
    const int32_t q4 = static_cast<int32_t>(random.bits()) >> 1;
    ASSERT_NEAR(std::ldexp(logistic_q4(q4), -31), 1 / (1 + std::exp(-std::ldexp(q4, -27))), 3e-7) << q4;
    ASSERT_NEAR(std::ldexp(tanh_q4(q4), -31), std::tanh(std::ldexp(q4, -27)), 6e-7) << q4;
    const int32_t q0 = static_cast<int32_t>(random.bits() >> 33);
    ASSERT_NEAR(std::ldexp(one_over_one_plus(q0), -31), 1 / (1 + std::ldexp(q0, -31)), 2e-8) << q0;
    const int32_t x = q0 + 1 <= 0 ? 1 : q0 + 1;
    const Reciprocal r = reciprocal_of(x, 12);
    ASSERT_NEAR(std::ldexp(r.reciprocal, -31 - r.bits_over_unit) * std::ldexp(x, -19), 1, 1e-7) << x;
  }
  EXPECT_EQ(exp_q5(0), kMax);
  EXPECT_EQ(tanh_q4(0), 0);
  EXPECT_EQ(logistic_q4(0), 1 << 30);
}

Graph elementwise(OpAttributes attributes, Quantization in, Quantization out) {
  Graph graph;
  graph.tensors = {{"x", DType::kInt8, {256}, in, {}, -1}, {"y", DType::kInt8, {256}, out, {}, -1}};
  graph.operators.push_back({.attributes = std::move(attributes), .inputs = {0}, .output = 1});
  graph.inputs = {0};
  graph.outputs = {1};
  return graph;
}

/// Largest distance of the table from `function` of the real input, in steps of the output.
template <typename Function>
double worst_step(const Graph& graph, Function function) {
  const Table table = table_of(graph, graph.operators[0]);
  const Tensor& x = graph.tensors[0];
  const Tensor& y = graph.tensors[1];
  double worst = 0;
  for (int stored = -128; stored < 128; ++stored) {
    const double wanted = function(double{x.scale()} * (stored - x.zero_point())) / double{y.scale()} + y.zero_point();
    const double clamped = std::clamp(wanted, -128.0, 127.0);
    worst = std::max(worst, std::abs(clamped - table[static_cast<size_t>(stored + 128)]));
  }
  return worst;
}

TEST(Table, FollowsTheFunctionForAnyScale) {
  Random random(5);
  for (int i = 0; i < 300; ++i) {
    const float scale = static_cast<float>(std::ldexp(1 + random.unit(), static_cast<int>(random.between(-20, -2))));
    const int32_t zero_point = static_cast<int32_t>(random.between(-128, 127));
    const Quantization in{{scale}, {zero_point}, 0};
    const Quantization out{{scale * 0.7f}, {static_cast<int32_t>(random.between(-128, 127))}, 0};
    SCOPED_TRACE(testing::Message() << "scale " << scale << " zero point " << zero_point);
    EXPECT_LE(worst_step(elementwise(Logistic{}, in, {{1.0f / 256}, {-128}, 0}),
                         [](double v) { return 1 / (1 + std::exp(-v)); }),
              0.51);
    EXPECT_LE(worst_step(elementwise(Tanh{}, in, {{1.0f / 128}, {0}, 0}), [](double v) { return std::tanh(v); }), 0.51);
    EXPECT_LE(worst_step(elementwise(Relu{}, in, out), [](double v) { return std::max(v, 0.0); }), 1.01);
    EXPECT_LE(
        worst_step(elementwise(Relu{Relu::Kind::kRelu6}, in, in), [](double v) { return std::clamp(v, 0.0, 6.0); }),
        0.51);
    EXPECT_LE(worst_step(elementwise(Quantize{}, in, out), [](double v) { return v; }), 1.01);
  }
}

TEST(Table, AppliesTheFusedTableLast) {
  const Quantization same{{0.1f}, {0}, 0};
  Graph graph = elementwise(Quantize{}, same, same);
  Table flip;
  for (int i = 0; i < 256; ++i) flip[static_cast<size_t>(i)] = static_cast<int8_t>(127 - i);
  graph.operators[0].post = flip;
  EXPECT_EQ(table_of(graph, graph.operators[0]), flip);
}

TEST(Graph, CountsMacsAndExtracts) {
  Graph graph;
  const Quantization q{{0.5f}, {0}, 0};
  graph.tensors = {{"x", DType::kInt8, {2, 5, 5, 3}, q, {}, 0},
                   {"w", DType::kInt8, {4, 3, 3, 3}, q, Bytes(108), 1},
                   {"y", DType::kInt8, {2, 3, 3, 4}, q, {}, 2},
                   {"v", DType::kInt8, {1, 3, 3, 8}, q, Bytes(72), 3},
                   {"z", DType::kInt8, {2, 1, 1, 8}, q, {}, 4}};
  graph.operators.push_back({.attributes = Conv2D{}, .inputs = {0, 1, kNoTensor}, .output = 2, .source = {7}});
  graph.operators.push_back({.attributes = DepthwiseConv2D{.multiplier = 2}, .inputs = {2, 3}, .output = 4});
  EXPECT_EQ(macs_of(graph, graph.operators[0]), 2 * 3 * 3 * 4 * 27);
  EXPECT_EQ(macs_of(graph, graph.operators[1]), 2 * 8 * 9);
  const Graph one = extract(graph, graph.operators[1]);
  EXPECT_EQ(one.inputs, (std::vector<TensorId>{0}));
  EXPECT_EQ(one.outputs, (std::vector<TensorId>{2}));
  EXPECT_EQ(one.tensors.size(), 3u);
  EXPECT_EQ(one.tensors[0], graph.tensors[2]);
  EXPECT_EQ(one.tensors[1], graph.tensors[3]);
  EXPECT_EQ(macs_of(one, one.operators[0]), 144);
}

}  // namespace
}  // namespace mote::ir
