// Every pass, alone and in the pipeline, keeps the meaning of random graphs.
#include <gmock/gmock.h>

#include "ir/random_graph.h"
#include "ir/random_model.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "passes/pipeline.h"
#include "passes/test_graphs.h"

namespace mote::passes {
namespace {

/// Outputs, and every source tensor that is left, are the same.
void expect_same_tensors(const ir::Graph& before, const ir::Graph& after, uint64_t seed) {
  const std::vector<Bytes> inputs = random_inputs(before, seed);
  EXPECT_EQ(outputs_of(after, inputs), outputs_of(before, inputs));
  expect_source_tensors_kept(before, after, inputs);
}

/// Numbers the graph's tensors and operators as those of a source model.
ir::Graph numbered(ir::Graph graph) {
  for (size_t i = 0; i < graph.tensors.size(); ++i) graph.tensors[i].source_index = static_cast<int>(i);
  for (size_t i = 0; i < graph.operators.size(); ++i) graph.operators[i].source = {static_cast<int32_t>(i)};
  return graph;
}

/// Each pass, applied to what the passes before it made of `graph`.
void expect_meaning_kept(const ir::Graph& graph, uint64_t seed) {
  ir::Graph before = graph;
  for (const Pass& pass : passes()) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", pass " << pass.name);
    const ir::Graph after = pass.function(before);
    ASSERT_THAT(ir::verify(after), testing::IsEmpty()) << ir::print(before, false) << ir::print(after, false);
    expect_same_tensors(before, after, seed);
    if (testing::Test::HasFailure()) FAIL() << ir::print(before, false) << "\n" << ir::print(after, false);
    before = after;
  }
}

TEST(PassProperty, RandomGraphsKeepTheirMeaning) {
  int tried = 0;
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    Random random(seed);
    const ir::Graph graph = numbered(ir::random_graph(random, {.operators = 1 + static_cast<int>(random.below(10))}));
    if (!ir::verify(graph).empty()) continue;  // scales beyond all bounds, once in a while
    expect_meaning_kept(graph, seed);
    if (testing::Test::HasFailure()) return;
    ++tried;
  }
  EXPECT_GT(tried, 950);
}

TEST(PassProperty, RandomModelsKeepTheirMeaning) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    expect_meaning_kept(ir::random_model(seed), seed);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(PassProperty, ASecondRunChangesNothing) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const ir::Graph once = run_passes(ir::random_model(seed));
    const ir::Graph twice = run_passes(once);
    ASSERT_EQ(kinds(twice), kinds(once)) << ir::print(once, false) << ir::print(twice, false);
  }
}

/// What one pass leaves is work for an earlier one.
TEST(Pipeline, ACopyBetweenTwoReshapesIsDroppedAndOneReshapeIsLeft) {
  TestGraph t;
  const ir::TensorId x = t.input(t.int8({1, 2, 2, 3}));
  const ir::TensorId a = t.op(ir::Reshape{}, {x}, t.int8({1, 1, 1, 12}));
  const ir::TensorId b = t.op(ir::MaxPool2D{}, {a}, t.int8({1, 1, 1, 12}));
  t.graph.outputs.push_back(t.op(ir::Reshape{}, {b}, t.int8({1, 12})));
  const ir::Graph once = run_passes(t.graph);
  EXPECT_THAT(kinds(once), testing::ElementsAre("reshape"));
  EXPECT_EQ(kinds(run_passes(once)), kinds(once));
}

}  // namespace
}  // namespace mote::passes
