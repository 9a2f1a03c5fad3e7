#include "deploy/order.h"

#include <gmock/gmock.h>

#include <functional>

#include "deploy/library.h"
#include "deploy/streaming.h"
#include "ir/build.h"
#include "ir/random_graph.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "passes/edit.h"
#include "reference/interpret.h"

namespace mote::deploy {
namespace {

/// Calls `visit` with the graph in every order that its operators can run in.
void for_each_order(const ir::Graph& graph, const std::function<void(const ir::Graph&)>& visit) {
  const passes::Uses uses = passes::uses_of(graph);
  const size_t count = graph.operators.size();
  std::vector<size_t> order;
  const auto is_done = [&](size_t op) { return std::find(order.begin(), order.end(), op) != order.end(); };
  const std::function<void()> extend = [&] {
    if (order.size() == count) {
      ir::Graph ordered = graph;
      for (size_t i = 0; i < count; ++i) ordered.operators[i] = graph.operators[order[i]];
      return visit(ordered);
    }
    for (size_t op = 0; op < count; ++op) {
      const std::vector<ir::TensorId>& inputs = graph.operators[op].inputs;
      const bool ready = std::all_of(inputs.begin(), inputs.end(), [&](ir::TensorId id) {
        const int producer = id == ir::kNoTensor ? -1 : uses.producer[static_cast<size_t>(id)];
        return producer < 0 || is_done(static_cast<size_t>(producer));
      });
      if (is_done(op) || !ready) continue;
      order.push_back(op);
      extend();
      order.pop_back();
    }
  };
  extend();
}

/// Three branches of one image: each grows wide before it is pooled to next to nothing, and a model that computes them
/// side by side has all of them wide at once.
ir::Graph branches() {
  ir::GraphBuilder builder("branches", 1);
  const ir::TensorId x = builder.input({1, 16, 16, 4});
  std::vector<ir::TensorId> wide, small;
  for (int i = 0; i < 3; ++i) wide.push_back(builder.conv_2d(x, 16, {1, 1}));
  for (const ir::TensorId id : wide) small.push_back(builder.mean(id, {1, 2}, false));
  builder.output(builder.add(builder.add(small[0], small[1]), small[2]));
  return builder.finish();
}

TEST(OrderForRam, FinishesABranchBeforeItBeginsTheNext) {
  const ir::Graph graph = branches();
  const ir::Graph ordered = order_for_ram(graph);
  EXPECT_GE(guess_ram(graph), 3 * 16 * 16 * 16);
  EXPECT_LE(guess_ram(ordered), 16 * 16 * (4 + 16) + 3 * 16);
  EXPECT_THAT(ir::verify(ordered), testing::IsEmpty());
}

TEST(OrderForRam, MakesTheArenaOfALibrarySmaller) {
  const ir::Graph graph = branches();
  const target::Board board = target::load_board("nucleo-f746zg");
  const auto arena = [&](bool model_order) {
    return make_library(graph, "m", "", board, {}, {}, {.order_for_ram = model_order}).arena.bytes();
  };
  EXPECT_GE(arena(true), 3 * 16 * 16 * 16);
  EXPECT_LE(arena(false), 16 * 16 * (4 + 16) + 1024);
}

TEST(OrderForRam, KeepsTheModelsOrderWhereNoneIsBetter) {
  ir::GraphBuilder builder("even", 1);
  const ir::TensorId x = builder.input({1, 4, 4, 4});
  const ir::TensorId a = builder.conv_2d(x, 4, {1, 1}), b = builder.conv_2d(x, 4, {1, 1});
  builder.output(builder.add(a, b));
  const ir::Graph graph = builder.finish();
  EXPECT_EQ(order_for_ram(graph), graph);
}

TEST(OrderForRam, IsAsGoodAsTheBestOfAllOrders) {
  int better = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    const ir::Graph graph = ir::random_graph(random, {.operators = 2 + static_cast<int>(random.below(6))});
    if (!ir::verify(graph).empty() || graph.operators.size() > 7) continue;
    int64_t least = guess_ram(graph);
    for_each_order(graph, [&](const ir::Graph& other) { least = std::min(least, guess_ram(other)); });
    const ir::Graph ordered = order_for_ram(graph);
    ASSERT_THAT(ir::verify(ordered), testing::IsEmpty());
    ASSERT_EQ(guess_ram(ordered), least) << ir::print(graph, false);
    const bool is_better = least < guess_ram(graph);
    ASSERT_EQ(ordered == graph, !is_better);
    better += is_better;
    const std::vector<Bytes> inputs = ir::random_inputs(graph, random);
    ASSERT_EQ(reference::interpret(ordered, inputs), reference::interpret(graph, inputs));
  }
  EXPECT_GT(better, 20);
}

TEST(OrderForRam, FindsGoodOrdersOfWideGraphsWithLittleEffort) {
  ir::GraphBuilder builder("wide", 1);
  const ir::TensorId x = builder.input({1, 8, 8, 4});
  std::vector<ir::TensorId> branches(24, x);
  for (ir::TensorId& branch : branches) branch = builder.conv_2d(x, 16, {3, 3});
  for (ir::TensorId& branch : branches) branch = builder.mean(branch, {1, 2}, true);
  ir::TensorId sum = branches[0];
  for (size_t i = 1; i < branches.size(); ++i) sum = builder.add(sum, branches[i]);
  builder.output(sum);
  const ir::Graph graph = builder.finish();
  // 2^24 sets of operators at least.
  EXPECT_GE(guess_ram(graph), 24 * 8 * 8 * 16);
  EXPECT_LE(guess_ram(order_for_ram(graph, 1'000'000)), 8 * 8 * (4 + 16) + 24 * 16);
}

}  // namespace
}  // namespace mote::deploy
