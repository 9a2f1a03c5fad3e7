// Each pass on the graph of its header's picture, and on one it must leave alone.
#include <gmock/gmock.h>

#include "ir/quantized.h"
#include "ir/verify.h"
#include "passes/bypass_reshape.h"
#include "passes/depthwise_to_conv.h"
#include "passes/drop_no_ops.h"
#include "passes/fold_constants.h"
#include "passes/fuse_activation.h"
#include "passes/fuse_lookup.h"
#include "passes/fuse_pad.h"
#include "passes/lookup_before_reshape.h"
#include "passes/pipeline.h"
#include "passes/remove_dead.h"
#include "passes/share_constants.h"
#include "passes/test_graphs.h"
#include "passes/use_lookups.h"

namespace mote::passes {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// `pass` of the graph, after checking that it is legal and computes the same outputs.
ir::Graph applied(ir::Graph (*pass)(ir::Graph), const ir::Graph& graph) {
  EXPECT_THAT(ir::verify(graph), IsEmpty());
  ir::Graph result = pass(graph);
  EXPECT_THAT(ir::verify(result), IsEmpty());
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    EXPECT_EQ(outputs_of(result, random_inputs(graph, seed)), outputs_of(graph, random_inputs(graph, seed)));
  }
  return result;
}

/// x 1x4x4x2 -> conv_2d 1x1 -> 1x4x4x3, whose output has the given parameters.
TestGraph conv_graph(float scale = 0.5f, int32_t zero_point = 0) {
  TestGraph t;
  const ir::TensorId x = t.input(t.int8({1, 4, 4, 2}));
  const ir::TensorId w = t.weights({3, 1, 1, 2});
  t.graph.outputs = {t.op(ir::Conv2D{}, {x, w, ir::kNoTensor}, t.int8({1, 4, 4, 3}, scale, zero_point))};
  return t;
}

TEST(DropNoOps, ReadsThroughACopy) {
  TestGraph t = conv_graph();
  const ir::TensorId copy = t.op(ir::Reshape{}, {t.graph.outputs[0]}, t.int8({1, 4, 4, 3}));
  t.graph.outputs = {t.op(ir::MaxPool2D{{2, 2}, {2, 2}, {}, {}}, {copy}, t.int8({1, 2, 2, 3}))};
  EXPECT_THAT(kinds(applied(drop_no_ops, t.graph)), ElementsAre("conv_2d", "max_pool_2d"));
}

TEST(DropNoOps, ComputesTheOutputDirectly) {
  TestGraph t = conv_graph();
  t.graph.outputs = {t.op(ir::Reshape{}, {t.graph.outputs[0]}, t.int8({1, 4, 4, 3}))};
  const ir::Graph result = applied(drop_no_ops, t.graph);
  EXPECT_THAT(kinds(result), ElementsAre("conv_2d"));
  EXPECT_THAT(result.operators[0].source, ElementsAre(0, 1));
}

TEST(DropNoOps, KeepsACopyFromInputToOutput) {
  TestGraph t;
  const ir::TensorId x = t.input(t.int8({2, 2}));
  t.graph.outputs = {t.op(ir::Reshape{}, {x}, t.int8({2, 2}))};
  EXPECT_THAT(kinds(applied(drop_no_ops, t.graph)), ElementsAre("reshape"));
}

TEST(DropNoOps, KeepsAChangeOfShapeOrParameters) {
  TestGraph t = conv_graph();
  const ir::TensorId flat = t.op(ir::Reshape{}, {t.graph.outputs[0]}, t.int8({1, 48}));
  t.graph.outputs = {t.op(ir::Quantize{}, {flat}, t.int8({1, 48}, 0.25f))};
  EXPECT_THAT(kinds(applied(drop_no_ops, t.graph)), ElementsAre("conv_2d", "reshape", "quantize"));
}

TEST(FoldConstants, ComputesWhatIsKnown) {
  TestGraph t;
  const ir::TensorId x = t.input(t.int8({1, 4}));
  const ir::TensorId a = t.op(ir::Quantize{}, {t.constant({4}, {-9, 50, 3, 4}, 0.25f)}, t.int8({4}));
  const ir::TensorId b = t.op(ir::Tanh{}, {a}, t.int8({4}, 1.0f / 128));
  t.graph.outputs = {t.op(ir::Add{}, {x, b}, t.int8({1, 4}))};
  EXPECT_THAT(kinds(applied(fold_constants, t.graph)), ElementsAre("add"));
}

