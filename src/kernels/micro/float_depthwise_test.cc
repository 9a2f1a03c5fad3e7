#include "kernels/micro/float_depthwise.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "kernels/micro/harness_test.h"
#include "support/random.h"

namespace mote::kernels::micro {
namespace {

struct Shape {
  FloatDepthwiseSpec spec;
  int groups = 1, window_row = 0, inside = 1;  // rows of the window: the first that is read, and how many
};

Shape random_shape(Random& random, int number) {
  const auto between = [&](int lo, int hi) { return static_cast<int>(random.between(lo, hi)); };
  Shape shape;
  FloatDepthwiseSpec& spec = shape.spec;
  spec.name = fmt::format("depthwise_{}", number);
  spec.channels = random.below(5) == 0 ? 300 : between(1, 40);
  spec.lanes = between(1, 4);
  spec.positions = between(1, 12);
  spec.rows = between(1, 5);
  spec.columns = between(1, 7);
  spec.stride = between(1, 3);
  spec.dilation = between(1, 2);
  spec.first_column = random.below(3) == 0 ? between(0, spec.reach() - 1) : 0;
  spec.end_column = random.below(3) == 0 ? between(1, spec.reach()) : spec.reach();
  spec.row_step = spec.column_step() * (spec.reach() + between(0, 9));
  spec.group_step = spec.column_step() * spec.positions * spec.stride;
  spec.out_group_step = spec.column_step() * spec.positions;
  if (random.below(2) == 0) spec.clamp.lo = 0;
  if (random.below(2) == 0) spec.clamp.hi = 6;
  shape.groups = between(1, 3);
  shape.window_row = between(0, spec.rows - 1);
  shape.inside = between(1, spec.rows - shape.window_row);
  return shape;
}

/// The shape with random operands, and the outputs a naive loop makes of them: small integers, so that sums are exact.
Trial make_trial(Random& random, const Shape& shape, const target::Target& target) {
  const FloatDepthwiseSpec& spec = shape.spec;
  const auto integers = [&](int64_t count, int64_t most) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = static_cast<float>(random.between(-most, most));
    return values;
  };
  const std::vector<float> weights = integers(int64_t{spec.rows} * spec.columns * spec.channels, 9);
  const std::vector<float> bias = integers(spec.channels, 20);
  const auto place = [&](int group, int row, int column, int c) {
    return group * spec.group_step / 4 + row * spec.row_step / 4 + (column - spec.first_column) * spec.channels + c;
  };
  const std::vector<float> x =
      integers(place(shape.groups - 1, shape.inside - 1, spec.end_column - 1, spec.channels - 1) + 1, 5);
  std::vector<float> expected;
  for (int group = 0; group < shape.groups; ++group) {
    for (int j = 0; j < spec.positions; ++j) {
      for (int c = 0; c < spec.channels; ++c) {
        float sum = bias[static_cast<size_t>(c)];
        for (int row = 0; row < shape.inside; ++row) {
          for (int kx = 0; kx < spec.columns; ++kx) {
            const int column = j * spec.stride + kx * spec.dilation;
            if (column < spec.first_column || column >= spec.end_column) continue;
            const int tap = (shape.window_row + row) * spec.columns + kx;
            sum += weights[static_cast<size_t>(tap * spec.channels + c)] *
                   x[static_cast<size_t>(place(group, row, column, c))];
          }
        }
        expected.push_back(std::clamp(sum, spec.clamp.lo, spec.clamp.hi));
      }
    }
  }
  expected.insert(expected.end(), 8, 77.0f);  // what lies behind must stay
  Trial trial{.kernel = float_depthwise(spec, target), .data = "", .call = "", .name = ""};
  trial.data = array_in_c("const float", "weights", pack_float_depthwise_weights(spec, weights, bias)) +
               array_in_c("const float", "x", x) + array_in_c("const float", "expected", expected) +
               fmt::format("static float out[{}];\n", expected.size());
  trial.call = fmt::format(
      "  for (int i = 0; i < {0}; ++i) out[i] = 77;\n"
      "  {1}(weights, x, out, {2}, {3}, {4});\n"
      "  for (int i = 0; i < {0}; ++i) bad += out[i] != expected[i];",
      expected.size(), spec.name, shape.groups, 4 * shape.window_row * spec.row_weights(), shape.inside);
  trial.name = fmt::format(
      "{} channels, {} lanes x {} positions, {}x{} stride {} dilation {}, columns {} to {}, {} groups, {} rows from "
      "{}, "
      "limits {} and {}, on {}",
      spec.channels, spec.lanes, spec.positions, spec.rows, spec.columns, spec.stride, spec.dilation, spec.first_column,
      spec.end_column, shape.groups, shape.inside, shape.window_row, spec.clamp.lo, spec.clamp.hi, target.name);
  return trial;
}

std::vector<Trial> random_trials(uint64_t seed, int count, const target::Target& target) {
  return make_trials(seed, count, [&](Random& random, int index) -> std::optional<Trial> {
    const Shape shape = random_shape(random, index);
    if (why_no_float_depthwise(shape.spec)) return std::nullopt;
    return make_trial(random, shape, target);
  });
}

TEST(FloatDepthwise, TheCFormEqualsANaiveLoop) {
  const std::vector<Trial> trials = random_trials(1, 12, target::load_target("cortex-m7"));
  expect_right_on_host(trials);
}

class FloatDepthwiseOnCore : public testing::TestWithParam<const char*> {};

TEST_P(FloatDepthwiseOnCore, TheAssemblyEqualsANaiveLoop) {
  const target::Target target = target::load_target(GetParam());
  const std::vector<Trial> trials = random_trials(2, 24, target);
  expect_right_on_board(trials, target);
}

INSTANTIATE_TEST_SUITE_P(Cores, FloatDepthwiseOnCore, testing::Values("cortex-m4", "cortex-m7"),
                         [](const auto& info) { return std::string(info.param).substr(7); });

TEST(FloatDepthwise, SaysWhatItCannotDo) {
  FloatDepthwiseSpec spec;
  EXPECT_FALSE(why_no_float_depthwise(spec));
  spec.columns = spec.end_column = 40;
  EXPECT_TRUE(why_no_float_depthwise(spec));
}

}  // namespace
}  // namespace mote::kernels::micro
