#include "kernels/requant.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "support/random.h"

namespace mote::kernels {
namespace {

RequantLayer random_layer(Random& random, size_t channels, int64_t widest) {
  RequantLayer layer;
  layer.zero_point = static_cast<int32_t>(random.between(-128, 127));
  switch (random.below(5)) {
    case 0:  // no activation
      break;
    case 1:  // ReLU
      layer.clamp.lo = layer.zero_point;
      break;
    case 2:  // the usual output of a ReLU
      layer.zero_point = -128;
      break;
    case 3:  // ReLU6 and others with two bounds
      layer.clamp.lo = static_cast<int32_t>(random.between(-128, 127));
      layer.clamp.hi = static_cast<int32_t>(random.between(layer.clamp.lo, 127));
      break;
    case 4:
      layer.clamp.lo = 0;
      layer.zero_point = 0;
      break;
  }
  const int exponent = static_cast<int>(random.between(-12, -2));
  for (size_t i = 0; i < channels; ++i) {
    RequantChannel channel;
    channel.multiplier = ir::quantize_multiplier(std::ldexp(0.5 + random.unit() * 1.5, exponent));
    const int64_t width = random.between(0, widest);
    channel.lo = static_cast<int32_t>(random.between(-width, 0));
    channel.hi = static_cast<int32_t>(channel.lo + width);
    layer.channels.push_back(channel);
  }
  return layer;
}

void expect_exact(const RequantLayer& layer, const RequantPlan& plan) {
  ASSERT_EQ(plan.channels.size(), layer.channels.size());
  for (size_t i = 0; i < layer.channels.size(); ++i) {
    for (int32_t x = layer.channels[i].lo; x <= layer.channels[i].hi; ++x) {
      const int32_t accumulator = layer.scale * x + plan.channels[i].bias_offset;
      ASSERT_EQ(apply_requantisation(plan.form, plan.channels[i], accumulator), reference_output(layer, i, x))
          << "channel " << i << ", accumulator " << x;
    }
  }
}

TEST(Requant, EveryPlanIsExactByBruteForce) {
  int one_sided = 0, universal = 0, none = 0;
  for (uint64_t seed = 1; seed <= 120; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    RequantLayer layer = random_layer(random, 1 + random.below(4), 30000);
    layer.scale = random.below(3) == 0 ? 4 : 1;
    const std::optional<RequantPlan> plan = plan_requantisation(layer);
    if (!plan) {
      ++none;
      continue;
    }
    (plan->form.sign_correction ? universal : one_sided)++;
    expect_exact(layer, *plan);
  }
  EXPECT_GT(one_sided, 20);
  EXPECT_GT(universal, 20);
  EXPECT_EQ(none, 0);
}

TEST(Requant, WithoutTheSearchTheReferencesOwnArithmeticIsExactAndDearer) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    RequantLayer layer = random_layer(random, 1 + random.below(4), 30000);
    layer.scale = int32_t{1} << random.below(3);
    const std::optional<RequantPlan> searched = plan_requantisation(layer);
    layer.searched = false;
    const std::optional<RequantPlan> plan = plan_requantisation(layer);
    ASSERT_TRUE(plan && searched);
    EXPECT_TRUE(plan->form.sign_correction);
    EXPECT_GE(plan->form.instructions(), searched->form.instructions());
    expect_exact(layer, *plan);
  }
}

TEST(Requant, RangesAsWideAsRealLayersHaveAreExactAtTheirSteps) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    const RequantLayer layer = random_layer(random, 16, 9000000);
    const std::optional<RequantPlan> plan = plan_requantisation(layer);
    ASSERT_TRUE(plan);
    for (size_t i = 0; i < layer.channels.size(); ++i) {
      EXPECT_TRUE(prove_requantisation(layer, i, plan->form, plan->channels[i]));
      for (int n = 0; n < 2000; ++n) {
        const auto x = static_cast<int32_t>(random.between(layer.channels[i].lo, layer.channels[i].hi));
        ASSERT_EQ(apply_requantisation(plan->form, plan->channels[i], layer.scale * x + plan->channels[i].bias_offset),
                  reference_output(layer, i, x));
      }
    }
  }
}

TEST(Requant, AReluAtTheLowerBoundNeedsTwoInstructions) {
  RequantLayer layer{.channels = {}, .zero_point = -128, .clamp = {}, .scale = 1};
  Random random(3);
  for (int i = 0; i < 64; ++i) {
    layer.channels.push_back({ir::quantize_multiplier(std::ldexp(0.3 + random.unit(), -9)), -2000000, 3000000});
  }
  const std::optional<RequantPlan> plan = plan_requantisation(layer);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->form.instructions(), 2);
}

TEST(Requant, MultipliersOfOneAndMoreShiftLeftFirst) {
  for (const double factor : {0.75, 1.0, 1.7, 5.0, 100.0}) {
    RequantLayer layer{
        .channels = {{ir::quantize_multiplier(factor), -3000, 3000}}, .zero_point = 3, .clamp = {}, .scale = 1};
    const std::optional<RequantPlan> plan = plan_requantisation(layer);
    ASSERT_TRUE(plan) << factor;
    expect_exact(layer, *plan);
  }
}

TEST(Requant, ConstantChannels) {
  // A multiplier of zero, a single accumulator, and a range that never leaves the clamp.
  RequantLayer layer{
      .channels = {{{}, -100, 100}, {ir::quantize_multiplier(0.01), 5, 5}, {ir::quantize_multiplier(0.5), 5000, 9000}},
      .zero_point = 7,
      .clamp = {-5, 90},
      .scale = 1};
  const std::optional<RequantPlan> plan = plan_requantisation(layer);
  ASSERT_TRUE(plan);
  expect_exact(layer, *plan);
}

TEST(Requant, TheProofRejectsAWrongConstant) {
  RequantLayer layer{
      .channels = {{ir::quantize_multiplier(0.002), -90000, 90000}}, .zero_point = 0, .clamp = {}, .scale = 1};
  const std::optional<RequantPlan> plan = plan_requantisation(layer);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(prove_requantisation(layer, 0, plan->form, plan->channels[0]));
  RequantConstants wrong = plan->channels[0];
  wrong.addend += 1 << plan->form.shift >> 1;
  EXPECT_FALSE(prove_requantisation(layer, 0, plan->form, wrong));
  wrong = plan->channels[0];
  wrong.multiplier += wrong.multiplier >> 7;
  EXPECT_FALSE(prove_requantisation(layer, 0, plan->form, wrong));
}

TEST(Requant, RangesFollowTheSignsOfTheWeights) {
  const std::array<int8_t, 3> weights{2, -3, 0};
  const AccumulatorRange range = accumulator_range(weights, 10, -128, 127);
  EXPECT_EQ(range.lo, 10 - 2 * 128 - 3 * 127);
  EXPECT_EQ(range.hi, 10 + 2 * 127 + 3 * 128);
}

}  // namespace
}  // namespace mote::kernels