TEST(FoldConstants, LeavesOutputsToBeComputed) {
  TestGraph t;
  t.input(t.int8({4}));
  t.graph.outputs = {t.op(ir::Dequantize{}, {t.constant({4}, {1, 2, 3, 4})}, t.float32({4}))};
  EXPECT_THAT(kinds(applied(fold_constants, t.graph)), ElementsAre("dequantize"));
}

TEST(RemoveDead, KeepsWhatOutputsNeed) {
  TestGraph t;
  const ir::TensorId x = t.input(t.int8({4}));
  t.input(t.int8({4}));
  t.op(ir::Relu{}, {x}, t.int8({4}));
  t.graph.outputs = {t.op(ir::Tanh{}, {x}, t.int8({4}, 1.0f / 128))};
  const ir::Graph result = applied(remove_dead, t.graph);
  EXPECT_THAT(kinds(result), ElementsAre("tanh"));
  EXPECT_EQ(result.tensors.size(), 3u);
  EXPECT_EQ(result.inputs.size(), 2u);
}

TEST(ShareConstants, StoresEqualOnesOnce) {
  TestGraph t;
  const ir::TensorId x = t.input(t.int8({2}));
  const ir::TensorId a = t.op(ir::Add{}, {x, t.constant({2}, {1, 2})}, t.int8({2}));
  const ir::TensorId b = t.op(ir::Add{}, {a, t.constant({2}, {1, 2})}, t.int8({2}));
  t.graph.outputs = {t.op(ir::Add{}, {b, t.constant({2}, {1, 2}, 0.25f)}, t.int8({2}))};
  const ir::Graph result = applied(share_constants, t.graph);
  EXPECT_EQ(result.operators[0].inputs[1], result.operators[1].inputs[1]);
  EXPECT_NE(result.operators[0].inputs[1], result.operators[2].inputs[1]) << "another scale";
}

/// x 1x4x4x2 with zero point `zero_point` -> pad by `value` -> `reader` -> 1x4x4x2.
ir::Graph padded(double value, const ir::OpAttributes& reader, int32_t zero_point) {
  TestGraph t;
  const ir::TensorId x = t.input(t.int8({1, 4, 4, 2}, 0.5f, zero_point));
  const ir::Pad pad{{0, 1, 1, 0}, {0, 1, 1, 0}, value};
  std::vector<ir::TensorId> operands = {t.op(pad, {x}, t.int8({1, 6, 6, 2}, 0.5f, zero_point))};
  if (std::holds_alternative<ir::Conv2D>(reader))
    operands.insert(operands.end(), {t.weights({2, 3, 3, 2}), ir::kNoTensor});
  t.graph.outputs = {t.op(reader, operands, t.int8({1, 4, 4, 2}, 0.5f, zero_point))};
  return t.graph;
}

TEST(FusePad, MovesTheZeroPointIntoAConvolution) {
  const ir::Graph result = remove_dead(applied(fuse_pad, padded(5, ir::Conv2D{}, 5)));
  ASSERT_THAT(kinds(result), ElementsAre("conv_2d"));
  EXPECT_EQ(std::get<ir::Conv2D>(result.operators[0].attributes).padding, (ir::Padding2D{1, 1, 1, 1}));
}

TEST(FusePad, MovesTheLeastValueIntoAMaximum) {
  const ir::MaxPool2D pool{{3, 3}, {1, 1}, {}, {}};
  EXPECT_THAT(kinds(remove_dead(applied(fuse_pad, padded(-128, pool, 0)))), ElementsAre("max_pool_2d"));
}

TEST(FusePad, LeavesOtherValues) {
  EXPECT_THAT(kinds(remove_dead(applied(fuse_pad, padded(0, ir::Conv2D{}, 5)))), ElementsAre("pad", "conv_2d"));
  const ir::MaxPool2D max{{3, 3}, {1, 1}, {}, {}};
  EXPECT_THAT(kinds(remove_dead(applied(fuse_pad, padded(0, max, 0)))), ElementsAre("pad", "max_pool_2d"));
  const ir::AveragePool2D average{{3, 3}, {1, 1}, {}, {}};
  EXPECT_THAT(kinds(remove_dead(applied(fuse_pad, padded(0, average, 0)))), ElementsAre("pad", "average_pool_2d"));
}

