#include "ir/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/text.h"

namespace mote::ir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// verify() of `text` with `from` replaced by `to`.
std::vector<std::string> problems_with(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return verify(parse(text, "test"));
}

constexpr const char* kConv = R"(graph "g"
inputs 0
outputs 3
tensor 0 "x" i8 1x4x4x2 quant=0.5:3
tensor 1 "w" i8 2x3x3x2 quant=0.1,0.2:0,0/0 data=000000000000000000000000000000000000000000000000000000000000000000000000
tensor 2 "b" i32 2 data=0000000000000000
tensor 3 "y" i8 1x2x2x2 quant=1:-128
op 0 conv_2d 0 1 2 -> 3 stride=1x1 padding=0,0,0,0 clamp=-128..127
)";

TEST(Verify, NamesTheOperatorAndWhatIsWrong) {
  EXPECT_THAT(verify(parse(kConv, "test")), IsEmpty());
  const auto expect = [](const std::string& from, const std::string& to, const std::string& message) {
    EXPECT_THAT(problems_with(kConv, from, to), ElementsAre("op 0 conv_2d \"x\" \"w\" \"b\" -> \"y\": " + message));
  };
  expect("stride=1x1", "stride=0x1", "its stride 0x1 is not between 1x1 and 65536x65536");
  expect("stride=1x1", "stride=2x1", "its output 1x2x2x2 should be 1x1x2 over channels");
  expect("padding=0", "padding=-1", "its padding of -1 is not in [0, 65536]");
  expect("padding=0", "padding=1", "its output 1x2x2x2 should be 1x3x2 over channels");
  expect("clamp=-128..", "clamp=-128.5..", "its clamp -128.5..127 is not between int8 values");
  expect("clamp=-128..127", "clamp=5..4", "its clamp 5..4 is empty");
  expect("1x4x4x2", "1x4x4x1", "its weights 2x3x3x2 do not take 1 channels to 2");
  expect("1x4x4x2", "4x4x2", "\"x\" (i8 4x4x2) must have 4 dimensions");
  expect("quant=0.1,0.2:0,0/0", "quant=0.1,0.2:0,0/3", "the scales of \"w\" (i8 2x3x3x2) go along dimension 3, not 0");
  expect("quant=0.1,0.2:0,0/0", "quant=0.1:4", "the zero point of \"w\" (i8 2x3x3x2) is not 0");
  expect("quant=0.1,0.2:0,0/0 ", "", "its weights \"w\" (i8 2x3x3x2) have no scale");
  expect(" quant=0.5:3", "", "\"x\" (i8 1x4x4x2) must have one scale");
  expect("quant=1:-128", "quant=1e-30:0", "its scales ask for a factor of 1e+29, which is 2^30 or more");
}

TEST(Verify, ChecksTensorsAndWiring) {
  const auto expect = [](const std::string& from, const std::string& to, const std::string& message) {
    EXPECT_THAT(problems_with(kConv, from, to), testing::Contains(message));
  };
  expect("quant=1:-128", "quant=1:-128 channels=0,2,4",
         "tensor 3 \"y\": it names 3 channels of its source and has another number");
  expect("quant=1:-128", "quant=1:-128 channels=2,2", "tensor 3 \"y\": the channels of its source are not ascending");
  expect("i32 2 data=00", "i32 2 data=", "tensor 2 \"b\": it holds 7 bytes of data, not 8");
  expect("1x4x4x2", "1x4x0x2", "tensor 0 \"x\": a dimension of 0 is not in [1, 16777216]");
  expect("1x4x4x2", "16777216x16777216x4x2", "tensor 0 \"x\": it is larger than 2 GiB");
  expect("quant=0.5:3", "quant=-1:3", "tensor 0 \"x\": its scale -1 is not positive and finite");
  expect("quant=0.5:3", "quant=nan:3", "tensor 0 \"x\": its scale nan is not positive and finite");
  expect("quant=0.5:3", "quant=0.5:128", "tensor 0 \"x\": its zero point 128 is not in [-128, 127]");
  expect("quant=0.5:3", "quant=:", "tensor 0 \"x\": its quantisation has no scale");
  expect(":0,0/0", ":0,1/0", "tensor 1 \"w\": with a scale per channel, zero points must be 0");
  expect(":0,0/0", ":0,0/4", "tensor 1 \"w\": its quantised axis 4 is not one of its 4 dimensions");
  expect(":0,0/0", ":0,0/1", "tensor 1 \"w\": it has 2 scales for 3 channels");
  expect("inputs 0", "inputs 9", "graph input 0: there is no tensor 9");
  expect("inputs 0", "inputs 0 0", "graph input 1: tensor \"x\" is a graph input twice");
  expect("inputs 0", "inputs 0 1", "graph input 1: tensor \"w\" is a constant");
  expect("inputs 0", "inputs",
         "op 0 conv_2d \"x\" \"w\" \"b\" -> \"y\": it reads tensor \"x\", which nothing has written yet");
  expect("outputs 3", "outputs -1", "graph output 0: there is no tensor -1");
  expect("0 1 2 -> 3", "0 1 2 -> 7", "op 0 conv_2d \"x\" \"w\" \"b\" -> 7: there is no tensor 7");
  expect("0 1 2 -> 3", "0 1 2 -> 0", "graph output 0: nothing writes tensor \"y\"");
  expect("0 1 2 -> 3", "0 1 77 -> 3", "op 0 conv_2d \"x\" \"w\" 77 -> \"y\": there is no tensor 77");
  expect("0 1 2 -> 3", "0 - 2 -> 3", "op 0 conv_2d \"x\" - \"b\" -> \"y\": operand 1 is absent");
  expect("0 1 2 -> 3", "0 -> 3", "op 0 conv_2d \"x\" -> \"y\": it has 1 operands, not 2 to 3");
}

