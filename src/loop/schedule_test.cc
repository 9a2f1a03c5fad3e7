// Every primitive keeps the meaning of a program, and refuses what it cannot show to be right.
#include "loop/schedule.h"

#include <gtest/gtest.h>

#include <functional>

#include "loop/build.h"
#include "loop/evaluate.h"
#include "support/random.h"

namespace mote::loop {
namespace {

constexpr int64_t kRows = 6, kColumns = 4, kDepth = 10;

/// y[r][c] = bias[c] + sum over k of x[r][k] * w[c][k], on int8 with int32 results.
Program product(uint64_t seed) {
  Random random(seed);
  Bytes weights(kColumns * kDepth), bias(kColumns * 4);
  random.fill(weights);
  random.fill(bias);
  Program p;
  p.name = "product";
  p.buffers = {input("x", Type::kI8, {kRows, kDepth}), output("y", Type::kI32, {kRows, kColumns}),
               constant("w", Type::kI8, {kColumns, kDepth}, weights), constant("bias", Type::kI32, {kColumns}, bias),
               local("acc", Type::kI32, {})};
  const Expr acc = load("acc", {});
  const Expr term = load("x", {var("r"), var("k")}) * load("w", {var("c"), var("k")});
  p.body = {loop("r", kRows,
                 {loop("c", kColumns,
                       {store("acc", {}, load("bias", {var("c")})), loop("k", kDepth, {store("acc", {}, acc + term)}),
                        store("y", {var("r"), var("c")}, acc)})})};
  return p;
}

Bytes result_of(const Program& p, uint64_t seed) {
  Random random(seed);
  Bytes x(kRows * kDepth);
  random.fill(x);
  return evaluate(p, {{"x", x}}).at("y");
}

struct Case {
  std::string name;
  std::function<void(Program*)> schedule;
};

void tile(Program* p) {
  split(p, "r", 3, "r_o", "r_i");
  split(p, "c", 2, "c_o", "c_i");
  reorder(p, "r_i", "c_o");
  distribute(p, "c_i");
  distribute(p, "r_i");
}

void innermost_tile(Program* p) {
  tile(p);
  move_inward(p, "c_i", {"k"});
  move_inward(p, "r_i", {"k"});
}

void pairs(Program* p) {
  tile(p);
  stage(p, "r_o", "x", "wide", Buffer::Kind::kWorkspace, Type::kI16, 0, {"r_i", "k"});
  widen(p, "w", Type::kI16);
  split(p, "k", 2, "k_o", "k_i");
  move_inward(p, "c_i", {"k_o", "k_i"});
  move_inward(p, "r_i", {"k_o", "k_i"});
  move_inward(p, "k_i", {"r_i", "c_i"});
  tensorize_smlad(p, "k_i");
}

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases{
      {"split", [](Program* p) { split(p, "k", 5, "k_o", "k_i"); }},
      {"peel", [](Program* p) { peel(p, "k", 3, "k_rest"); }},
      {"peel_then_split",
       [](Program* p) {
         peel(p, "k", 8, "k_rest");
         split(p, "k", 4, "k_o", "k_i");
       }},
      {"reorder", [](Program* p) { reorder(p, "r", "c"); }},
      {"unroll", [](Program* p) { unroll(p, "k"); }},
      {"distribute", [](Program* p) { distribute(p, "c"); }},
      {"tile", tile},
      {"innermost_tile", innermost_tile},
      {"unrolled_tile",
       [](Program* p) {
         innermost_tile(p);
         unroll(p, "c_i");
         unroll(p, "r_i");
       }},
      {"pack",
       [](Program* p) {
         pack(p, "w", {{1, 0}, {0, 0}});
       }},
      {"pack_in_pairs",
       [](Program* p) {
         split(p, "k", 2, "k_o", "k_i");
         split(p, "c", 2, "c_o", "c_i");
         pack(p, "w", {{0, 0}, {1, 0}, {1, 2}, {0, 2}});
       }},
      {"pack_with_padding",
       [](Program* p) {
         split(p, "c", 2, "c_o", "c_i");
         pack(p, "w", {{1, 0}, {0, 4}, {0, 2}});
       }},
      {"flatten_and_fuse",
       [](Program* p) {
         split(p, "k", 5, "k_o", "k_i");
         fuse(p, "k_o", "k_i", "k");
         flatten(p, "y", 0);
       }},
      {"stage", [](Program* p) { stage(p, "r", "x", "row", Buffer::Kind::kLocal, Type::kI8, 0, {"k"}); }},
      {"stage_as_int16", [](Program* p) { stage(p, "r", "x", "row", Buffer::Kind::kWorkspace, Type::kI16, 0, {"k"}); }},
      {"widen", [](Program* p) { widen(p, "w", Type::kI16); }},
      {"pad_reduction",
       [](Program* p) {
         stage(p, "r", "x", "row", Buffer::Kind::kWorkspace, Type::kI16, 0, {"k"});
         pad_reduction(p, "k", 12);
       }},
      {"tensorize", pairs},
      {"tensorize_unrolled",
       [](Program* p) {
         pairs(p);
         for (const char* v : {"k_o", "r_i", "c_i"}) unroll(p, v);
       }},
  };
  return kCases;
}

class Primitive : public ::testing::TestWithParam<Case> {};

TEST_P(Primitive, KeepsTheMeaning) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const Program before = product(seed);
    Program after = before;
    GetParam().schedule(&after);
    EXPECT_EQ(result_of(after, seed + 100), result_of(before, seed + 100)) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Primitive, ::testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

void expect_refused(const std::function<void(Program*)>& schedule, const std::string& reason) {
  Program p = product(1);
  try {
    schedule(&p);
    ADD_FAILURE() << "not refused: " << reason;
  } catch (const ScheduleError& error) {
    EXPECT_NE(std::string(error.what()).find(reason), std::string::npos) << error.what();
  }
}

TEST(Schedule, RefusesWhatItCannotDo) {
  expect_refused([](Program* p) { split(p, "k", 3, "a", "b"); }, "does not divide");
  expect_refused([](Program* p) { split(p, "none", 1, "a", "b"); }, "no loop none");
  expect_refused([](Program* p) { peel(p, "k", kDepth, "rest"); }, "peel");
  expect_refused([](Program* p) { reorder(p, "c", "k"); }, "does not stand alone");
  expect_refused([](Program* p) { fuse(p, "r", "c", "rc"); }, "other than as one");
  expect_refused([](Program* p) { flatten(p, "y", 1); }, "no dimension");
  expect_refused([](Program* p) { pack(p, "x", {{0, 0}, {1, 0}}); }, "not a constant");
  expect_refused([](Program* p) { pack(p, "w", {{0, 0}}); }, "missing");
  expect_refused([](Program* p) { pack(p, "w", {{0, 0}, {1, 0}, {1, 2}}); }, "does not follow the layout");
  expect_refused([](Program* p) { stage(p, "r", "w", "t", Buffer::Kind::kLocal, Type::kI8, 0, {"none"}); },
                 "no loop none");
  expect_refused([](Program* p) { stage(p, "r", "bias", "t", Buffer::Kind::kLocal, Type::kI8, 0, {}); },
                 "depends on c");
  expect_refused([](Program* p) { tensorize_smlad(p, "k"); }, "not a loop over 2");
  expect_refused([](Program* p) { pad_reduction(p, "k", 12); }, "not ours to grow");
}

TEST(Schedule, ReorderRefusesARecurrence) {
  // y[i + 1] = y[i] + x[i] in two nested loops: the order of the iterations matters.
  Program p;
  p.name = "recurrence";
  p.buffers = {input("x", Type::kI32, {4}), output("y", Type::kI32, {5})};
  const Affine i = var("a") * 2 + var("b");
  p.body = {loop("a", 2, {loop("b", 2, {store("y", {i + 1}, load("y", {i}) + load("x", {i}))})})};
  EXPECT_THROW(reorder(&p, "a", "b"), ScheduleError);
}

TEST(Affine, DividesWhereTheRestStaysWithinOnePeriod) {
  const Extents extents{{"a", 5}, {"b", 4}};
  Affine quotient, remainder;
  ASSERT_TRUE(divide(var("a") * 4 + var("b") + 8, 4, extents, &quotient, &remainder));
  EXPECT_EQ(quotient, var("a") + 2);
  EXPECT_EQ(remainder, var("b"));
  EXPECT_FALSE(divide(var("a") * 4 + var("b") + 1, 4, extents, &quotient, &remainder));
  EXPECT_FALSE(divide(var("a") * 3, 4, extents, &quotient, &remainder));
}

TEST(Load, OutsideTakesTheOtherValue) {
  Program p;
  p.name = "shift";
  p.buffers = {input("x", Type::kI8, {4}), output("y", Type::kI8, {6})};
  p.body = {loop("i", 6, {store("y", {var("i")}, load_or("x", {var("i") - 1}, imm(-7)))})};
  const std::vector<int8_t> x{1, 2, 3, 4}, expected{-7, 1, 2, 3, 4, -7};
  EXPECT_EQ(to_values<int8_t>(evaluate(p, {{"x", to_bytes(x)}}).at("y")), expected);
}

}  // namespace
}  // namespace mote::loop
