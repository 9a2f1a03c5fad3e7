// Kernels for shapes nobody had in mind: bit-exact on every core.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "shapes/fit.h"
#include "shapes/measure.h"
#include "support/data_dir.h"
#include "support/subprocess.h"

namespace mote::shapes {
namespace {

constexpr int kLayers = 30;
constexpr int64_t kMostMacs = 150'000;

uint64_t seed() {
  const char* given = std::getenv("MOTE_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : 20;
}

class RandomLayers : public testing::TestWithParam<std::tuple<const char*, bool>> {};

TEST_P(RandomLayers, UntunedKernelsEqualTheReference) {
  const auto [board, real] = GetParam();
  if (!find_own_program("mote-board")) GTEST_SKIP() << "mote-board is not built";
  SCOPED_TRACE(testing::Message() << "MOTE_SEED=" << seed());
  const std::vector<Layer> layers = random_layers(seed(), kLayers, kMostMacs, real);
  for (const Measurement& m : measure_layers(layers, target::load_board(board, {}))) {
    EXPECT_EQ(m.outcome.status, records::Status::kOk)
        << text_of(m.layer) << " [" << m.knobs << "]: " << m.outcome.error;
  }
}

INSTANTIATE_TEST_SUITE_P(Boards, RandomLayers,
                         testing::Combine(testing::Values("nucleo-f746zg", "nucleo-l4r5zi"), testing::Bool()));

TEST(RandomLayers, AreTheSameForTheSameSeed) {
  const std::vector<Layer> a = random_layers(3, 5, kMostMacs, false), b = random_layers(3, 5, kMostMacs, false);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(graph_of(a[i]), graph_of(b[i]));
}

TEST(Fit, FindsTheLineThatSamplesLieOn) {
  std::vector<Sample> samples;
  for (int i = 1; i < 30; ++i) {
    const double macs = 1000.0 * i * i, outputs = 70.0 * ((i * 7) % 13 + 1);
    samples.push_back({macs, outputs, 0.5 * macs + 3 * outputs + 200});
  }
  const Line line = fit(samples);
  EXPECT_NEAR(line.per_mac, 0.5, 0.01);
  EXPECT_NEAR(line.per_output, 3, 0.1);
  EXPECT_NEAR(line.constant, 200, 20);
}

TEST(Fit, FindsWhatInputsCost) {
  std::vector<Sample> samples;
  for (int i = 1; i < 30; ++i) {
    const double macs = 1000.0 * i * i, outputs = 70.0 * ((i * 7) % 13 + 1), inputs = 90.0 * ((i * 5) % 11 + 1);
    samples.push_back({macs, outputs, 0.5 * macs + 3 * outputs + 200 + 2 * inputs, inputs});
  }
  EXPECT_NEAR(fit_with_inputs(samples).per_input, 2, 0.1);
  EXPECT_EQ(fit(samples).per_input, 0);
}

}  // namespace
}  // namespace mote::shapes
