#include "deploy/hand_over.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "deploy/host_library_test.h"
#include "deploy/library.h"
#include "ir/build.h"
#include "ir/random_graph.h"
#include "reference/interpret.h"

namespace mote::deploy {
namespace {

constexpr const char* kBoard = "nucleo-f746zg";
constexpr int64_t kPlenty = 1 << 20;

/// depthwise 3x3 -> conv 1x1, twice.
ir::Graph separable(int32_t channels, uint64_t seed = 1) {
  ir::GraphBuilder b("separable", seed);
  ir::TensorId x = b.input({1, 7, 6, channels});
  for (const int32_t stride : {1, 2}) {
    x = b.depthwise_conv_2d(x, 1, {3, 3}, {.stride = {stride, stride}, .activation = ir::Activation::kRelu6});
    x = b.conv_2d(x, channels, {1, 1});
  }
  b.output(x);
  return b.finish();
}

/// How many tensors of the network are int16.
int64_t handed_over(const Network& network) {
  return std::count_if(network.graph.tensors.begin(), network.graph.tensors.end(),
                       [](const ir::Tensor& tensor) { return tensor.dtype == ir::DType::kInt16; });
}

int64_t handed_over(const ir::Graph& graph, int64_t ram_bytes) {
  const target::Target target = target::load_board(kBoard).target;
  Network network = make_network(graph, "net", target);
  const Arena arena = hand_over_int16(network, target, ram_bytes);
  EXPECT_THAT(memory::violations(arena.problem, arena.plan.offsets), testing::IsEmpty());
  return handed_over(network);
}

TEST(HandOver, ComputesTheSame) {
  for (const int32_t channels : {4, 6, 8, 10, 22}) {
    SCOPED_TRACE(channels);
    const ir::Graph graph = separable(channels, static_cast<uint64_t>(channels));
    const Library library = make_library(graph, "model.tflite", "", target::load_board(kBoard));
    EXPECT_EQ(handed_over(library.network), 2);
    HostLibrary host(library);
    host.init();
    Random random(7);
    for (int run = 0; run < 3; ++run) {
      const std::vector<Bytes> inputs = ir::random_inputs(graph, random);
      const size_t output = static_cast<size_t>(graph.outputs[0]);
      EXPECT_EQ(host.run(inputs)[0], reference::interpret(graph, inputs)[output]);
      // The network's own graph means the same, int16 tensors and all.
      const ir::Graph& typed = library.network.graph;
      EXPECT_EQ(reference::interpret(typed, inputs).at(static_cast<size_t>(typed.outputs[0])),
                reference::interpret(graph, inputs)[output]);
    }
  }
}

TEST(HandOver, CostsMemoryThatABudgetMayForbid) {
  const ir::Graph graph = separable(16);
  const target::Target target = target::load_board(kBoard).target;
  const int64_t without = plan_arena(make_network(graph, "net", target)).bytes();
  EXPECT_EQ(handed_over(graph, kPlenty), 2);
  EXPECT_EQ(handed_over(graph, 0), 0);
  Network network = make_network(graph, "net", target);
  EXPECT_LE(hand_over_int16(network, target, without).bytes(), without);
}

TEST(HandOver, LeavesOddChannelsAlone) {
  EXPECT_EQ(handed_over(separable(7), kPlenty), 0);
}

TEST(HandOver, LeavesAloneWhatOthersRead) {
  ir::GraphBuilder b("two_readers", 3);
  const ir::TensorId d = b.depthwise_conv_2d(b.input({1, 6, 6, 8}), 1, {3, 3});
  b.output(b.add(b.conv_2d(d, 8, {1, 1}), d));
  EXPECT_EQ(handed_over(b.finish(), kPlenty), 0);
  ir::GraphBuilder c("output", 3);
  const ir::TensorId e = c.depthwise_conv_2d(c.input({1, 6, 6, 8}), 1, {3, 3});
  c.output(c.conv_2d(e, 8, {1, 1}));
  c.output(e);
  EXPECT_EQ(handed_over(c.finish(), kPlenty), 0);
}

TEST(HandOver, LeavesWiderWindowsAlone) {
  ir::GraphBuilder b("three_by_three", 3);
  b.output(b.conv_2d(b.depthwise_conv_2d(b.input({1, 6, 6, 8}), 1, {3, 3}), 8, {3, 3}));
  EXPECT_EQ(handed_over(b.finish(), kPlenty), 0);
}

}  // namespace
}  // namespace mote::deploy
