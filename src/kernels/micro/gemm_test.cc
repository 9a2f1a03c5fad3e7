#include "kernels/micro/gemm.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "kernels/micro/harness_test.h"
#include "support/random.h"

namespace mote::kernels::micro {
namespace {

target::Target core(const std::string& name) {
  return target::load_target(name);
}

template <typename T>
T pick(Random& random, std::initializer_list<T> values) {
  return *(values.begin() + random.below(values.size()));
}

struct Shape {
  GemmSpec spec;
  int groups = 1;
};

Shape random_shape(Random& random, int number) {
  Shape shape;
  GemmSpec& spec = shape.spec;
  spec.name = fmt::format("gemm_{}", number);
  const auto tile = pick<std::pair<int, int>>(
      random, {{1, 1}, {1, 3}, {1, 4}, {2, 1}, {2, 2}, {2, 3}, {2, 3}, {2, 4}, {2, 4}, {4, 1}, {6, 1}});
  spec.tile_channels = tile.first;
  spec.tile_positions = tile.second;
  spec.channels = static_cast<int>(random.between(1, 13));
  spec.wide_weights = tile.first < 6 && random.below(3) == 0;
  spec.has_bias = random.below(5) != 0;
  if (random.below(2) == 0) spec.summed = SummedWeights::kYes;
  spec.segments = pick(random, {1, 1, 2, 3, 5});
  spec.segment_pairs = pick(random, {1, 2, 3, 5, 17, 40, 60});
  spec.code_budget = pick(random, {200, 600, 1500, 4096});
  spec.load_latency = pick(random, {0, 3});
  shape.groups = static_cast<int>(random.between(1, 3));
  if (random.below(2) == 0) {  // an image
    spec.pair_step = 4;
    spec.position_step = pick(random, {4, 16, 64, 400});
    spec.segment_step = spec.segment_pairs * 4 + pick(random, {0, 4, 64, 5000});
    spec.group_step = spec.tile_positions * spec.position_step;
  } else {  // packed
    spec.position_step = 4;
    spec.pair_step = 4 * spec.tile_positions;
    spec.segment_step = spec.segment_pairs * spec.pair_step;
    spec.group_step = spec.segments * spec.segment_step;
  }
  spec.output = pick(random, {GemmOutput::kInt8, GemmOutput::kInt8, GemmOutput::kInt16, GemmOutput::kInt32});
  const int width = spec.output == GemmOutput::kInt8 ? 1 : spec.output == GemmOutput::kInt16 ? 2 : 4;
  if (random.below(3) == 0) {  // planes
    spec.out_position_step = width;
    spec.out_group_step = width * spec.tile_positions;
    spec.out_channel_step = spec.out_group_step * shape.groups;
  } else {
    spec.out_channel_step = width;
    spec.out_position_step = width * spec.channels;
    spec.out_group_step = spec.out_position_step * spec.tile_positions;
  }
  spec.form.sign_correction = random.below(2) == 0;
  spec.form.rounding = spec.form.sign_correction;
  spec.form.pre_shift = pick(random, {0, 1, -1});
  spec.form.shift_per_channel = random.below(3) == 0;
  spec.form.shift = spec.form.shift_per_channel ? 0 : 4;
  if (spec.summed != SummedWeights::kNo && !spec.form.sign_correction && spec.form.pre_shift == 0 &&
      !spec.form.shift_per_channel) {
    spec.summed = SummedWeights::kFolded;
  }
  switch (random.below(4)) {
    case 0:
      spec.form.saturate_signed = false;
      spec.form.saturate_bits = 7;
      break;
    case 1:
      spec.form.clamped_add = static_cast<int>(random.between(-100, -1));
      break;
    case 2:
      spec.form.saturate_bits = 7;
      spec.form.clamped_add = 90;
      spec.form.subtract = 27;
      break;
    case 3:
      break;
  }
  return shape;
}

/// The shape with random operands, and the outputs a naive loop makes of them.
Trial make_trial(Random& random, const Shape& shape, const target::Target& target) {
  const GemmSpec& spec = shape.spec;
  const int depth = spec.depth(), n = spec.tile_positions;
  std::vector<int32_t> weights(static_cast<size_t>(spec.channels * depth)), bias(static_cast<size_t>(spec.channels));
  const int most = spec.wide_weights ? 1000 : 127, least = spec.summed == SummedWeights::kNo ? -most - 1 : -most;
  for (int32_t& weight : weights) weight = static_cast<int32_t>(random.between(least, most));
  for (int32_t& value : bias) value = spec.has_bias ? static_cast<int32_t>(random.between(-5000, 5000)) : 0;
  std::vector<RequantConstants> constants(bias.size());
  for (RequantConstants& c : constants) {
    c.multiplier =
        static_cast<int32_t>((int64_t{1} << 31) / (depth * (spec.wide_weights ? 8 : 1)) / 2 + random.between(0, 1000));
    c.addend = static_cast<int32_t>(random.between(-500, 500));
    c.shift = spec.form.shift_per_channel ? static_cast<int32_t>(random.between(3, 5)) : 0;
    c.bias_offset = spec.has_bias ? static_cast<int32_t>(random.between(0, 9)) : 0;
  }
  const bool requantised = spec.output != GemmOutput::kInt32;
  if (!requantised) constants.clear();
  const int64_t last = int64_t{spec.segments - 1} * spec.segment_step +
                       int64_t{spec.segment_pairs - 1} * spec.pair_step + int64_t{n - 1} * spec.position_step +
                       int64_t{shape.groups - 1} * spec.group_step;
  std::vector<int16_t> activations(static_cast<size_t>(last / 2 + 2));
  for (int16_t& value : activations) value = static_cast<int16_t>(random.between(-128, 127));

  const auto sum = [&](int group, int j, int c) {
    int32_t acc = bias[static_cast<size_t>(c)] + (requantised ? constants[static_cast<size_t>(c)].bias_offset : 0);
    for (int k = 0; k < depth; ++k) {
      const int segment = k / 2 / spec.segment_pairs, pair = k / 2 % spec.segment_pairs;
      const int address =
          group * spec.group_step + j * spec.position_step + segment * spec.segment_step + pair * spec.pair_step;
      acc += weights[static_cast<size_t>(c * depth + k)] * activations[static_cast<size_t>(address / 2 + k % 2)];
    }
    return acc;
  };
  const int width = spec.output == GemmOutput::kInt8 ? 1 : spec.output == GemmOutput::kInt16 ? 2 : 4;
  const size_t outputs = static_cast<size_t>(shape.groups * n * spec.channels);
  std::vector<int32_t> expected(outputs + 8, 77);  // what lies behind must stay
  for (int group = 0; group < shape.groups; ++group) {
    for (int j = 0; j < n; ++j) {
      for (int c = 0; c < spec.channels; ++c) {
        int32_t value = sum(group, j, c);
        if (requantised) value = apply_requantisation(spec.form, constants[static_cast<size_t>(c)], value);
        expected[static_cast<size_t>(
            (group * spec.out_group_step + j * spec.out_position_step + c * spec.out_channel_step) / width)] = value;
      }
    }
  }
  const std::vector<uint32_t> stream = pack_gemm_weights(
      spec, [&](int c, int k) { return weights[static_cast<size_t>(c * depth + k)]; }, bias, constants);
  Trial trial{.kernel = gemm(spec, target), .data = "", .call = "", .name = spec.name};
  const std::string type = fmt::format("int{}_t", 8 * width);
  trial.data =
      array_in_c("const uint32_t", "weights", stream) + array_in_c("const int16_t", "activations", activations) +
      array_in_c("const int32_t", "expected", expected) + fmt::format("static {} out[{}];\n", type, expected.size());
  trial.call = fmt::format(
      "  for (int i = 0; i < {0}; ++i) out[i] = 77;\n"
      "  {1}(weights, activations, out, {2});\n"
      "  for (int i = 0; i < {0}; ++i) bad += out[i] != expected[i];",
      expected.size(), spec.name, shape.groups);
  trial.name = fmt::format("{}x{} tile, {} channels, {} x {} pairs, {} groups, {} weights{}, budget {}, on {}",
                           spec.tile_channels, n, spec.channels, spec.segments, spec.segment_pairs, shape.groups,
                           spec.wide_weights ? "int16" : "int8", spec.summed != SummedWeights::kNo ? " summed" : "",
                           spec.code_budget, target.name);
  return trial;
}

std::vector<Trial> random_trials(uint64_t seed, int count, const target::Target& target) {
  return make_trials(seed, count, [&](Random& random, int index) -> std::optional<Trial> {
    const Shape shape = random_shape(random, index);
    if (why_no_gemm(shape.spec)) return std::nullopt;
    return make_trial(random, shape, target);
  });
}

TEST(Gemm, TheCFormEqualsANaiveLoop) {
  const std::vector<Trial> trials = random_trials(1, 12, core("cortex-m7"));
  expect_right_on_host(trials);
}

class GemmOnCore : public testing::TestWithParam<const char*> {};

TEST_P(GemmOnCore, TheAssemblyEqualsANaiveLoop) {
  target::Target target = core(GetParam());
  for (const bool fpu : {true, false}) {
    target.fpu = fpu;  // the kernel keeps values on the stack then; the flags may stay
    const std::vector<Trial> trials = random_trials(fpu ? 2 : 3, 16, target);
    expect_right_on_board(trials, target);
  }
}

INSTANTIATE_TEST_SUITE_P(Cores, GemmOnCore, testing::Values("cortex-m4", "cortex-m7"),
                         [](const auto& info) { return std::string(info.param).substr(7); });

TEST(Gemm, IsDeterministic) {
  GemmSpec spec;
  spec.name = "f";
  spec.channels = 16;
  spec.segment_pairs = 50;
  EXPECT_EQ(gemm(spec, core("cortex-m7")).assembly, gemm(spec, core("cortex-m7")).assembly);
}

TEST(Gemm, KeepsToItsCodeBudget) {
  GemmSpec spec;
  spec.name = "f";
  spec.channels = 64;
  spec.segments = 3;
  spec.segment_pairs = 96;
  spec.segment_step = 5000;
  for (const char* name : {"cortex-m4", "cortex-m7"}) {
    for (const int budget : {2000, 4096, 8000, 100000}) {
      spec.code_budget = budget;
      const MicroKernel kernel = gemm(spec, core(name));
      EXPECT_LT(kernel.code_bytes_estimate, static_cast<size_t>(budget) + 600);
    }
  }
}

TEST(Gemm, CoresWithoutDspGetTheCFormOnly) {
  GemmSpec spec;
  spec.name = "f";
  EXPECT_TRUE(gemm(spec, core("cortex-m3")).assembly.empty());
  EXPECT_FALSE(gemm(spec, core("cortex-m3")).c_form.empty());
  EXPECT_FALSE(gemm(spec, core("cortex-m33")).assembly.empty());
}

TEST(Gemm, SaysWhatItCannotDo) {
  GemmSpec spec;
  spec.tile_channels = 3;
  EXPECT_TRUE(why_no_gemm(spec));
  spec.tile_channels = 2;
  EXPECT_FALSE(why_no_gemm(spec));
  spec.position_step = 6;
  EXPECT_TRUE(why_no_gemm(spec));
}

}  // namespace
}  // namespace mote::kernels::micro
