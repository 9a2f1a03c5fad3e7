#include "kernels/micro/depthwise.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kernels/micro/harness_test.h"
#include "support/random.h"

namespace mote::kernels::micro {
namespace {

int32_t between(Random& random, int32_t lo, int32_t hi) {
  return static_cast<int32_t>(random.between(lo, hi));
}

int32_t outputs(int32_t input, int32_t before, int32_t after, int32_t reach, int32_t stride) {
  return input + before + after < reach ? 0 : (input + before + after - reach) / stride + 1;
}

DepthwiseSpec random_spec(Random& random, int number) {
  DepthwiseSpec spec;
  spec.name = fmt::format("depthwise_{}", number);
  spec.channels = between(random, 1, 9);
  spec.stride.h = spec.stride.w = between(random, 1, 2);
  if (random.below(3) != 0) {
    spec.window = {between(random, 1, 7), between(random, 1, 7)};
    spec.stride.w = between(random, 1, 3);
    spec.multiplier = random.below(4) == 0 ? 2 : 1;
    if (random.below(4) == 0) spec.dilation = {between(random, 1, 3), between(random, 1, 3)};
  }
  spec.across = random.below(2) == 0;
  const int32_t reach_h = (spec.window.h - 1) * spec.dilation.h + 1,
                reach_w = (spec.window.w - 1) * spec.dilation.w + 1;
  spec.height = random.below(8) == 0 ? between(random, 40, 60) : between(random, 1, 16);
  spec.width = between(random, 1, 16);
  spec.padding = {between(random, 0, reach_h / 2), between(random, 0, reach_h / 2), between(random, 0, reach_w / 2),
                  between(random, 0, reach_w / 2)};
  spec.out_height = outputs(spec.height, spec.padding.top, spec.padding.bottom, reach_h, spec.stride.h);
  spec.out_width = outputs(spec.width, spec.padding.left, spec.padding.right, reach_w, spec.stride.w);
  spec.zero_point = static_cast<int32_t>(random.between(-128, 127));
  spec.scratch_limit = random.below(2) == 0 ? 1 << 20 : 1500;
  spec.form.sign_correction = spec.form.rounding = random.below(2) == 0;
  spec.form.pre_shift = spec.form.sign_correction ? 1 : 0;
  spec.form.shift_per_channel = random.below(3) == 0;
  spec.form.shift = spec.form.shift_per_channel ? 0 : 5;
  spec.form.clamped_add = random.below(3) == 0 ? -20 : 0;
  spec.wide_output = random.below(2) == 0;
  return spec;
}

Trial make_trial(Random& random, const DepthwiseSpec& spec, const target::Target& target) {
  const auto channels = static_cast<size_t>(spec.channels * spec.multiplier);
  const int taps = spec.window.h * spec.window.w;
  std::vector<int8_t> weights(static_cast<size_t>(taps) * channels),
      input(static_cast<size_t>(spec.height * spec.width * spec.channels));
  for (int8_t& value : weights) value = static_cast<int8_t>(random.between(-128, 127));
  for (int8_t& value : input) value = static_cast<int8_t>(random.between(-128, 127));
  std::vector<int32_t> bias(channels);
  std::vector<RequantConstants> constants(channels);
  for (size_t c = 0; c < channels; ++c) {
    bias[c] = static_cast<int32_t>(random.between(-5000, 5000));
    constants[c].multiplier = static_cast<int32_t>(random.between(50000000, 300000000));
    constants[c].addend = static_cast<int32_t>(random.between(-200, 200));
    constants[c].bias_offset = static_cast<int32_t>(random.between(0, 3));
    constants[c].shift = spec.form.shift_per_channel ? static_cast<int32_t>(random.between(4, 6)) : 0;
    for (size_t tap = 0; tap < static_cast<size_t>(taps); ++tap)
      bias[c] -= spec.zero_point * weights[tap * channels + c];
  }
  std::vector<int32_t> expected;
  for (int y = 0; y < spec.out_height; ++y) {
    for (int x = 0; x < spec.out_width; ++x) {
      for (int c = 0; c < spec.channels * spec.multiplier; ++c) {
        int32_t sum = bias[static_cast<size_t>(c)] + constants[static_cast<size_t>(c)].bias_offset;
        for (int tap = 0; tap < taps; ++tap) {
          const int row = y * spec.stride.h - spec.padding.top + tap / spec.window.w * spec.dilation.h,
                    column = x * spec.stride.w - spec.padding.left + tap % spec.window.w * spec.dilation.w;
          const bool inside = row >= 0 && row < spec.height && column >= 0 && column < spec.width;
          const int value =
              inside ? input[static_cast<size_t>((row * spec.width + column) * spec.channels + c / spec.multiplier)]
                     : spec.zero_point;
          sum += value * weights[static_cast<size_t>(tap * spec.channels * spec.multiplier + c)];
        }
        expected.push_back(apply_requantisation(spec.form, constants[static_cast<size_t>(c)], sum));
      }
    }
  }
  for (int i = 0; i < 8; ++i) expected.push_back(77);
  Trial trial{.kernel = depthwise(spec, target), .data = "", .call = "", .name = ""};
  trial.data = array_in_c("const uint32_t", "weights", pack_depthwise_weights(spec, weights, bias, constants)) +
               array_in_c("const int8_t", "input", input) + array_in_c("const int8_t", "expected", expected) +
               fmt::format("static {} out[{}];\nstatic uint32_t scratch[{} + 1];\n",
                           spec.wide_output ? "int16_t" : "int8_t", expected.size(), depthwise_scratch_bytes(spec) / 4);
  trial.call = fmt::format(
      "  for (int i = 0; i < {0}; ++i) out[i] = 77;\n"
      "  scratch[{2}] = 12345;\n"
      "  {1}(weights, input, out, scratch);\n"
      "  bad = scratch[{2}] != 12345;\n"
      "  for (int i = 0; i < {0}; ++i) bad += out[i] != expected[i];",
      expected.size(), spec.name, depthwise_scratch_bytes(spec) / 4);
  trial.name =
      fmt::format("{}x{}x{} to {}x{}, {}x{} stride {}x{} dilation {}x{}, multiplier {}, pads {} {}{}, on {}",
                  spec.height, spec.width, spec.channels, spec.out_height, spec.out_width, spec.window.h, spec.window.w,
                  spec.stride.h, spec.stride.w, spec.dilation.h, spec.dilation.w, spec.multiplier, spec.padding.top,
                  spec.padding.left, spec.across ? ", across" : "", target.name);
  return trial;
}

std::vector<Trial> random_trials(uint64_t seed, int count, const target::Target& target) {
  return make_trials(seed, count, [&](Random& random, int index) -> std::optional<Trial> {
    const DepthwiseSpec spec = random_spec(random, index);
    if (why_no_depthwise(spec)) return std::nullopt;
    return make_trial(random, spec, target);
  });
}

TEST(Depthwise, TheCFormEqualsANaiveLoop) {
  const std::vector<Trial> trials = random_trials(1, 40, target::load_target("cortex-m7"));
  expect_right_on_host(trials);
}

class DepthwiseOnCore : public testing::TestWithParam<const char*> {};

TEST_P(DepthwiseOnCore, TheAssemblyEqualsANaiveLoop) {
  const target::Target target = target::load_target(GetParam());
  const std::vector<Trial> trials = random_trials(2, 60, target);
  expect_right_on_board(trials, target);
}

INSTANTIATE_TEST_SUITE_P(Cores, DepthwiseOnCore, testing::Values("cortex-m4", "cortex-m7"),
                         [](const auto& info) { return std::string(info.param).substr(7); });

}  // namespace
}  // namespace mote::kernels::micro
