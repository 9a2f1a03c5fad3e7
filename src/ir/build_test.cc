#include "ir/build.h"

#include <gtest/gtest.h>

#include <set>

#include "ir/random_model.h"
#include "ir/verify.h"
#include "ir/window.h"

namespace mote::ir {
namespace {

TEST(Window, SameKeepsTheImageAndPutsTheOddPaddingBehind) {
  EXPECT_EQ(same_extent(49, 10, 2, 1), (Extent{4, 5, 25}));
  EXPECT_EQ(same_extent(10, 3, 1, 2), (Extent{2, 2, 10}));
  EXPECT_EQ(same_extent(5, 1, 3, 1), (Extent{0, 0, 2}));
}

TEST(Window, ValidHasNoPaddingAndMayHaveNoPosition) {
  EXPECT_EQ(valid_extent(7, 3, 2, 1), (Extent{0, 0, 3}));
  EXPECT_EQ(valid_extent(5, 3, 1, 2), (Extent{0, 0, 1}));
  EXPECT_EQ(valid_extent(4, 3, 1, 2), (Extent{0, 0, 0}));
}

TEST(Activation, BoundsAreRoundedAndCut) {
  Tensor y;
  y.quant = Quantization{{0.05f}, {-20}};
  EXPECT_EQ(clamp_of(Activation::kNone, y), (Clamp{-128, 127}));
  EXPECT_EQ(clamp_of(Activation::kRelu, y), (Clamp{-20, 127}));
  EXPECT_EQ(clamp_of(Activation::kRelu6, y), (Clamp{-20, 100}));
  EXPECT_EQ(clamp_of(Activation::kReluN1To1, y), (Clamp{-40, 0}));
  y.quant = Quantization{{0.01f}, {-128}};
  EXPECT_EQ(clamp_of(Activation::kRelu6, y), (Clamp{-128, 127}));
  y.quant = Quantization{{4.0f}, {0}};  // half a step rounds away from zero: 6 / 4 = 1.5
  EXPECT_EQ(clamp_of(Activation::kRelu6, y), (Clamp{0, 2}));
}

TEST(GraphBuilder, MakesALegalNetwork) {
  GraphBuilder b("net", 1);
  const TensorId x = b.input({1, 32, 32, 3});
  TensorId y = b.conv_2d(x, 16, {3, 3}, {.stride = {2, 2}, .activation = Activation::kRelu});
  y = b.add(y, b.depthwise_conv_2d(y, 1, {3, 3}));
  b.output(b.softmax(b.dense(b.mean(y, {1, 2}, false), 10)));
  const Graph graph = b.finish();
  ASSERT_EQ(graph.operators.size(), 6u);
  EXPECT_EQ(graph.tensor(graph.outputs[0]).shape, (Shape{1, 10}));
  EXPECT_EQ(graph.operators[0].source_macs, 16 * 16 * 16 * 27);
  EXPECT_EQ(graph.operators[5].source, (std::vector<int32_t>{5}));
}

class RandomModel : public testing::TestWithParam<DType> {};

TEST_P(RandomModel, IsLegalAndFollowsFromItsSeed) {
  RandomModelOptions options;
  options.dtype = GetParam();
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_model(seed, options);
    EXPECT_EQ(verify(graph), std::vector<std::string>{});
    EXPECT_GE(graph.operators.size(), 10u);
    if (seed < 20) {
      EXPECT_EQ(graph, random_model(seed, options));
    }
  }
}

TEST_P(RandomModel, CoversEveryOperatorOfASourceModel) {
  RandomModelOptions options;
  options.dtype = GetParam();
  std::set<std::string_view> kinds;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    for (const Operator& op : random_model(seed, options).operators) kinds.insert(kind_of(op.attributes));
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<OpAttributes> - 2);  // all but Insert and Lookup
}

INSTANTIATE_TEST_SUITE_P(DTypes, RandomModel, testing::Values(DType::kInt8, DType::kFloat32));

}  // namespace
}  // namespace mote::ir
