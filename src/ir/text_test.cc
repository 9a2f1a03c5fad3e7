#include "ir/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/random_graph.h"
#include "ir/verify.h"
#include "support/error.h"

namespace mote::ir {
namespace {

using testing::HasSubstr;

TEST(Text, RoundTripsRandomGraphs) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    Graph graph = random_graph(random);
    if (seed % 2 == 1) mutate(graph, random);
    if (seed % 5 == 0) graph.tensors.at(0).source_channels = {0, 2, 5};
    if (seed % 7 == 0) graph.name = "a \"quoted\\name\"\n\t\xff # end";
    const std::string text = print(graph, true);
    const Graph back = parse(text, "test");
    ASSERT_EQ(print(back, true), text);
    // NaN, which a mutation may have put in, differs from itself.
    const bool comparable = text.find("nan") == std::string::npos;
    ASSERT_TRUE(back == graph || !comparable) << text;
  }
}

Graph small_graph() {
  Graph graph;
  graph.name = "tiny";
  graph.tensors = {{"in", DType::kInt8, {1, 2, 2, 1}, Quantization{{0.5f}, {3}, 0}, {}, 4},
                   {"w",
                    DType::kInt8,
                    {2, 1, 1, 1},
                    Quantization{{0.25f, 0.125f}, {0, 0}, 0},
                    Bytes{std::byte{1}, std::byte{255}},
                    5},
                   {"out", DType::kInt8, {1, 2, 2, 2}, Quantization{{1}, {-128}, 0}, {}, 6}};
  graph.operators.push_back({.attributes = Conv2D{.clamp = {-128, 6}},
                             .inputs = {0, 1, kNoTensor},
                             .output = 2,
                             .source = {0, 1},
                             .source_macs = 8});
  graph.inputs = {0};
  graph.outputs = {2};
  return graph;
}

constexpr const char* kSmallText = R"(graph "tiny"
inputs 0
outputs 2
tensor 0 "in" i8 1x2x2x1 quant=0.5:3 source=4
tensor 1 "w" i8 2x1x1x1 quant=0.25,0.125:0,0/0 source=5 data=01ff
tensor 2 "out" i8 1x2x2x2 quant=1:-128 source=6
op 0 conv_2d 0 1 - -> 2 dilation=1x1 stride=1x1 padding=0,0,0,0 clamp=-128..6 source=0,1 macs=8
)";

TEST(Text, IsWhatTheHeaderSays) {
  EXPECT_EQ(print(small_graph(), true), kSmallText);
  EXPECT_EQ(parse(kSmallText, "test"), small_graph());
  EXPECT_EQ(verify(small_graph()), std::vector<std::string>{});
}

TEST(Text, ShortFormIsForPeople) {
  const std::string text = print(small_graph(), false);
  EXPECT_THAT(text, HasSubstr("quant=2-scales-0.125..0.25/0 source=5 data=2-bytes-"));
  EXPECT_THAT(text, HasSubstr("macs=8  # \"in\" 1x2x2x1 -> \"out\" 1x2x2x2\n"));
  Graph other = small_graph();
  other.tensors[1].data->back() = std::byte{7};
  EXPECT_NE(print(other, false), text) << "the digest follows the data";
  EXPECT_THROW(parse(text, "test"), InputError) << "a digest is no data";
}

std::string error_of(const std::string& text) {
  try {
    parse(text, "g.ir");
    return "none";
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(Text, ErrorsNameTheLine) {
  EXPECT_EQ(error_of("graph \"a\"\n\nfoo 1\n"), "g.ir:3: 'foo' is no item: graph, inputs, outputs, tensor or op");
  EXPECT_EQ(error_of("tensor 1 \"a\" i8 1"), "g.ir:1: number 1 should be 0");
  EXPECT_EQ(error_of("tensor 0 a i8 1"), "g.ir:1: a name must stand in quotes, with \\\\ \\\" \\n \\xNN in it");
  EXPECT_EQ(error_of("tensor 0 \"a i8 1"), "g.ir:1: a quoted name does not end");
  EXPECT_EQ(error_of("tensor 0 \"a\" u8 1"), "g.ir:1: 'u8' is no type: i8, i16, i32, i64 or f32");
  EXPECT_EQ(error_of("tensor 0 \"a\" i8 1x"), "g.ir:1: '1x' is no shape like 1x32x32x3");
  EXPECT_EQ(error_of("tensor 0 \"a\" i8 1 data=0"), "g.ir:1: data: '0' cannot be read");
  EXPECT_EQ(error_of("tensor 0 \"a\" i8 1 quant=1"), "g.ir:1: quant: '1' cannot be read");
  EXPECT_EQ(error_of("op 0 warp 1 -> 2"), "g.ir:1: 'warp' is no operator");
  EXPECT_EQ(error_of("op 0 relu 1"), "g.ir:1: a tensor number is missing");
  EXPECT_EQ(error_of("op 0 relu 1 -> 2 kind=relu7"), "g.ir:1: kind: 'relu7' cannot be read");
  EXPECT_EQ(error_of("op 0 relu 1 -> 2 stride=1x1"), "g.ir:1: 'stride=1x1' is not known here");
  EXPECT_EQ(error_of("op 0 relu 99999999999 -> 2"), "g.ir:1: a tensor number: '99999999999' cannot be read");
}

TEST(Text, AnyBytesEitherParseOrAreRefused) {
  Random random(99);
  for (int i = 0; i < 4000; ++i) {
    std::string text = kSmallText;
    for (uint64_t edits = 1 + random.below(4); edits > 0; --edits) {
      const size_t at = random.below(text.size());
      if (random.below(3) == 0) {
        text.erase(at, 1 + random.below(8));
      } else if (random.below(2) == 0) {
        text.insert(at, text.substr(random.below(text.size()), random.below(12)));
      } else {
        text[at] = static_cast<char>(random.bits());
      }
    }
    if (error_of(text) == "none") verify(parse(text, "test"));
  }
}

}  // namespace
}  // namespace mote::ir
