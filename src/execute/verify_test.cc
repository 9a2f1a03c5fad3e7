#include "execute/verify.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "ir/text.h"
#include "reference/interpret.h"

namespace mote::execute {
namespace {

/// Two operators, of int8 or of floats.
std::string model_of(const std::string& type) {
  const std::string quant = type == "i8" ? " quant=0.5:0" : "";
  std::string text = "graph \"two\"\ninputs 0\noutputs 2\n";
  for (int i = 0; i < 3; ++i) {
    const std::string number = std::to_string(i);
    text += "tensor " + number + " \"t" + number + "\" " + type + " 1x1x1x6" + quant + " source=" + number + "\n";
  }
  return text + "op 0 add 0 0 -> 1 source=0\nop 1 mul 1 1 -> 2 source=1\n";
}

/// What verify() says of a board that computes as the reference does, but for what `spoil` does to the output of
/// operator 1.
Verification verified(const std::string& type, const Bytes& input, const std::function<void(Bytes&)>& spoil) {
  const ir::Graph model = ir::parse(model_of(type), "two");
  deploy::Library library;
  library.network.graph = model;
  const RunModel run = [&](const std::vector<Bytes>& inputs, const Observer& observer) {
    std::vector<Bytes> values = reference::interpret(library.network.graph, inputs);
    spoil(values[2]);
    observer(0, values[1]);
    observer(1, values[2]);
    return Inference{{values[2]}, {1, 1}};
  };
  return verify(run, library, model, {input});
}

const Bytes kIntegers = to_bytes(std::vector<int8_t>{1, 2, 3, -4, 5, 6});
const Bytes kFloats = to_bytes(std::vector<float>{1, 2, 3, -4, 5, 10});

void set_float(Bytes& bytes, size_t index, float value) {
  std::vector<float> values = to_values<float>(bytes);
  values[index] = value;
  bytes = to_bytes(values);
}

TEST(Verify, TheSameBytesAreBitExact) {
  for (const bool floats : {false, true}) {
    const Verification result = verified(floats ? "f32" : "i8", floats ? kFloats : kIntegers, [](Bytes&) {});
    EXPECT_TRUE(result.bit_exact());
    EXPECT_TRUE(result.ok());
    ASSERT_EQ(result.operators.size(), 2u);
    EXPECT_EQ(result.operators[1].tensor, "t2");
    EXPECT_EQ(result.operators[1].max_abs_diff, 0);
    EXPECT_FALSE(result.operators[1].first);
    EXPECT_TRUE(result.vanished.empty());
  }
}

TEST(Verify, TheFirstDifferenceIsNamedAndTheLargest) {
  int8_t expected = 0;
  const Verification result = verified("i8", kIntegers, [&](Bytes& bytes) {
    std::vector<int8_t> values = to_values<int8_t>(bytes);
    expected = values[3];
    values[3] = static_cast<int8_t>(values[3] - 1);
    values[5] = static_cast<int8_t>(values[5] - 7);
    bytes = to_bytes(values);
  });
  EXPECT_FALSE(result.ok());
  EXPECT_TRUE(result.operators[0].bit_exact);
  const Comparison& bad = result.operators[1];
  EXPECT_FALSE(bad.bit_exact);
  EXPECT_FALSE(bad.within_tolerance) << "one off is off, for integers";
  ASSERT_TRUE(bad.first);
  EXPECT_EQ(bad.first->index, 3u);
  EXPECT_EQ(bad.first->expected, expected);
  EXPECT_EQ(bad.first->got, expected - 1);
  EXPECT_EQ(bad.max_abs_diff, 7);
}

// The largest value is (2 * 10) squared.
TEST(Verify, FloatsMayDifferByTheirTolerance) {
  const double most = kFloatTolerance * 400;
  const auto spoiled_by = [&](double difference) {
    return verified("f32", kFloats, [&](Bytes& bytes) { set_float(bytes, 0, static_cast<float>(4 + difference)); });
  };
  const Verification near = spoiled_by(0.9 * most), far = spoiled_by(-1.1 * most);
  EXPECT_TRUE(near.ok());
  EXPECT_FALSE(near.bit_exact());
  EXPECT_FALSE(near.operators[1].first) << "nothing is beyond the tolerance";
  EXPECT_FALSE(far.ok());
  ASSERT_TRUE(far.operators[1].first);
  EXPECT_EQ(far.operators[1].first->index, 0u);
  EXPECT_EQ(far.operators[1].first->expected, 4);
}

TEST(Verify, WhatIsNoNumberDiffers) {
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const Verification result = verified("f32", kFloats, [&](Bytes& bytes) { set_float(bytes, 4, wrong); });
    EXPECT_FALSE(result.ok());
    ASSERT_TRUE(result.operators[1].first);
    EXPECT_EQ(result.operators[1].first->index, 4u);
  }
}

}  // namespace
}  // namespace mote::execute