TEST(UseLookups, TurnsOneInputOperatorsIntoTables) {
  TestGraph t;
  const ir::TensorId x = t.input(t.int8({1, 2, 3}, 0.05f, 3));
  const ir::TensorId a = t.op(ir::Tanh{}, {x}, t.int8({1, 2, 3}, 1.0f / 128));
  const ir::TensorId b = t.op(ir::Add{}, {t.constant({1}, {40}), a}, t.int8({1, 2, 3}));
  const ir::TensorId c = t.op(ir::Mul{}, {b, t.constant({1, 1, 3}, {7, 7, 7})}, t.int8({1, 2, 3}));
  t.graph.outputs = {c};
  EXPECT_THAT(kinds(applied(use_lookups, t.graph)), ElementsAre("lookup", "lookup", "lookup"));
}

TEST(UseLookups, SeesThroughFloat) {
  TestGraph t;
  const ir::TensorId x = t.input(t.int8({1, 6}, 0.05f, 3));
  const ir::TensorId d = t.op(ir::Dequantize{}, {x}, t.float32({1, 6}));
  const ir::TensorId e = t.op(ir::Tanh{}, {d}, t.float32({1, 6}));
  t.graph.outputs = {t.op(ir::Quantize{}, {e}, t.int8({1, 6}, 1.0f / 128))};
  const ir::Graph result = remove_dead(applied(use_lookups, t.graph));
  EXPECT_THAT(kinds(result), ElementsAre("lookup"));
  EXPECT_THAT(result.operators[0].source, ElementsAre(0, 1, 2));
}

TEST(UseLookups, LeavesTwoInputsAndBroadcasts) {
  TestGraph t;
  const ir::TensorId x = t.input(t.int8({1, 2, 3}));
  const ir::TensorId a = t.op(ir::Mul{}, {x, t.constant({3}, {1, 2, 3})}, t.int8({1, 2, 3}));
  const ir::TensorId b = t.op(ir::Add{}, {a, x}, t.int8({1, 2, 3}));
  t.graph.outputs = {t.op(ir::Add{}, {b, t.constant({2, 2, 1}, {7, 7, 7, 7})}, t.int8({2, 2, 3}))};
  EXPECT_THAT(kinds(applied(use_lookups, t.graph)), ElementsAre("mul", "add", "add"));
}

TEST(FuseLookup, LimitsBecomeClamps) {
  TestGraph t = conv_graph();
  t.graph.outputs = {t.op(ir::Relu{}, {t.graph.outputs[0]}, t.int8({1, 4, 4, 3}))};
  const ir::Graph result = applied(fuse_lookup, applied(use_lookups, t.graph));
  ASSERT_THAT(kinds(result), ElementsAre("conv_2d"));
  EXPECT_FALSE(result.operators[0].post);
  EXPECT_FALSE(result.operators[0].computed);
  EXPECT_EQ(std::get<ir::Conv2D>(result.operators[0].attributes).clamp, (ir::Clamp{0, 127}));
}

TEST(FuseLookup, OtherTablesKeepTheParametersBeforeThem) {
  TestGraph t = conv_graph(0.05f, 9);
  const ir::TensorId a = t.op(ir::Logistic{}, {t.graph.outputs[0]}, t.int8({1, 4, 4, 3}, 1.0f / 256, -128));
  t.graph.outputs = {t.op(ir::Quantize{}, {a}, t.int8({1, 4, 4, 3}, 0.01f, -5))};
  const ir::Graph result = applied(fuse_lookup, applied(use_lookups, t.graph));
  ASSERT_THAT(kinds(result), ElementsAre("conv_2d"));
  EXPECT_TRUE(result.operators[0].post);
  EXPECT_EQ(result.operators[0].computed, (ir::Quantization{{0.05f}, {9}, 0}));
  EXPECT_THAT(result.operators[0].source, ElementsAre(0, 1, 2));
}

TEST(FuseLookup, TwoTablesBecomeOne) {
  TestGraph t;
  const ir::TensorId x = t.input(t.int8({4}, 0.1f));
  const ir::TensorId a = t.op(ir::Tanh{}, {x}, t.int8({4}, 1.0f / 128));
  t.graph.outputs = {t.op(ir::Quantize{}, {a}, t.int8({4}, 0.02f, 4))};
  EXPECT_THAT(kinds(applied(fuse_lookup, applied(use_lookups, t.graph))), ElementsAre("lookup"));
}

