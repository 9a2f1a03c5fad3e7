#include "kernels/micro/elementwise.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/micro/harness_test.h"
#include "kernels/micro/pool.h"
#include "support/random.h"

namespace mote::kernels::micro {
namespace {

std::vector<int8_t> random_bytes(Random& random, size_t count) {
  std::vector<int8_t> values(count);
  for (int8_t& value : values) value = static_cast<int8_t>(random.between(-128, 127));
  return values;
}

/// Addition with random scales, as its parameters are derived from them.
ir::AddParams random_add(Random& random, int32_t& out_zero_point) {
  const double a = 0.01 + random.unit(), b = 0.01 + random.unit(), out = 0.5 * (a + b) + random.unit();
  const double twice = 2 * std::max(a, b);
  out_zero_point = static_cast<int32_t>(random.between(-128, 127));
  return {.a_offset = static_cast<int32_t>(random.between(-127, 128)),
          .b_offset = static_cast<int32_t>(random.between(-127, 128)),
          .out_offset = out_zero_point,
          .left_shift = 20,
          .a = ir::quantize_multiplier(a / twice),
          .b = ir::quantize_multiplier(b / twice),
          .out = ir::quantize_multiplier(twice / ((1 << 20) * out))};
}

int32_t reference_add(const ir::AddParams& params, const ir::ClampI8& clamp, int32_t a, int32_t b) {
  const int32_t x = ir::multiply_by_quantized_multiplier((a + params.a_offset) * (1 << params.left_shift), params.a);
  const int32_t y = ir::multiply_by_quantized_multiplier((b + params.b_offset) * (1 << params.left_shift), params.b);
  return std::clamp(ir::multiply_by_quantized_multiplier(x + y, params.out) + params.out_offset, clamp.lo, clamp.hi);
}

std::vector<Trial> trials(uint64_t seed, const target::Target& target) {
  Random random(seed);
  std::vector<Trial> trials;
  for (const int count : {0, 1, 3, 4, 15, 16, 17, 39, 100}) {
    const auto n = static_cast<size_t>(count);
    for (const WidenOrder order : {WidenOrder::kNatural, WidenOrder::kQuads}) {
      if (order == WidenOrder::kQuads && count % 4 != 0) continue;
      const std::string name = fmt::format("widen_{}", trials.size());
      const std::vector<int8_t> in = random_bytes(random, n);
      std::vector<int8_t> expected = in;
      for (size_t i = 0; order == WidenOrder::kQuads && i < n; i += 4) std::swap(expected[i + 1], expected[i + 2]);
      trials.push_back({.kernel = widen(name, order, target),
                        .data = array_in_c("const int8_t", "in", in) +
                                array_in_c("const int8_t", "expected", expected) +
                                fmt::format("static int16_t out[{}] __attribute__((aligned(4)));\n", count + 1),
                        .call = fmt::format("  out[{0}] = 77;\n  {1}(in, out, {0});\n  bad = out[{0}] != 77;\n"
                                            "  for (int i = 0; i < {0}; ++i) bad += out[i] != expected[i];",
                                            count, name),
                        .name = fmt::format("widen {} elements on {}", count, target.name)});
    }
    const std::string name = fmt::format("add_{}", trials.size());
    int32_t zero_point = 0;
    const ir::AddParams params = random_add(random, zero_point);
    const ir::ClampI8 clamp = random.below(2) == 0 ? ir::ClampI8{} : ir::ClampI8{zero_point, 127};
    std::optional<AddForm> form = plan_add(params, clamp);
    EXPECT_TRUE(form);
    if (!form) continue;
    const std::vector<int8_t> a = random_bytes(random, n), b = random_bytes(random, n);
    std::vector<int32_t> expected;
    for (size_t i = 0; i < n; ++i) expected.push_back(reference_add(params, clamp, a[i], b[i]));
    trials.push_back(
        {.kernel = add(name, *form, target),
         .data = array_in_c("const int8_t", "a", a) + array_in_c("const int8_t", "b", b) +
                 array_in_c("const int8_t", "expected", expected) + fmt::format("static int8_t out[{}];\n", count + 1),
         .call = fmt::format("  out[{0}] = 77;\n  {1}(a, b, out, {0});\n  bad = out[{0}] != 77;\n"
                             "  for (int i = 0; i < {0}; ++i) bad += out[i] != expected[i];",
                             count, name),
         .name = fmt::format("add {} elements{} on {}", count, form->by_halves ? " by halves" : "", target.name)});
  }
  return trials;
}

std::vector<Trial> pool_trials(uint64_t seed, const target::Target& target) {
  Random random(seed);
  std::vector<Trial> trials;
  for (int number = 0; number < 8; ++number) {
    WindowSumSpec spec;
    spec.name = fmt::format("pool_{}", number);
    spec.channels = static_cast<int32_t>(random.between(4, 40));
    spec.rows = static_cast<int32_t>(random.between(1, 9));
    spec.columns = static_cast<int32_t>(random.between(1, 9));
    spec.row_step = (spec.columns + static_cast<int32_t>(random.between(0, 3))) * spec.channels;
    const std::vector<int8_t> in = random_bytes(random, static_cast<size_t>(spec.rows * spec.row_step));
    std::vector<int32_t> expected(static_cast<size_t>(spec.channels));
    for (int32_t i = 0; i < spec.rows * spec.columns * spec.channels; ++i) {
      const int32_t y = i / (spec.columns * spec.channels), x = i % (spec.columns * spec.channels);
      expected[static_cast<size_t>(i % spec.channels)] += in[static_cast<size_t>(y * spec.row_step + x)];
    }
    trials.push_back({.kernel = window_sum(spec, target),
                      .data = array_in_c("const int8_t", "in", in) + array_in_c("const int16_t", "expected", expected) +
                              fmt::format("static int16_t out[{}] __attribute__((aligned(4)));\n", spec.channels + 2),
                      .call = fmt::format("  out[{0}] = 77;\n  {1}(in, out);\n  bad = out[{0}] != 77;\n"
                                          "  for (int i = 0; i < {0}; ++i) bad += out[i] != expected[i];",
                                          spec.channels, spec.name),
                      .name = fmt::format("{}x{} window of {} channels on {}", spec.rows, spec.columns, spec.channels,
                                          target.name)});
  }
  return trials;
}

TEST(Elementwise, TheCFormsEqualNaiveLoops) {
  const target::Target target = target::load_target("cortex-m7");
  for (const std::vector<Trial>& all : {trials(1, target), pool_trials(1, target)}) expect_right_on_host(all);
}

class ElementwiseOnCore : public testing::TestWithParam<const char*> {};

TEST_P(ElementwiseOnCore, TheAssemblyEqualsNaiveLoops) {
  const target::Target target = target::load_target(GetParam());
  for (const std::vector<Trial>& all : {trials(2, target), pool_trials(2, target)}) {
    expect_right_on_board(all, target);
  }
}

INSTANTIATE_TEST_SUITE_P(Cores, ElementwiseOnCore, testing::Values("cortex-m4", "cortex-m7"),
                         [](const auto& info) { return std::string(info.param).substr(7); });

TEST(Elementwise, AnAdditionIsExactForEveryPair) {
  int by_halves = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    Random random(seed);
    int32_t zero_point = 0;
    const ir::AddParams params = random_add(random, zero_point);
    const ir::ClampI8 clamp{random.below(2) == 0 ? -128 : zero_point, 127};
    const std::optional<AddForm> form = plan_add(params, clamp);
    ASSERT_TRUE(form) << "seed " << seed;
    by_halves += form->by_halves;
    for (int32_t a = -128; a < 128; ++a) {
      for (int32_t b = -128; b < 128; ++b) {
        const int64_t pa = int64_t{a} * form->a_factor, pb = int64_t{b} * form->b_factor;
        const int64_t sum = (form->by_halves ? (pa >> 16) + (pb >> 16) : pa + pb) + form->offset;
        RequantForm end = form->end;
        ASSERT_LE(end.shift, 28);
        const int64_t half = int64_t{1} << (end.saturate_bits - 1);
        int64_t y = sum >> end.shift;
        y = end.saturate_signed ? std::clamp(y, -half, half - 1) : std::clamp<int64_t>(y, 0, 2 * half - 1);
        if (end.clamped_add != 0) y = std::clamp<int64_t>(y + end.clamped_add, -128, 127);
        ASSERT_EQ(y - end.subtract, reference_add(params, clamp, a, b)) << a << " " << b << " seed " << seed;
      }
    }
  }
  EXPECT_GT(by_halves, 0);
}

}  // namespace
}  // namespace mote::kernels::micro
