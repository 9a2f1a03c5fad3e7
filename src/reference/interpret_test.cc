// Small cases worked out by hand, on graphs in text form.
#include "reference/interpret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/text.h"
#include "ir/verify.h"
#include "support/error.h"

namespace mote::reference {
namespace {

using testing::ElementsAre;

/// The output of the one operator of a graph: tensors 0 .. n-1 are its inputs.
template <typename T>
std::vector<T> run(const std::string& text, const std::vector<Bytes>& inputs) {
  const ir::Graph graph = ir::parse(text, "test");
  EXPECT_EQ(ir::verify(graph), std::vector<std::string>{}) << text;
  return to_values<T>(interpret(graph, inputs).at(static_cast<size_t>(graph.outputs.at(0))));
}

Bytes i8(std::vector<int8_t> values) {
  return to_bytes(values);
}
Bytes f32(std::vector<float> values) {
  return to_bytes(values);
}

TEST(Interpret, ConvolutionPadsWithRealZero) {
  // 3x1 kernel (1 2 3) over (x - 10), padded by one on both sides; bias 100, factor 0.5, zero point -1.
  const std::string text = R"(inputs 0
outputs 3
tensor 0 "x" i8 1x3x1x1 quant=0.5:10
tensor 1 "w" i8 1x3x1x1 quant=1:0 data=010203
tensor 2 "b" i32 1 data=64000000
tensor 3 "y" i8 1x3x1x1 quant=1:-1
op 0 conv_2d 0 1 2 -> 3 padding=1,1,0,0 clamp=-128..57
)";
  // Sums: 0*1+1*2+2*3+100 = 108, 1+4+9+100 = 114, 2+6+100 = 108; halves less one, the clamp last.
  EXPECT_THAT(run<int8_t>(text, {i8({11, 12, 13})}), ElementsAre(53, 56, 53));
  EXPECT_THAT(run<int8_t>(text, {i8({20, 12, 13})}), ElementsAre(57, 57, 53)) << "the clamp holds";
}

TEST(Interpret, ConvolutionStridesAndDilates) {
  const std::string text = R"(inputs 0
outputs 2
tensor 0 "x" f32 1x1x7x1
tensor 1 "w" f32 1x1x2x1 data=0000803f00000040
tensor 2 "y" f32 1x1x2x1
op 0 conv_2d 0 1 -> 2 stride=1x3 dilation=1x3
)";
  EXPECT_THAT(run<float>(text, {f32({1, 2, 3, 4, 5, 6, 7})}), ElementsAre(1 + 2 * 4, 4 + 2 * 7));
}

TEST(Interpret, DepthwiseChannelsFollowTheirInput) {
  // Two channels, multiplier 2: outputs are a*1, a*2, b*3, b*4.
  const std::string text = R"(inputs 0
outputs 2
tensor 0 "x" i8 1x1x1x2 quant=1:0
tensor 1 "w" i8 1x1x1x4 quant=1:0 data=01020304
tensor 2 "y" i8 1x1x1x4 quant=1:0
op 0 depthwise_conv_2d 0 1 - -> 2 multiplier=2
)";
  EXPECT_THAT(run<int8_t>(text, {i8({5, -7})}), ElementsAre(5, 10, -21, -28));
}

TEST(Interpret, DenseHasRowsAndScalesPerChannel) {
  const std::string text = R"(inputs 0
outputs 2
tensor 0 "x" i8 2x2 quant=1:0
tensor 1 "w" i8 2x2 quant=1,0.5:0,0/0 data=01010202
tensor 2 "y" i8 2x2 quant=1:0
op 0 dense 0 1 -> 2
)";
  EXPECT_THAT(run<int8_t>(text, {i8({1, 2, 3, -50})}), ElementsAre(3, 3, -47, -47));
}

TEST(Interpret, AddAndMulBroadcast) {
  const std::string add = R"(inputs 0 1
outputs 2
tensor 0 "a" i8 2x1x2 quant=1:1
tensor 1 "b" i8 3x1 quant=0.5:0
tensor 2 "y" i8 2x3x2 quant=1:0
op 0 add 0 1 -> 2
)";
  EXPECT_THAT(run<int8_t>(add, {i8({1, 2, 3, 4}), i8({0, 20, 40})}),
              ElementsAre(0, 1, 10, 11, 20, 21, 2, 3, 12, 13, 22, 23));
  const std::string mul = R"(inputs 0 1
outputs 2
tensor 0 "a" f32 2x2
tensor 1 "b" f32 scalar
tensor 2 "y" f32 2x2
op 0 mul 0 1 -> 2 clamp=0..6
)";
  EXPECT_THAT(run<float>(mul, {f32({-1, 1, 2, 4}), f32({2})}), ElementsAre(0, 2, 4, 6));
}

TEST(Interpret, PoolsLeaveThePaddingOut) {
  const auto pool = [](const std::string& kind) {
    return R"(inputs 0
outputs 1
tensor 0 "x" i8 1x1x3x1 quant=1:-5
tensor 1 "y" i8 1x1x2x1 quant=1:-5
op 0 )" + kind +
           " 0 -> 1 window=1x2 stride=1x2 padding=0,0,1,0\n";
  };
  EXPECT_THAT(run<int8_t>(pool("average_pool_2d"), {i8({-7, -2, -3})}), ElementsAre(-7, -3))
      << "-2.5 goes away from zero";
  EXPECT_THAT(run<int8_t>(pool("max_pool_2d"), {i8({-7, -2, -3})}), ElementsAre(-7, -2));
}

