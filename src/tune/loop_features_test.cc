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

double feature(const loop::Program& program, std::string_view name, int slots = 2) {
  const std::vector<std::string_view>& names = loop_feature_names();
  const auto found = std::find(names.begin(), names.end(), name);
  EXPECT_NE(found, names.end()) << name;
  return static_cast<double>(loop_features(program, slots)[static_cast<size_t>(found - names.begin())]);
}

double log_of(double count) {
  return std::log2(1 + count);
}

TEST(LoopFeatures, CountWhatAProgramDoes) {
  const loop::Program p = matrix_vector();
  EXPECT_EQ(loop_features(p, 2).size(), loop_feature_names().size());
  EXPECT_NEAR(feature(p, "iterations"), log_of(32 + 512), 1e-5);
  EXPECT_NEAR(feature(p, "products"), log_of(512), 1e-5);
  EXPECT_NEAR(feature(p, "input loads"), log_of(512), 1e-5);
  EXPECT_NEAR(feature(p, "constant loads"), log_of(512), 1e-5);
  EXPECT_NEAR(feature(p, "output stores"), log_of(32), 1e-5);
  EXPECT_NEAR(feature(p, "bytes"), log_of(2 * 512 + 4 * 32), 1e-5);
  EXPECT_NEAR(feature(p, "busiest extent"), log_of(16), 1e-5);
  EXPECT_NEAR(feature(p, "share consecutive"), 1, 1e-5);
  EXPECT_NEAR(feature(p, "deepest"), 2, 1e-5);
  EXPECT_NEAR(feature(p, "constant bytes"), log_of(512), 1e-5);
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
  EXPECT_NEAR(feature(tiled, "busiest products"), log_of(4), 1e-5);
  EXPECT_NEAR(feature(tiled, "busiest sums"), log_of(4), 1e-5);
  EXPECT_GT(feature(tiled, "products per operand"), feature(plain, "products per operand"));
  EXPECT_GT(feature(tiled, "statements"), feature(plain, "statements"));
  EXPECT_LT(feature(tiled, "least cycles"), feature(plain, "least cycles"));
  EXPECT_GT(feature(plain, "least cycles", 1), feature(plain, "least cycles", 2));
}

}  // namespace
}  // namespace mote::tune