TEST(FuseLookup, KeepsATensorThatOthersNeed) {
  TestGraph t = conv_graph(0.05f);
  const ir::TensorId a = t.graph.outputs[0];
  const ir::TensorId b = t.op(ir::Tanh{}, {a}, t.int8({1, 4, 4, 3}, 1.0f / 128));
  t.graph.outputs = {a, b};
  EXPECT_THAT(kinds(applied(fuse_lookup, applied(use_lookups, t.graph))), ElementsAre("conv_2d", "lookup"));
  t.graph.outputs = {t.op(ir::Add{}, {a, b}, t.int8({1, 4, 4, 3}))};
  EXPECT_THAT(kinds(applied(fuse_lookup, applied(use_lookups, t.graph))), ElementsAre("conv_2d", "lookup", "add"));
}

TEST(LookupBeforeReshape, MovesNextToItsProducer) {
  TestGraph t = conv_graph(0.05f);
  const ir::TensorId a = t.op(ir::Reshape{}, {t.graph.outputs[0]}, t.int8({16, 3}, 0.05f));
  const ir::TensorId b = t.op(ir::Reshape{}, {a}, t.int8({48}, 0.05f));
  t.graph.outputs = {t.op(ir::Tanh{}, {b}, t.int8({48}, 1.0f / 128))};
  const ir::Graph result = applied(lookup_before_reshape, applied(use_lookups, t.graph));
  EXPECT_THAT(kinds(result), ElementsAre("conv_2d", "lookup", "reshape", "reshape"));
  EXPECT_THAT(kinds(applied(fuse_lookup, result)), ElementsAre("conv_2d", "reshape", "reshape"));
}

TEST(FuseActivation, ClampsFloats) {
  TestGraph t;
  const ir::TensorId x = t.input(t.float32({1, 4}));
  const ir::TensorId a = t.op(ir::Add{{-1, 3}}, {x, x}, t.float32({1, 4}));
  const ir::TensorId b = t.op(ir::Relu{ir::Relu::Kind::kRelu6}, {a}, t.float32({1, 4}));
  t.graph.outputs = {t.op(ir::Relu{}, {b}, t.float32({1, 4}))};
  const ir::Graph result = applied(fuse_activation, t.graph);
  ASSERT_THAT(kinds(result), ElementsAre("add"));
  EXPECT_EQ(std::get<ir::Add>(result.operators[0].attributes).clamp, (ir::Clamp{0, 3}));
}

TEST(BypassReshape, ReadsRowsAsTheyAre) {
  TestGraph t;
  const ir::TensorId x = t.input(t.int8({1, 1, 1, 8}));
  const ir::TensorId a = t.op(ir::Reshape{}, {x}, t.int8({2, 4}));
  const ir::TensorId b = t.op(ir::Reshape{}, {a}, t.int8({1, 8}));
  t.graph.outputs = {t.op(ir::Dense{}, {b, t.weights({3, 8}), ir::kNoTensor}, t.int8({1, 3}))};
  EXPECT_THAT(kinds(remove_dead(applied(bypass_reshape, t.graph))), ElementsAre("dense"));
}

TEST(DepthwiseToConv, OneChannelIsAConvolution) {
  TestGraph t;
  const ir::TensorId x = t.input(t.int8({1, 5, 4, 1}, 0.5f, 2));
  const ir::TensorId w = t.weights({1, 3, 2, 4});
  t.graph.tensor(w).quant = ir::Quantization{{0.01f, 0.02f, 0.03f, 0.04f}, {0, 0, 0, 0}, 3};
  const ir::DepthwiseConv2D depthwise{{2, 1}, {1, 1}, {1, 1, 0, 1}, 4, {-100, 90}};
  t.graph.outputs = {t.op(depthwise, {x, w, ir::kNoTensor}, t.int8({1, 3, 4, 4}))};
  EXPECT_THAT(kinds(applied(depthwise_to_conv, t.graph)), ElementsAre("conv_2d"));
}

TEST(Pipeline, AppliesEveryPassInOrder) {
  TestGraph t = conv_graph(0.05f);
  t.graph.outputs = {t.op(ir::Tanh{}, {t.graph.outputs[0]}, t.int8({1, 4, 4, 3}, 1.0f / 128))};
  std::vector<std::string_view> seen;
  const ir::Graph result = run_passes(t.graph, [&](const Pass& pass, const ir::Graph&) { seen.push_back(pass.name); });
  EXPECT_THAT(kinds(result), ElementsAre("conv_2d"));
  EXPECT_EQ(seen.size(), passes().size());
}

}  // namespace
}  // namespace mote::passes
