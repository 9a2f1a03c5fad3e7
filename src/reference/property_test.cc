// What verify() lets through can be interpreted, and what it refuses is named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "ir/random_graph.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "reference/interpret.h"

namespace mote::reference {
namespace {

/// Runs a legal graph and holds the sizes against the tensors.
void expect_runs(const ir::Graph& graph, Random& random) {
  const std::vector<Bytes> tensors = interpret(graph, ir::random_inputs(graph, random));
  for (const ir::Operator& op : graph.operators) {
    ASSERT_EQ(tensors.at(static_cast<size_t>(op.output)).size(), graph.tensor(op.output).size_bytes());
  }
}

TEST(Property, RandomGraphsAreLegalAndRun) {
  std::set<std::string_view> kinds;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    const ir::Graph graph = ir::random_graph(random);
    ASSERT_EQ(ir::verify(graph), std::vector<std::string>{}) << ir::print(graph, false);
    expect_runs(graph, random);
    for (const ir::Operator& op : graph.operators) kinds.insert(ir::kind_of(op.attributes));
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<ir::OpAttributes> - 1) << "every kind of operator occurs, but for Insert";
}

/// Multiply-accumulates and elements that interpreting `graph` touches.
int64_t work_of(const ir::Graph& graph) {
  int64_t work = 0;
  for (const ir::Tensor& tensor : graph.tensors) work += ir::elements(tensor.shape);
  for (const ir::Operator& op : graph.operators) work += ir::macs_of(graph, op);
  return work;
}

TEST(Property, MutatedGraphsAreRefusedOrRun) {
  int legal = 0, refused = 0;
  for (uint64_t seed = 0; seed < 6000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    ir::Graph graph = ir::random_graph(random);
    ir::mutate(graph, random);
    const std::vector<std::string> problems = ir::verify(graph);
    for (const std::string& problem : problems) {
      ASSERT_THAT(problem, testing::AnyOf(testing::StartsWith("tensor "), testing::StartsWith("op "),
                                          testing::StartsWith("graph ")));
    }
    if (!problems.empty()) {
      ++refused;
    } else if (work_of(graph) < 1000000) {
      ++legal;
      expect_runs(graph, random);
    }
  }
  EXPECT_GT(legal, 500);
  EXPECT_GT(refused, 2000);
}

TEST(Property, ExtractedOperatorsGiveWhatTheGraphGives) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    const ir::Graph graph = ir::random_graph(random);
    const std::vector<Bytes> tensors = interpret(graph, ir::random_inputs(graph, random));
    for (const ir::Operator& op : graph.operators) {
      const ir::Graph one = ir::extract(graph, op);
      ASSERT_EQ(ir::verify(one), std::vector<std::string>{});
      std::vector<Bytes> inputs;
      // A random graph's tensors carry their own number as source_index.
      for (ir::TensorId id : one.inputs) inputs.push_back(tensors.at(static_cast<size_t>(one.tensor(id).source_index)));
      ASSERT_EQ(interpret(one, inputs).at(static_cast<size_t>(one.outputs[0])),
                tensors[static_cast<size_t>(op.output)]);
    }
  }
}

}  // namespace
}  // namespace mote::reference
