#include "passes/stream.h"

#include <gmock/gmock.h>

#include "ir/build.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "passes/test_graphs.h"

namespace mote::passes {
namespace {

ir::Size2D small_window(Random& random) {
  return {static_cast<int32_t>(random.between(1, 4)), static_cast<int32_t>(random.between(1, 3))};
}

/// A chain with branches of operators that go by rows, and sometimes one that does not.
ir::Graph random_chain(Random& random) {
  ir::GraphBuilder builder("chain", random.below(1'000'000));
  const auto extent = [&] { return static_cast<int32_t>(random.between(5, 20)); };
  std::vector<ir::TensorId> tensors{builder.input({1, extent(), extent(), static_cast<int32_t>(random.between(1, 5))})};
  const uint64_t count = 2 + random.below(6);
  for (uint64_t i = 0; i < count; ++i) {
    const ir::TensorId x = random.below(4) == 0 ? tensors[random.below(tensors.size())] : tensors.back();
    const ir::Shape shape = builder.shape(x);
    const ir::Size2D stride{static_cast<int32_t>(random.between(1, 2)), static_cast<int32_t>(random.between(1, 2))};
    const bool same = random.below(3) > 0;
    ir::Size2D window = small_window(random);
    window = {std::min(window.h, shape[1]), std::min(window.w, shape[2])};
    const int32_t dilation =
        stride.h == 1 && stride.w == 1 && window.h * 2 < shape[1] && window.w * 2 < shape[2] ? 2 : 1;
    const ir::ConvOptions options{.stride = stride, .dilation = {dilation, dilation}, .same = same};
    switch (random.below(6)) {
      case 0:
        tensors.push_back(builder.conv_2d(x, static_cast<int32_t>(random.between(1, 6)), window, options));
        break;
      case 1:
        tensors.push_back(builder.depthwise_conv_2d(x, 1, window, options));
        break;
      case 2:
        tensors.push_back(builder.max_pool_2d(x, window, {.stride = stride, .same = same}));
        break;
      case 3:
        tensors.push_back(builder.average_pool_2d(x, window, {.stride = stride, .same = same}));
        break;
      case 4:
        tensors.push_back(builder.logistic(x));
        break;
      default:
        for (size_t k = tensors.size(); k-- > 0;) {
          if (builder.shape(tensors[k]) != shape || tensors[k] == x) continue;
          tensors.push_back(builder.add(x, tensors[k]));
          break;
        }
    }
  }
  builder.output(tensors.back());
  return builder.finish();
}

TEST(Stream, KeepsOnlyTheRowsThatAreStillWanted) {
  ir::GraphBuilder builder("two", 1);
  const ir::TensorId x = builder.input({1, 8, 8, 4});
  const ir::TensorId y = builder.conv_2d(x, 4, {3, 3});
  builder.output(builder.conv_2d(y, 4, {3, 3}));
  const std::optional<Streamed> streamed = stream(builder.finish(), {0, 1, 2});
  ASSERT_TRUE(streamed);
  EXPECT_THAT(ir::verify(streamed->graph), testing::IsEmpty());
  // Of y, rows 0 to 2 are there first, then two more each time and the two before them.
  std::vector<int32_t> heights;
  for (const ir::Operator& op : streamed->graph.operators) {
    const ir::Tensor& tensor = streamed->graph.tensor(op.output);
    const bool whole = tensor.shape[1] == 8;
    if (std::holds_alternative<ir::Concat>(op.attributes) && !whole) heights.push_back(tensor.shape[1]);
  }
  EXPECT_EQ(heights, (std::vector<int32_t>{4, 4, 3}));
}

TEST(Stream, RefusesWhatDoesNotGoByRows) {
  ir::GraphBuilder builder("mixed", 1);
  const ir::TensorId x = builder.input({1, 8, 8, 4});
  const ir::TensorId y = builder.conv_2d(x, 4, {3, 3});
  const ir::TensorId z = builder.conv_2d(y, 4, {3, 3});
  builder.output(builder.mean(z, {1, 2}, false));
  builder.output(y);
  const ir::Graph graph = builder.finish();
  EXPECT_FALSE(stream(graph, {0, 2, 1})) << "a mean";
  EXPECT_FALSE(stream(graph, {0, 1, 1})) << "an output of the graph in the middle";
  EXPECT_FALSE(stream(graph, {1, 1, 8})) << "all rows in one turn";
  EXPECT_FALSE(stream(graph, {1, 7, 1})) << "beyond the end";
  EXPECT_TRUE(stream(graph, {1, 1, 7}));
}

TEST(StreamProperty, EveryStretchComputesTheSameBytes) {
  int tried = 0, tried_strips = 0;
  for (uint64_t seed = 1; seed <= 800; ++seed) {
    Random random(seed);
    const ir::Graph graph = random_chain(random);
    const std::vector<Bytes> inputs = random_inputs(graph, seed);
    const std::vector<Bytes> expected = outputs_of(graph, inputs);
    const size_t first = random.below(graph.operators.size());
    const size_t last = first + random.below(graph.operators.size() - first);
    const int32_t rows = static_cast<int32_t>(random.between(1, 4));
    const Stretch stretch{first, last, rows, static_cast<int32_t>(seed % 4 + 1)};
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", operators " << first << " to " << last << ", "
                                    << stretch.rows << " rows, " << stretch.strips << " strips");
    const std::optional<Streamed> streamed = stream(graph, stretch);
    if (!streamed) continue;
    ++(stretch.strips > 1 ? tried_strips : tried);
    ASSERT_EQ(streamed->origins.size(), streamed->graph.operators.size());
    ASSERT_THAT(ir::verify(streamed->graph), testing::IsEmpty()) << ir::print(streamed->graph, false);
    ASSERT_EQ(outputs_of(streamed->graph, inputs), expected) << ir::print(streamed->graph, false);
    int64_t macs = 0, macs_before = 0;
    for (const ir::Operator& op : streamed->graph.operators) macs += op.source_macs;
    for (const ir::Operator& op : graph.operators) macs_before += op.source_macs;
    if (stretch.strips == 1) {
      EXPECT_LE(macs, macs_before) << "no row is computed twice";
    }
  }
  EXPECT_GT(tried, 60);
  EXPECT_GT(tried_strips, 150);
}

}  // namespace
}  // namespace mote::passes
