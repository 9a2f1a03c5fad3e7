#include "kernels/micro/float_gemm.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "kernels/micro/harness_test.h"
#include "support/random.h"

namespace mote::kernels::micro {
namespace {

template <typename T>
T pick(Random& random, std::initializer_list<T> values) {
  return *(values.begin() + random.below(values.size()));
}

constexpr FloatClamp kNone, kRelu{.lo = 0}, kRelu6{.lo = 0, .hi = 6}, kSymmetric{.lo = -1, .hi = 1}, kBelow{.hi = 4};

struct Shape {
  FloatGemmSpec spec;
  int groups = 1;
};

Shape random_shape(Random& random, int number) {
  Shape shape;
  FloatGemmSpec& spec = shape.spec;
  spec.name = fmt::format("gemm_{}", number);
  spec.tile_channels = static_cast<int>(random.between(1, 8));
  spec.tile_positions = static_cast<int>(random.between(1, 4));
  spec.channels = static_cast<int>(random.between(1, 13));
  spec.segments = pick(random, {1, 1, 2, 3, 5});
  spec.runs = pick(random, {1, 1, 3});
  spec.length = pick(random, {1, 2, 5, 17, 60});
  spec.run_step = 4 * (spec.length + pick(random, {0, 3}));
  spec.segment_step = spec.runs * spec.run_step + pick(random, {0, 4, 2000});
  spec.position_step = pick(random, {4, 20, 400, 5000});
  spec.group_step = spec.tile_positions * spec.position_step;
  spec.out_position_step = 4 * spec.channels;
  spec.out_group_step = spec.tile_positions * spec.out_position_step;
  spec.clamp = pick(random, {kNone, kNone, kRelu, kRelu6, kSymmetric, kBelow});
  spec.code_budget = pick(random, {300, 1500, 4096});
  shape.groups = static_cast<int>(random.between(1, 3));
  return shape;
}

/// The shape with random operands, and the outputs a naive loop makes of them: small integers, so that sums are exact.
Trial make_trial(Random& random, const Shape& shape, const target::Target& target) {
  const FloatGemmSpec& spec = shape.spec;
  const int depth = spec.depth(), n = spec.tile_positions, row = spec.runs * spec.length;
  const auto integers = [&](int64_t count, int64_t most) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = static_cast<float>(random.between(-most, most));
    return values;
  };
  const std::vector<float> weights = integers(spec.channels * depth, 9), bias = integers(spec.channels, 90);
  const auto address = [&](int group, int j, int k) {
    return (group * spec.group_step + j * spec.position_step + k / row * spec.segment_step +
            k % row / spec.length * spec.run_step) /
               4 +
           k % spec.length;
  };
  const std::vector<float> activations = integers(address(shape.groups - 1, n - 1, depth - 1) + 1, 9);
  std::vector<float> expected;
  for (int group = 0; group < shape.groups; ++group) {
    for (int j = 0; j < n; ++j) {
      for (int c = 0; c < spec.channels; ++c) {
        float sum = bias[static_cast<size_t>(c)];
        for (int k = 0; k < depth; ++k)
          sum += weights[static_cast<size_t>(c * depth + k)] * activations[static_cast<size_t>(address(group, j, k))];
        expected.push_back(std::clamp(sum, spec.clamp.lo, spec.clamp.hi));
      }
    }
  }
  expected.insert(expected.end(), 8, 77.0f);  // what lies behind must stay
  const std::vector<float> stream = pack_float_gemm_weights(
      spec, [&](int c, int k) { return weights[static_cast<size_t>(c * depth + k)]; }, bias);
  Trial trial{.kernel = float_gemm(spec, target), .data = "", .call = "", .name = ""};
  trial.data = array_in_c("const float", "weights", stream) + array_in_c("const float", "activations", activations) +
               array_in_c("const float", "expected", expected) +
               fmt::format("static float out[{}];\n", expected.size());
  trial.call = fmt::format(
      "  for (int i = 0; i < {0}; ++i) out[i] = 77;\n"
      "  {1}(weights, activations, out, {2});\n"
      "  for (int i = 0; i < {0}; ++i) bad += out[i] != expected[i];",
      expected.size(), spec.name, shape.groups);
  trial.name =
      fmt::format("{}x{} tile, {} channels, {} x {} x {} products, {} groups, limits {} and {}, budget {}, on {}",
                  spec.tile_channels, n, spec.channels, spec.segments, spec.runs, spec.length, shape.groups,
                  spec.clamp.lo, spec.clamp.hi, spec.code_budget, target.name);
  return trial;
}

std::vector<Trial> random_trials(uint64_t seed, int count, const target::Target& target) {
  return make_trials(seed, count, [&](Random& random, int index) -> std::optional<Trial> {
    const Shape shape = random_shape(random, index);
    if (why_no_float_gemm(shape.spec)) return std::nullopt;
    return make_trial(random, shape, target);
  });
}

TEST(FloatGemm, TheCFormEqualsANaiveLoop) {
  const std::vector<Trial> trials = random_trials(1, 12, target::load_target("cortex-m7"));
  expect_right_on_host(trials);
}

class FloatGemmOnCore : public testing::TestWithParam<const char*> {};

TEST_P(FloatGemmOnCore, TheAssemblyEqualsANaiveLoop) {
  const target::Target target = target::load_target(GetParam());
  const std::vector<Trial> trials = random_trials(2, 24, target);
  expect_right_on_board(trials, target);
}

INSTANTIATE_TEST_SUITE_P(Cores, FloatGemmOnCore, testing::Values("cortex-m4", "cortex-m7"),
                         [](const auto& info) { return std::string(info.param).substr(7); });

TEST(FloatGemm, MultipliesAndAddsInTheInstructionsThatAreQuickest) {
  FloatGemmSpec spec;
  spec.name = "f";
  EXPECT_NE(float_gemm(spec, target::load_target("cortex-m7")).assembly.find("vfma.f32"), std::string::npos);
  EXPECT_EQ(float_gemm(spec, target::load_target("cortex-m4")).assembly.find("vfma.f32"), std::string::npos);
}

TEST(FloatGemm, CoresWithoutFpuGetTheCFormOnly) {
  FloatGemmSpec spec;
  spec.name = "f";
  EXPECT_TRUE(float_gemm(spec, target::load_target("cortex-m3")).assembly.empty());
  EXPECT_FALSE(float_gemm(spec, target::load_target("cortex-m3")).c_form.empty());
}

TEST(FloatGemm, EveryTileOfferedCanBeMade) {
  for (const bool one_position : {true, false}) {
    for (const FloatTile& tile : float_gemm_tiles(one_position)) {
      FloatGemmSpec spec;
      spec.tile_channels = tile.channels;
      spec.tile_positions = tile.positions;
      EXPECT_FALSE(why_no_float_gemm(spec)) << tile.channels << "x" << tile.positions;
    }
  }
}

}  // namespace
}  // namespace mote::kernels::micro
