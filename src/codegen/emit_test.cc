#include "codegen/emit.h"

#include <gtest/gtest.h>

#include "loop/build.h"

namespace mote::codegen {
namespace {

using loop::imm;
using loop::Type;
using loop::var;

TEST(Identifier, HoldsNothingButLettersDigitsAndUnderscores) {
  EXPECT_EQ(identifier("model/conv2d/Conv2D;x"), "model_conv2d_Conv2D_x");
  EXPECT_EQ(identifier("1x1"), "n1x1");
  EXPECT_EQ(identifier(""), "unnamed");
  EXPECT_EQ(identifier("*/ int main(void) {"), "int_main_void");
  EXPECT_EQ(identifier("while"), "while_");
  EXPECT_EQ(identifier("\xc3\xa9t\xc3\xa9"), "t");
  EXPECT_LE(identifier(std::string(1000, 'a')).size(), 63u);
}

loop::Program shift() {
  loop::Program p;
  p.name = "shift";
  p.title = "a shift by one";
  p.buffers = {loop::input("x", Type::kI8, {2, 4}), loop::output("y", Type::kI8, {2, 6}),
               loop::constant("gain", Type::kI32, {2}, to_bytes(std::vector<int32_t>{3, INT32_MIN}))};
  const loop::Expr value = loop::load_or("x", {var("r"), var("i") - 1}, imm(-7)) * loop::load("gain", {var("r")});
  p.body = {
      loop::loop("r", 2, {loop::loop("i", 6, {loop::store("y", {var("r"), var("i")}, loop::clamp(value, 0, 100))})})};
  return p;
}

TEST(Emit, TestsOnlyIndicesThatCanLeaveTheBuffer) {
  const std::string text = emit_kernel(shift());
  EXPECT_NE(text.find("(uint32_t)(i - 1) < 4u ? x[i + 4 * r - 1] : (-7)"), std::string::npos) << text;
  EXPECT_EQ(text.find("r) < 2"), std::string::npos) << text;
  EXPECT_NE(text.find("static const int32_t shift_gain[2]"), std::string::npos) << text;
  EXPECT_NE(text.find("INT32_MIN"), std::string::npos) << text;
  EXPECT_EQ(prototype(shift()), "void shift(const int8_t *restrict x, int8_t *restrict y)");
}

TEST(Emit, HelpersComeOnlyWhenUsed) {
  const std::string text = emit_kernel(shift());
  EXPECT_NE(text.find("mote_min"), std::string::npos);
  EXPECT_EQ(text.find("mote_smlad"), std::string::npos);
  EXPECT_EQ(text.find("mote_read32"), std::string::npos);
}

TEST(Emit, ConstantsMayStandElsewhere) {
  const loop::Program p = shift();
  EXPECT_NE(emit_kernel(p, false).find("extern const int32_t shift_gain[2];"), std::string::npos);
  EXPECT_EQ(emit_constant(p, p.buffer("gain")), "const int32_t shift_gain[2] = {\n    3, INT32_MIN,\n};\n");
}

TEST(Emit, LocalsThatAreAccessedAtConstantsAreScalars) {
  loop::Program p;
  p.name = "sum";
  p.buffers = {loop::input("x", Type::kI32, {4}), loop::output("y", Type::kI32, {1}),
               loop::local("acc", Type::kI32, {2})};
  p.body = {loop::store("acc", {0}, imm(0)), loop::store("acc", {1}, imm(1)),
            loop::loop("i", 4, {loop::store("acc", {0}, loop::load("acc", {0}) + loop::load("x", {var("i")}))}),
            loop::store("y", {0}, loop::load("acc", {0}) + loop::load("acc", {1}))};
  const std::string text = emit_kernel(p);
  EXPECT_NE(text.find("int32_t acc_0, acc_1;"), std::string::npos) << text;
  EXPECT_NE(text.find("acc_0 = acc_0 + x[i];"), std::string::npos) << text;
}

TEST(Emit, WorkspaceIsCutIntoAlignedParts) {
  loop::Program p;
  p.name = "scratch";
  p.buffers = {loop::input("x", Type::kI8, {1}), loop::output("y", Type::kI8, {1}),
               loop::workspace("a", Type::kI8, {3}), loop::workspace("b", Type::kI32, {2}, 8)};
  p.body = {loop::store("a", {0}, imm(1)), loop::store("b", {0}, imm(2)), loop::store("y", {0}, loop::load("x", {0}))};
  EXPECT_EQ(p.workspace_bytes(), 16u);
  const std::string text = emit_kernel(p);
  EXPECT_NE(text.find("int32_t *const b = (int32_t *)(void *)((uint8_t *)workspace + 8);"), std::string::npos) << text;
}

}  // namespace
}  // namespace mote::codegen
