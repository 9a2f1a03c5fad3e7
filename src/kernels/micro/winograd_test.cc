#include "kernels/micro/winograd.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>

#include "kernels/micro/harness_test.h"
#include "support/random.h"

namespace mote::kernels::micro {
namespace {

WinogradSpec random_spec(Random& random, int number) {
  WinogradSpec spec;
  spec.name = fmt::format("winograd_{}", number);
  spec.in_channels = 4 * static_cast<int32_t>(random.between(1, 4));
  spec.out_channels = static_cast<int32_t>(random.between(2, 7));
  spec.padding = {static_cast<int32_t>(random.between(0, 1)), static_cast<int32_t>(random.between(0, 1)),
                  static_cast<int32_t>(random.between(0, 1)), static_cast<int32_t>(random.between(0, 1))};
  spec.out_height = static_cast<int32_t>(random.between(2, 7));
  spec.out_width = static_cast<int32_t>(random.between(2, 13));
  spec.window = std::array<ir::Size2D, 3>{{{3, 3}, {1, 3}, {3, 1}}}[random.below(3)];
  if (spec.window.h == 1) spec.padding.top = spec.padding.bottom = 0;
  if (spec.window.w == 1) spec.padding.left = spec.padding.right = 0;
  spec.height = spec.out_height + spec.window.h - 1 - spec.padding.top - spec.padding.bottom;
  spec.width = spec.out_width + spec.window.w - 1 - spec.padding.left - spec.padding.right;
  spec.zero_point = static_cast<int32_t>(random.between(-128, 127));
  spec.form.sign_correction = spec.form.rounding = random.below(2) == 0;
  spec.form.pre_shift = spec.form.sign_correction && winograd_scale(spec.window) == 4 ? -1 : 0;
  spec.form.shift_per_channel = random.below(3) == 0;
  spec.form.shift = spec.form.shift_per_channel ? 0 : 5;
  spec.form.clamped_add = random.below(3) == 0 ? -20 : 0;
  return spec;
}

Trial make_trial(Random& random, const WinogradSpec& spec, const target::Target& target) {
  const int in = spec.in_channels, out = spec.out_channels, taps = spec.window.h * spec.window.w;
  std::vector<int8_t> weights(static_cast<size_t>(out * taps * in)),
      input(static_cast<size_t>(spec.height * spec.width * in));
  for (int8_t& value : weights) value = static_cast<int8_t>(random.between(-128, 127));
  for (int8_t& value : input) value = static_cast<int8_t>(random.between(-128, 127));
  std::vector<int32_t> bias(static_cast<size_t>(out));
  std::vector<RequantConstants> constants(bias.size());
  for (size_t c = 0; c < bias.size(); ++c) {
    bias[c] = static_cast<int32_t>(random.between(-5000, 5000));
    for (int i = 0; i < taps * in; ++i)
      bias[c] -= spec.zero_point * weights[c * static_cast<size_t>(taps * in) + static_cast<size_t>(i)];
    constants[c].multiplier = static_cast<int32_t>(random.between(10000000, 60000000));
    constants[c].addend = static_cast<int32_t>(random.between(-200, 200));
    constants[c].bias_offset = static_cast<int32_t>(random.between(0, 3));
    constants[c].shift = spec.form.shift_per_channel ? static_cast<int32_t>(random.between(4, 6)) : 0;
  }
  std::vector<int32_t> expected;
  for (int y = 0; y < spec.out_height; ++y) {
    for (int x = 0; x < spec.out_width; ++x) {
      for (int c = 0; c < out; ++c) {
        int32_t sum = bias[static_cast<size_t>(c)];
        for (int tap = 0; tap < taps; ++tap) {
          const int row = y - spec.padding.top + tap / spec.window.w,
                    column = x - spec.padding.left + tap % spec.window.w;
          const bool inside = row >= 0 && row < spec.height && column >= 0 && column < spec.width;
          for (int k = 0; k < in; ++k) {
            const int value =
                inside ? input[static_cast<size_t>((row * spec.width + column) * in + k)] : spec.zero_point;
            sum += value * weights[static_cast<size_t>((c * taps + tap) * in + k)];
          }
        }
        const RequantConstants& constant = constants[static_cast<size_t>(c)];
        expected.push_back(
            apply_requantisation(spec.form, constant, winograd_scale(spec.window) * sum + constant.bias_offset));
      }
    }
  }
  for (int i = 0; i < 8; ++i) expected.push_back(77);
  const int words = winograd_scratch_bytes(spec, target) / 4;
  Trial trial{.kernel = winograd(spec, target), .data = "", .call = "", .name = ""};
  trial.data = array_in_c("const uint32_t", "weights", pack_winograd_weights(spec, target, weights, bias, constants)) +
               array_in_c("const int8_t", "input", input) + array_in_c("const int8_t", "expected", expected) +
               fmt::format("static int8_t out[{}];\nstatic uint32_t scratch[{} + 1];\n", expected.size(), words);
  trial.call = fmt::format(
      "  for (int i = 0; i < {0}; ++i) out[i] = 77;\n"
      "  scratch[{2}] = 12345;\n"
      "  {1}(weights, input, out, scratch);\n"
      "  bad = scratch[{2}] != 12345;\n"
      "  for (int i = 0; i < {0}; ++i) bad += out[i] != expected[i];",
      expected.size(), spec.name, words);
  trial.name = fmt::format("{}x{} on {}x{}x{} to {}x{}x{}, pads {} {}, on {}", spec.window.h, spec.window.w,
                           spec.height, spec.width, in, spec.out_height, spec.out_width, out, spec.padding.top,
                           spec.padding.left, target.name);
  return trial;
}

std::vector<Trial> random_trials(uint64_t seed, int count, const target::Target& target) {
  return make_trials(seed, count, [&](Random& random, int index) -> std::optional<Trial> {
    const WinogradSpec spec = random_spec(random, index);
    if (why_no_winograd(spec, {})) return std::nullopt;
    return make_trial(random, spec, target);
  });
}

TEST(Winograd, TheCFormEqualsANaiveLoop) {
  const std::vector<Trial> trials = random_trials(1, 16, target::load_target("cortex-m7"));
  expect_right_on_host(trials);
}

class WinogradOnCore : public testing::TestWithParam<const char*> {};

TEST_P(WinogradOnCore, TheAssemblyEqualsANaiveLoop) {
  const target::Target target = target::load_target(GetParam());
  const std::vector<Trial> trials = random_trials(2, 24, target);
  expect_right_on_board(trials, target);
}

INSTANTIATE_TEST_SUITE_P(Cores, WinogradOnCore, testing::Values("cortex-m4", "cortex-m7"),
                         [](const auto& info) { return std::string(info.param).substr(7); });

TEST(Winograd, RefusesWhatCouldOverflow) {
  WinogradSpec spec;
  spec.name = "f";
  spec.in_channels = 4096;
  const std::vector<int8_t> weights(size_t{2 * 9 * 4096}, 127);
  EXPECT_FALSE(why_no_winograd(spec, {}));
  EXPECT_TRUE(why_no_winograd(spec, weights));
}

}  // namespace
}  // namespace mote::kernels::micro