TEST(Interpret, MeanDropsOrKeepsDimensions) {
  const std::string text = R"(inputs 0
outputs 1
tensor 0 "x" f32 2x2x2
tensor 1 "y" f32 2x2
op 0 mean 0 -> 1 axes=1
)";
  EXPECT_THAT(run<float>(text, {f32({1, 2, 3, 4, 5, 6, 7, 8})}), ElementsAre(2, 3, 6, 7));
  const std::string quantised = R"(inputs 0
outputs 1
tensor 0 "x" i8 1x2x2x1 quant=1:1
tensor 1 "y" i8 1x1x1x1 quant=0.5:-10
op 0 mean 0 -> 1 axes=1,2
)";
  EXPECT_THAT(run<int8_t>(quantised, {i8({1, 2, 3, 4})}), ElementsAre(3 - 10));
}

TEST(Interpret, SoftmaxRowsSumToOne) {
  const std::string text = R"(inputs 0
outputs 1
tensor 0 "x" i8 2x4 quant=0.1:0
tensor 1 "y" i8 2x4 quant=0.00390625:-128
op 0 softmax 0 -> 1
)";
  EXPECT_THAT(run<int8_t>(text, {i8({5, 5, 5, 5, 127, -128, -128, -128})}),
              ElementsAre(-64, -64, -64, -64, 127, -128, -128, -128));
}

TEST(Interpret, SoftmaxOfVeryManyEqualValuesLeavesNothing) {
  // The sum of their exponentials needs more integer bits than the reference has an exponent for.
  for (size_t size : {512u, 5000u}) {
    const std::string shape = "1x" + std::to_string(size);
    const std::string text = "inputs 0\noutputs 1\ntensor 0 \"x\" i8 " + shape + " quant=0.1:0\ntensor 1 \"y\" i8 " +
                             shape + " quant=0.00390625:-128\nop 0 softmax 0 -> 1\n";
    EXPECT_THAT(run<int8_t>(text, {Bytes(size)}), testing::Each(-128));
  }
}

TEST(Interpret, MovesBytes) {
  EXPECT_THAT(run<int8_t>("inputs 0\noutputs 1\ntensor 0 \"x\" i8 2x2 quant=1:0\ntensor 1 \"y\" i8 3x4 quant=1:0\n"
                          "op 0 pad 0 -> 1 before=1,0 after=0,2 value=9\n",
                          {i8({1, 2, 3, 4})}),
              ElementsAre(9, 9, 9, 9, 1, 2, 9, 9, 3, 4, 9, 9));
  EXPECT_THAT(
      run<float>("inputs 0 1\noutputs 2\ntensor 0 \"a\" f32 2x1\ntensor 1 \"b\" f32 2x2\ntensor 2 \"y\" f32 2x3\n"
                 "op 0 concat 0 1 -> 2 axis=1\n",
                 {f32({1, 2}), f32({3, 4, 5, 6})}),
      ElementsAre(1, 3, 4, 2, 5, 6));
  EXPECT_THAT(
      run<float>("inputs 0 1\noutputs 3\ntensor 0 \"a\" f32 2x1\ntensor 1 \"b\" f32 1x2\ntensor 2 \"part\" f32 2x3\n"
                 "tensor 3 \"y\" f32 2x3\nop 0 insert 0 - -> 2 begin=0,0\nop 1 insert 1 2 -> 3 begin=1,1\n",
                 {f32({1, 2}), f32({3, 4})}),
      ElementsAre(1, 0, 0, 2, 3, 4));
}

TEST(Interpret, QuantizesHalfAwayFromZeroAndSaturates) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(
      run<int8_t>("inputs 0\noutputs 1\ntensor 0 \"x\" f32 7\ntensor 1 \"y\" i8 7 quant=0.5:1\nop 0 quantize 0 -> 1\n",
                  {f32({0.25f, -0.25f, 0.2f, 1e30f, -1e30f, nan, 1})}),
      ElementsAre(2, 0, 1, 127, -128, 1, 3));
}

TEST(Interpret, AppliesTheFusedTableToWhatIsComputed) {
  // Computed in 1:0 the sum is 6; the table negates; the output's own scale plays no part.
  std::string negate;
  for (int i = 0; i < 256; ++i) {
    constexpr const char* kDigits = "0123456789abcdef";
    const int value = -(i - 128) & 255;
    negate += {kDigits[value / 16], kDigits[value % 16]};
  }
  EXPECT_THAT(run<int8_t>("inputs 0\noutputs 1\ntensor 0 \"x\" i8 1 quant=1:0\ntensor 1 \"y\" i8 1 quant=7:7\n"
                          "op 0 add 0 0 -> 1 computed=1:0 post=" +
                              negate + "\n",
                          {i8({3})}),
              ElementsAre(-6));
}

TEST(Interpret, RefusesInputsThatDoNotFit) {
  const ir::Graph graph = ir::parse(
      "graph \"g\"\ninputs 0\noutputs 1\ntensor 0 \"x\" f32 2\ntensor 1 \"y\" f32 2\nop 0 tanh 0 -> 1\n", "test");
  const auto error_of = [&](const std::vector<Bytes>& inputs) -> std::string {
    try {
      interpret(graph, inputs);
      return "none";
    } catch (const InputError& error) {
      return error.what();
    }
  };
  EXPECT_EQ(error_of({}), "g: takes 1 inputs, not 0");
  EXPECT_EQ(error_of({Bytes(7)}), "g: tensor 'x' (2 f32) takes 8 bytes, not 7");
  EXPECT_EQ(error_of({Bytes(8)}), "none");
  EXPECT_THROW(evaluate(graph, graph.operators[0], {}), InputError);
  EXPECT_THROW(evaluate(graph, graph.operators[0], {Bytes(4)}), InputError);
}

}  // namespace
}  // namespace mote::reference