/// One operator on x, i8 1x4x4x2 0.5:3, giving y.
std::string one_operator(const std::string& y, const std::string& op) {
  return "inputs 0\noutputs 1\ntensor 0 \"x\" i8 1x4x4x2 quant=0.5:3\ntensor 1 \"y\" " + y + "\nop 0 " + op + "\n";
}

TEST(Verify, ChecksEveryKindOfOperator) {
  const auto expect = [](const std::string& y, const std::string& op, const std::string& part) {
    const std::vector<std::string> problems = verify(parse(one_operator(y, op), "test"));
    if (part.empty()) {
      EXPECT_THAT(problems, IsEmpty()) << op;
    } else {
      EXPECT_THAT(problems, ElementsAre(HasSubstr(part))) << op;
    }
  };
  const std::string same = " quant=0.5:3";
  expect("i8 1x2x2x2" + same, "average_pool_2d 0 -> 1 window=2x2 stride=2x2", "");
  expect("i8 1x2x2x2 quant=0.5:4", "average_pool_2d 0 -> 1 window=2x2 stride=2x2",
         "the quantisation of \"x\", 0.5:3, is not that");
  expect("i8 1x2x2x2 quant=1:0", "max_pool_2d 0 -> 1 window=2x2 stride=2x2 computed=0.5:3", "");
  expect("i8 1x5x5x2" + same, "max_pool_2d 0 -> 1 window=1x1 padding=1,0,1,0", "a window covers nothing but padding");
  expect("i8 1x5x5x2" + same, "max_pool_2d 0 -> 1 window=1x1 padding=0,1,0,1", "a window covers nothing but padding");
  expect("i8 1x2x2x1" + same, "max_pool_2d 0 -> 1 window=2x2 stride=2x2", "its output has 1 channels, not 2");
  expect("i8 1x2 quant=1:0", "mean 0 -> 1 axes=1,2", "");
  expect("i8 1x1x1x2 quant=1:0", "mean 0 -> 1 axes=1,2", "");
  expect("i8 1x1x2 quant=1:0", "mean 0 -> 1 axes=1,2", "its output is 1x1x2, neither 1x1x1x2 nor 1x2");
  expect("i8 1x2 quant=1:0", "mean 0 -> 1 axes=2,1", "its axes 2,1 are not ascending dimensions of 1x4x4x2");
  expect("i8 1x2 quant=1:0", "mean 0 -> 1 axes=1,4", "are not ascending dimensions");
  expect("i8 1x4x4x2 quant=0.00390625:-128", "softmax 0 -> 1", "");
  expect("i8 1x4x4x2 quant=0.00390625:0", "softmax 0 -> 1", "is not 1/256:-128");
  expect("i8 1x4x4x2 quant=0.00390625:-128", "softmax 0 -> 1 beta=nan", "its beta nan is not finite");
  expect("i8 1x4x4x2 quant=0.00390625:-128", "softmax 0 -> 1 beta=1e-9", "is not above 2^-26");
  expect("i8 1x4x4x2 quant=0.00390625:0", "logistic 0 -> 1", "its output's zero point 0 is not -128");
  expect("i8 1x4x4x2 quant=1:0", "tanh 0 -> 1", "");
  expect("f32 1x4x4x2", "tanh 0 -> 1", "the types of \"x\" (i8 1x4x4x2) and \"y\" (f32 1x4x4x2) differ");
  expect("i8 1x4x4x1" + same, "relu 0 -> 1 kind=relu6", "its output is 1x4x4x1, not 1x4x4x2");
  expect("i8 1x5x6x2" + same, "pad 0 -> 1 before=0,1,2,0 after=0,0,0,0 value=3", "");
  expect("i8 1x5x6x2" + same, "pad 0 -> 1 before=0,1,2 after=0,0,0,0", "it pads 3 and 4 dimensions of 4");
  expect("i8 1x5x6x2" + same, "pad 0 -> 1 before=0,1,2,0 after=0,0,0,0 value=128", "its value 128 is no int8");
  expect("i8 1x5x6x2" + same, "pad 0 -> 1 before=0,1,2,-1 after=0,0,0,1", "its padding -1 and 1 is not in");
  expect("i8 32" + same, "reshape 0 -> 1", "");
  expect("i8 31" + same, "reshape 0 -> 1", "do not have as many elements");
  expect("i8 1x4x8x2" + same, "concat 0 0 -> 1 axis=2", "");
  expect("i8 1x4x8x2 quant=0.25:3", "concat 0 0 -> 1 axis=2", "the quantisation of \"x\"");
  expect("i8 1x4x8x2" + same, "concat 0 0 -> 1 axis=4", "there is no axis 4");
  expect("i8 1x4x8x2" + same, "concat -> 1 axis=2", "it has 0 operands, not 1");
  expect("i8 1x8x4x4" + same, "insert 0 - -> 1 begin=0,4,0,2", "");
  expect("i8 1x8x4x4" + same, "insert 0 - -> 1 begin=0,5,0,2", "from 0x5x0x2 on is not within");
  expect("i8 1x8x4x4" + same, "insert 0 - -> 1 begin=0,4,0", "it begins at 3 places of");
  expect("i8 1x8x4x4 quant=1:0", "insert 0 - -> 1 begin=0,4,0,2", "the quantisation of \"x\"");
  expect("i8 1x4x4x2" + same, "insert 0 0 -> 1 begin=0,0,0,0",
         "is not the output of an insert that nothing else reads");
  expect("i8 1x4x4x2 quant=1:0", "quantize 0 -> 1", "");
  expect("f32 1x4x4x2", "quantize 0 -> 1", "is not i8");
  expect("f32 1x4x4x2", "dequantize 0 -> 1", "");
  expect("i8 1x4x4x2 quant=1:0", "dequantize 0 -> 1", "it does not take i8 to f32");
  expect("i32 1x4x4x2", "dequantize 0 -> 1", "is neither i8 nor f32");
  expect("i8 1x4x4x2 quant=1:0", "lookup 0 -> 1", "");
  expect("f32 1x4x4x2", "dequantize 0 -> 1 computed=1:0", "a fused table needs an i8 output");
  expect("i8 1x4x4x2 quant=1:0", "relu 0 -> 1 computed=0:0", "the quantisation it computes in, 0:0,");
  expect("i8 1x4x4x2 quant=1:0", "add 0 0 -> 1", "");
  expect("i8 1x4x4x2 quant=1e-7:0", "add 0 0 -> 1", "is too small for operands of scale 0.5");
  expect("i8 1x4x4x2 quant=1e-20:0", "mul 0 0 -> 1", "its scales ask for a factor");
  expect("i8 1x4x4x1 quant=1:0", "mul 0 0 -> 1", "its output is 1x4x4x1, not 1x4x4x2");
}

