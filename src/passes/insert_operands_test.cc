#include "passes/insert_operands.h"

#include <gmock/gmock.h>

#include "ir/build.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "passes/test_graphs.h"

namespace mote::passes {
namespace {

size_t concatenation_of(const ir::Graph& graph) {
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    if (std::holds_alternative<ir::Concat>(graph.operators[i].attributes)) return i;
  }
  return graph.operators.size();
}

/// Branches of one shape but for the axis, joined along it; one of them may be the input itself, or be there twice.
ir::Graph random_branches(Random& random) {
  ir::GraphBuilder builder("branches", random.below(1'000'000));
  const auto extent = [&] { return static_cast<int32_t>(random.between(1, 6)); };
  const ir::TensorId x = builder.input({1, extent(), extent(), extent()});
  const uint64_t count = 2 + random.below(4);
  std::vector<ir::TensorId> branches;
  for (uint64_t i = 0; i < count; ++i) {
    if (random.below(6) == 0)
      branches.push_back(branches.empty() ? x : branches[random.below(branches.size())]);
    else
      branches.push_back(builder.conv_2d(x, builder.shape(x)[3], {1, 1}));
  }
  const int32_t axis = static_cast<int32_t>(random.between(1, 3));
  builder.output(builder.logistic(builder.concat(branches, axis)));
  return builder.finish();
}

TEST(InsertOperands, CopiesEachOperandAsSoonAsItIsComputed) {
  ir::GraphBuilder builder("two", 1);
  const ir::TensorId x = builder.input({1, 2, 2, 3});
  const ir::TensorId a = builder.conv_2d(x, 4, {1, 1}), b = builder.conv_2d(x, 2, {1, 1});
  builder.graph().tensor(b).quant = builder.graph().tensor(a).quant;
  builder.output(builder.concat({b, a}, 3));
  const ir::Graph graph = builder.finish();
  const std::optional<ir::Graph> apart = insert_operands(graph, concatenation_of(graph));
  ASSERT_TRUE(apart);
  EXPECT_THAT(ir::verify(*apart), testing::IsEmpty());
  std::vector<std::string> kinds;
  for (const ir::Operator& op : apart->operators) kinds.emplace_back(ir::kind_of(op.attributes));
  EXPECT_THAT(kinds, testing::ElementsAre("conv_2d", "insert", "conv_2d", "insert"));
  EXPECT_EQ(std::get<ir::Insert>(apart->operators[1].attributes).begin, (std::vector<int32_t>{0, 0, 0, 2}));
  EXPECT_EQ(std::get<ir::Insert>(apart->operators[3].attributes).begin, (std::vector<int32_t>{0, 0, 0, 0}));
}

TEST(InsertOperands, RefusesWhatIsNoPlainConcatenationOfComputedTensors) {
  ir::GraphBuilder builder("refused", 1);
  const ir::TensorId x = builder.input({1, 2, 2, 3});
  const ir::TensorId a = builder.logistic(x);
  builder.output(builder.concat({a, a}, 3));
  ir::Graph graph = builder.finish();
  const size_t index = concatenation_of(graph);
  EXPECT_FALSE(insert_operands(graph, 0)) << "a logistic";
  EXPECT_TRUE(insert_operands(graph, index));
  graph.operators[index].post = ir::Table{};
  EXPECT_FALSE(insert_operands(graph, index)) << "a fused table";
  graph.operators[index].post.reset();
  graph.operators[index].inputs.pop_back();
  EXPECT_FALSE(insert_operands(graph, index)) << "a single operand";
}

TEST(InsertOperandsProperty, TheBytesAreTheSame) {
  int tried = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    const ir::Graph graph = random_branches(random);
    const std::optional<ir::Graph> apart = insert_operands(graph, concatenation_of(graph));
    if (!apart) continue;
    ++tried;
    ASSERT_THAT(ir::verify(*apart), testing::IsEmpty()) << ir::print(*apart, false);
    ASSERT_EQ(ir::parse(ir::print(*apart, true), "printed"), *apart);
    const std::vector<Bytes> inputs = random_inputs(graph, seed);
    ASSERT_EQ(outputs_of(*apart, inputs), outputs_of(graph, inputs)) << ir::print(*apart, false);
  }
  EXPECT_GT(tried, 150);
}

}  // namespace
}  // namespace mote::passes
