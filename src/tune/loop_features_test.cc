#include "tune/loop_features.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "loop/build.h"
#include "loop/schedule.h"

namespace mote::tune {
namespace {

using loop::var;

/// y[i] = sum over j of w[i][j] * x[j], 32 by 16.
loop::Program matrix_vector() {
  loop::Program p;
  p.name = "f";
  p.buffers = {loop::input("x", loop::Type::kI8, {16}), loop::output("y", loop::Type::kI32, {32}),
               loop::constant("w", loop::Type::kI8, {32, 16}, Bytes(512)), loop::local("sum", loop::Type::kI32, {})};
  const loop::Expr product = loop::load("w", {var("i"), var("j")}) * loop::load("x", {var("j")});
  p.body = {loop::loop("i", 32,
                       {loop::store("sum", {}, loop::imm(0)),
                        loop::loop("j", 16, {loop::store("sum", {}, loop::load("sum", {}) + product)}),
                        loop::store("y", {var("i")}, loop::load("sum", {}))})};
  return p;
}

/// As if there were no work: counts themselves.
double feature(const loop::Program& program, std::string_view name, const std::string& pipeline = "m7") {
  const std::vector<std::string_view>& names = loop_feature_names();
  const auto found = std::find(names.begin(), names.end(), name);
  EXPECT_NE(found, names.end()) << name;
  return static_cast<double>(
      loop_features(program, schedule::CallEstimator(pipeline), 0)[static_cast<size_t>(found - names.begin())]);
}

double log_of(double count) {
  return std::log2(1 + count);
}

TEST(LoopFeatures, CountWhatAProgramDoes) {
  const loop::Program p = matrix_vector();
  EXPECT_EQ(loop_features(p, schedule::CallEstimator("m7"), 1).size(), loop_feature_names().size());
  EXPECT_NEAR(feature(p, "iterations"), log_of(32 + 512), 1e-5);
  EXPECT_NEAR(feature(p, "products"), log_of(512), 1e-5);
  EXPECT_NEAR(feature(p, "input loads"), log_of(512), 1e-5);
  EXPECT_NEAR(feature(p, "constant loads"), log_of(512), 1e-5);
  EXPECT_NEAR(feature(p, "output stores"), log_of(32), 1e-5);
  EXPECT_NEAR(feature(p, "bytes"), log_of(2 * 512 + 4 * 32), 1e-5);
  EXPECT_NEAR(feature(p, "size of busiest extent"), log_of(16), 1e-5);
  EXPECT_NEAR(feature(p, "share consecutive"), 1, 1e-5);
  EXPECT_NEAR(feature(p, "deepest"), 2, 1e-5);
  EXPECT_NEAR(feature(p, "size of constants"), log_of(512), 1e-5);
}

TEST(LoopFeatures, ShowWhatTilingAndUnrollingChange) {
  loop::Program tiled = matrix_vector();
  loop::split(&tiled, "i", 4, "i_o", "i_i");
  loop::distribute(&tiled, "i_i");
  loop::move_inward(&tiled, "i_i", {"j"});
  loop::unroll(&tiled, "i_i");
  const loop::Program plain = matrix_vector();
  EXPECT_NEAR(feature(tiled, "products"), feature(plain, "products"), 1e-5);
  EXPECT_LT(feature(tiled, "iterations"), feature(plain, "iterations") - 1.9);
  EXPECT_NEAR(feature(tiled, "size of busiest products"), log_of(4), 1e-5);
  EXPECT_NEAR(feature(tiled, "size of busiest sums"), log_of(4), 1e-5);
  EXPECT_GT(feature(tiled, "products per operand"), feature(plain, "products per operand"));
  EXPECT_GT(feature(tiled, "size of statements"), feature(plain, "size of statements"));
  EXPECT_LT(feature(tiled, "least cycles"), feature(plain, "least cycles"));
  EXPECT_GT(feature(plain, "least cycles", "m4"), feature(plain, "least cycles", "m7"));
}

/// Calls of a function in assembly that multiplies three times for each of `rounds`, `times` times.
loop::Program calling(int64_t rounds, int64_t times, const std::string& defined) {
  loop::Program p = matrix_vector();
  p.functions = {{"g",
                  "__asm__(\n\"" + defined +
                      ":\\n\"\n\"1:\\n\"\n\"  mla r3, r3, r3, r3\\n\"\n\"  mla r4, r3, r3, r3\\n\"\n\"  mla r5, r3, "
                      "r3, r3\\n\"\n\"  subs r1, r1, #1\\n\"\n\"  bne 1b\\n\"\n\"  bx lr\\n\"\n);\n",
                  {}}};
  p.body = {loop::loop("i", times, {loop::invoke("g", {loop::address("y", {var("i")}), loop::number(rounds)})})};
  return p;
}

TEST(LoopFeatures, KnowWhatCallsOfAssemblyCost) {
  const loop::Program p = calling(50, 20, "g");
  EXPECT_NEAR(feature(p, "calls' multiplies"), log_of(50 * 20 * 3), 1e-5);
  EXPECT_NEAR(feature(p, "calls' instructions"), log_of(20 * (50 * 5 + 1)), 1e-5);
  EXPECT_GT(feature(p, "cycles"), log_of(50 * 20 * 3));
  EXPECT_GT(feature(calling(51, 20, "g"), "cycles"), feature(p, "cycles"));
}

TEST(LoopFeatures, LetLoopsInAssemblyUnderAFunctionInCDoTheWork) {
  const loop::Program p = calling(50, 20, "g_loops");
  const std::vector<std::string_view>& names = loop_feature_names();
  const auto place = std::find(names.begin(), names.end(), "calls' multiplies") - names.begin();
  const std::vector<float> features = loop_features(p, schedule::CallEstimator("m7"), 6000);
  EXPECT_NEAR(features[static_cast<size_t>(place)], std::log2(3001.0 / 6001.0), 1e-5);
}

TEST(LoopFeatures, AreTheSameForALargerWorkloadOfTheSameKind) {
  const schedule::CallEstimator estimator("m7");
  const std::vector<float> small = loop_features(calling(1000, 100, "g"), estimator, 6e5);
  const std::vector<float> large = loop_features(calling(1000, 200, "g"), estimator, 12e5);
  const auto place = std::find(loop_feature_names().begin(), loop_feature_names().end(), "cycles");
  const size_t cycles = static_cast<size_t>(place - loop_feature_names().begin());
  EXPECT_NEAR(small[cycles], large[cycles], 0.01);
  EXPECT_NEAR(estimated_cycles(small), estimated_cycles(large), 0.01);
  EXPECT_LT(estimated_cycles(loop_features(calling(900, 100, "g"), estimator, 6e5)), estimated_cycles(small));
}

}  // namespace
}  // namespace mote::tune