TEST(Verify, OfAnInsertNothingIsReadButByTheNext) {
  const std::string text =
      "graph \"g\"\ninputs 0\noutputs 2\ntensor 0 \"x\" f32 1x2\ntensor 1 \"half\" f32 2x2\ntensor 2 \"y\" f32 2x2\n"
      "op 0 insert 0 - -> 1 begin=0,0\nop 1 insert 0 1 -> 2 begin=1,0\n";
  EXPECT_THAT(verify(parse(text, "test")), IsEmpty());
  EXPECT_THAT(problems_with(text, "outputs 2", "outputs 1 2"), ElementsAre(HasSubstr("that nothing else reads")));
  EXPECT_THAT(problems_with(text, "0 1 -> 2", "1 1 -> 2"), ElementsAre(HasSubstr("is not within")));
  EXPECT_THAT(problems_with(text, "f32 1x2", "f32 1x3"), testing::Contains(HasSubstr("is not within")));
}

TEST(Verify, ChecksWeights) {
  const std::string dense = R"(inputs 0
outputs 3
tensor 0 "x" f32 2x3
tensor 1 "w" f32 1x3 data=000000000000000000000000
tensor 2 "b" f32 1 data=00000000
tensor 3 "y" f32 2x1
op 0 dense 0 1 2 -> 3
)";
  EXPECT_THAT(verify(parse(dense, "test")), IsEmpty());
  const auto expect = [&](const std::string& from, const std::string& to, const std::string& part) {
    EXPECT_THAT(problems_with(dense, from, to), ElementsAre(HasSubstr(part)));
  };
  expect("f32 2x3", "f32 2x4", "is no whole number of rows of 3");
  expect("f32 2x1", "f32 1x1", "its output 1x1 should be 2x1");
  expect("f32 1 data=00000000", "i32 1 data=00000000", "is not one f32 per output channel");
  expect("f32 1 data=00000000", "f32 2 data=0000000000000000", "is not one f32 per output channel");
}

}  // namespace
}  // namespace mote::ir
