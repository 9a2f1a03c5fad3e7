// Channels planted to be constant go away, where and only where nobody can tell.
#include "passes/remove_constant_channels.h"

#include <gmock/gmock.h>

#include "ir/random_graph.h"
#include "ir/random_model.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "passes/channel_ranges.h"
#include "passes/edit.h"
#include "passes/pipeline.h"
#include "passes/remove_dead.h"
#include "passes/test_graphs.h"

namespace mote::passes {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// How a planted channel comes to be constant.
enum class Way { kNoWeights, kSaturates };

/// Makes a channel of a Conv2D, DepthwiseConv2D or Dense the same for every input. The operator gets a bias of its own
/// when it has none.
void plant(ir::Graph& graph, ir::Operator& op, size_t channel, Way way, int32_t bias_value) {
  const size_t channels = static_cast<size_t>(graph.tensor(op.output).shape.back());
  const bool depthwise = std::holds_alternative<ir::DepthwiseConv2D>(op.attributes);
  ir::Tensor weights = graph.tensor(op.inputs[1]);
  weights.source_index = -1;
  const size_t fan_in = weights.data->size() / channels;
  for (size_t k = 0; way == Way::kNoWeights && k < fan_in; ++k) {
    (*weights.data)[depthwise ? k * channels + channel : channel * fan_in + k] = std::byte{0};
  }
  op.inputs[1] = add_tensor(graph, weights);
  std::vector<int32_t> biases(channels);
  op.inputs.resize(3, ir::kNoTensor);
  if (op.inputs[2] != ir::kNoTensor) biases = to_values<int32_t>(*graph.tensor(op.inputs[2]).data);
  biases[channel] = way == Way::kNoWeights ? bias_value : (bias_value < 0 ? -1 : 1) * (1 << 28);
  ir::Tensor bias{.name = "bias", .dtype = ir::DType::kInt32, .shape = {static_cast<int32_t>(channels)}};
  bias.data = to_bytes(biases);
  op.inputs[2] = add_tensor(graph, bias);
}

/// Plants channels in about half of the int8 operators with weights; returns how many.
int plant_some(ir::Graph& graph, Random& random) {
  int planted = 0;
  for (ir::Operator& op : graph.operators) {
    const bool weighs = std::holds_alternative<ir::Conv2D>(op.attributes) ||
                        std::holds_alternative<ir::DepthwiseConv2D>(op.attributes) ||
                        std::holds_alternative<ir::Dense>(op.attributes);
    if (!weighs || graph.tensor(op.output).dtype != ir::DType::kInt8 || random.below(4) == 0) continue;
    const size_t channels = static_cast<size_t>(graph.tensor(op.output).shape.back());
    for (size_t n = random.below(channels + 1); n > 0; --n) {
      const int32_t bias = static_cast<int32_t>(random.below(20001)) - 10000;
      plant(graph, op, random.below(channels), random.below(2) ? Way::kNoWeights : Way::kSaturates,
            random.below(3) ? bias : 0);
      ++planted;
    }
  }
  graph = remove_dead(std::move(graph));  // the weights as they were
  return planted;
}

int64_t channels_left(const ir::Graph& graph) {
  int64_t sum = 0;
  for (const ir::Operator& op : graph.operators) {
    sum += static_cast<int64_t>(channels_of(graph.tensor(op.output)));
  }
  return sum;
}

/// The pass keeps outputs, and what is left of each tensor; gives how many channels it removed.
int64_t expect_meaning_kept(const ir::Graph& graph, uint64_t seed) {
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  const ir::Graph result = remove_constant_channels(graph);
  EXPECT_THAT(ir::verify(result), IsEmpty()) << ir::print(graph, false) << ir::print(result, false);
  if (testing::Test::HasFailure()) return 0;
  for (uint64_t i = 0; i < 2; ++i) {
    const std::vector<Bytes> inputs = random_inputs(graph, seed + i);
    EXPECT_EQ(outputs_of(result, inputs), outputs_of(graph, inputs)) << ir::print(result, false);
    expect_source_tensors_kept(graph, result, inputs);
  }
  return channels_left(graph) - channels_left(result);
}

TEST(RemoveConstantChannelsProperty, RandomGraphsKeepTheirMeaning) {
  int64_t removed = 0;
  for (uint64_t seed = 1; seed <= 1000 && !testing::Test::HasFailure(); ++seed) {
    Random random(seed);
    ir::Graph graph =
        ir::random_graph(random, {.operators = 2 + static_cast<int>(random.below(10)), .with_f32 = seed % 4 == 0});
    if (plant_some(graph, random) == 0 || !ir::verify(graph).empty()) continue;
    removed += expect_meaning_kept(graph, seed);
  }
  EXPECT_GT(removed, 50);
}

TEST(RemoveConstantChannelsProperty, RandomModelsKeepTheirMeaning) {
  int64_t removed = 0;
  for (uint64_t seed = 1; seed <= 50 && !testing::Test::HasFailure(); ++seed) {
    Random random(seed);
    ir::Graph graph = ir::random_model(seed);
    plant_some(graph, random);
    removed += expect_meaning_kept(graph, seed);
    const ir::Graph once = run_passes(graph);
    EXPECT_EQ(channels_left(run_passes(once)), channels_left(once)) << "a second run found more";
  }
  EXPECT_GT(removed, 10);
}

TEST(ChannelRangesProperty, HoldEveryValue) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    ir::Graph graph = ir::random_graph(random, {.operators = 8});
    plant_some(graph, random);
    if (!ir::verify(graph).empty()) continue;
    const std::vector<std::vector<Range>> ranges = channel_ranges(graph);
    const std::vector<Bytes> tensors = reference::interpret(graph, random_inputs(graph, seed));
    for (size_t i = 0; i < tensors.size(); ++i) {
      if (graph.tensors[i].dtype != ir::DType::kInt8) continue;
      const std::vector<int8_t> values = to_values<int8_t>(tensors[i]);
      for (size_t k = 0; k < values.size(); ++k) {
        const Range range = ranges[i][k % ranges[i].size()];
        ASSERT_TRUE(range.lo <= values[k] && values[k] <= range.hi)
            << "tensor " << i << ", channel " << k % ranges[i].size() << "\n"
            << ir::print(graph, false);
      }
    }
  }
}

/// conv_2d 1x1 to 8 channels -> `next`, which reads 8 channels -> conv_2d to 3 channels, the output. Channels 4 to 7 of
/// the first convolution are planted.
struct Chain {
  TestGraph t;
  ir::TensorId a;

  explicit Chain(int32_t bias = 700, int32_t zero_point = 3) {
    const ir::TensorId x = t.input(t.int8({1, 4, 4, 2}));
    a = t.op(ir::Conv2D{}, {x, t.weights({8, 1, 1, 2}), ir::kNoTensor}, t.int8({1, 4, 4, 8}, 0.5f, zero_point));
    for (size_t c = 4; c < 8; ++c) {
      plant(t.graph, t.graph.operators[0], c, c % 2 ? Way::kNoWeights : Way::kSaturates, bias);
    }
  }
  /// Ends the chain; `pad` is that of the last convolution, 3x3 where it has one.
  void finish(ir::TensorId x, int32_t pad = 0) {
    const ir::Shape shape = t.graph.tensor(x).shape;
    const int32_t side = pad > 0 ? 3 : 1;
    t.graph.outputs = {t.op(ir::Conv2D{.padding = {pad, pad, pad, pad}},
                            {x, t.weights({3, side, side, shape[3]}, 7), ir::kNoTensor},
                            t.int8({1, shape[1], shape[2], 3}))};
  }
  ir::TensorId depthwise(ir::TensorId x, int32_t pad, int32_t multiplier = 1) {
    const ir::Shape shape = t.graph.tensor(x).shape;
    return t.op(ir::DepthwiseConv2D{.padding = {pad, pad, pad, pad}, .multiplier = multiplier},
                {x, t.weights({1, 3, 3, shape[3] * multiplier}, 5), ir::kNoTensor},
                t.int8({1, shape[1] + 2 * pad - 2, shape[2] + 2 * pad - 2, shape[3] * multiplier}));
  }
  /// Channels of each operator's output after the pass.
  std::vector<int> channels() const {
    EXPECT_THAT(ir::verify(t.graph), IsEmpty());
    expect_meaning_kept(t.graph, 1);
    std::vector<int> result;
    const ir::Graph graph = remove_constant_channels(t.graph);
    for (const ir::Operator& op : graph.operators) {
      result.push_back(static_cast<int>(channels_of(graph.tensor(op.output))));
    }
    return result;
  }
};

TEST(RemoveConstantChannels, FoldsThemIntoTheNextBias) {
  Chain chain;
  chain.finish(chain.a);
  EXPECT_THAT(chain.channels(), ElementsAre(4, 3));
  const ir::Graph result = remove_constant_channels(chain.t.graph);
  EXPECT_THAT(result.tensor(result.operators[0].output).source_channels, ElementsAre(0, 1, 2, 3));
  EXPECT_NE(result.operators[1].inputs[2], ir::kNoTensor) << "the second convolution needs a bias now";
}

TEST(RemoveConstantChannels, KeepsAConstantThatPaddingInterrupts) {
  Chain chain;
  chain.finish(chain.a, 1);
  EXPECT_THAT(chain.channels(), ElementsAre(8, 3)) << "at the border the zero point is read, not the constant";
}

TEST(RemoveConstantChannels, RemovesAConstantThatEqualsThePadding) {
  Chain chain;
  for (ir::Operator& op : chain.t.graph.operators) std::get<ir::Conv2D>(op.attributes).clamp = {-128, 3};
  chain.finish(chain.a, 1);
  EXPECT_THAT(chain.channels(), ElementsAre(4, 3)) << "all saturate at 3, which is the zero point";
}

TEST(RemoveConstantChannels, RemovesAChannelThroughDepthwiseConvolutions) {
  for (const int32_t multiplier : {1, 2}) {
    Chain chain;
    chain.finish(chain.depthwise(chain.a, 0, multiplier));
    EXPECT_THAT(chain.channels(), ElementsAre(4, 4 * multiplier, 3));
  }
}

TEST(RemoveConstantChannels, KeepsWhatADepthwiseConvolutionMakesDifferentAtTheBorder) {
  Chain chain;
  chain.finish(chain.depthwise(chain.a, 1));
  EXPECT_THAT(chain.channels(), ElementsAre(8, 8, 3));
}

TEST(RemoveConstantChannels, RemovesWhatIsOnlyReadByAConstantDepthwiseChannel) {
  Chain chain;
  const ir::TensorId d = chain.depthwise(chain.a, 1);
  for (size_t c = 4; c < 8; ++c) plant(chain.t.graph, chain.t.graph.operators.back(), c, Way::kNoWeights, 50);
  chain.finish(d);
  EXPECT_THAT(chain.channels(), ElementsAre(4, 4, 3));
}

TEST(RemoveConstantChannels, RemovesWhatIsMultipliedByZeros) {
  TestGraph t;
  const ir::TensorId x = t.input(t.int8({1, 4, 4, 2}));
  const ir::TensorId a = t.op(ir::Conv2D{}, {x, t.weights({8, 1, 1, 2}), ir::kNoTensor}, t.int8({1, 4, 4, 8}));
  std::vector<int8_t> values;
  for (int i = 0; i < 3 * 9 * 8; ++i) values.push_back(static_cast<int8_t>(i % 8 < 4 ? i % 19 - 9 : 0));
  const ir::TensorId w = t.constant({3, 3, 3, 8}, values);
  t.graph.outputs = {t.op(ir::Conv2D{.padding = {1, 1, 1, 1}}, {a, w, ir::kNoTensor}, t.int8({1, 4, 4, 3}, 0.5f))};
  const ir::Graph result = remove_constant_channels(t.graph);
  EXPECT_EQ(result.tensor(result.operators[0].output).shape.back(), 4);
  expect_meaning_kept(t.graph, 1);
}

TEST(RemoveConstantChannels, KeepsWhatTheModelPutsOut) {
  Chain chain;
  chain.finish(chain.a);
  chain.t.graph.outputs.push_back(chain.a);
  EXPECT_THAT(chain.channels(), ElementsAre(8, 3));
}

TEST(RemoveConstantChannels, KeepsAnOperandOfASumThatVaries) {
  Chain chain;
  TestGraph& t = chain.t;
  const ir::TensorId b =
      t.op(ir::Conv2D{}, {t.graph.inputs[0], t.weights({8, 1, 1, 2}, 9), ir::kNoTensor}, t.int8({1, 4, 4, 8}));
  chain.finish(t.op(ir::Add{}, {chain.a, b}, t.int8({1, 4, 4, 8})));
  EXPECT_THAT(chain.channels(), ElementsAre(8, 8, 8, 3));
}

TEST(RemoveConstantChannels, SlicesAConstantOperand) {
  Chain chain;
  TestGraph& t = chain.t;
  const ir::TensorId b = t.constant({8}, {1, 2, 3, 4, 5, 6, 7, 8});
  const ir::TensorId sum = t.op(ir::Add{}, {chain.a, b}, t.int8({1, 4, 4, 8}));
  chain.finish(t.op(ir::Mul{}, {sum, b}, t.int8({1, 4, 4, 8})));
  EXPECT_THAT(chain.channels(), ElementsAre(4, 4, 4, 3));
}

TEST(RemoveConstantChannels, RemovesThroughPoolsReshapesAndConcats) {
  Chain chain;
  TestGraph& t = chain.t;
  const ir::TensorId pool = t.op(ir::AveragePool2D{{2, 2}, {2, 2}, {}, {}}, {chain.a}, t.int8({1, 2, 2, 8}, 0.5f, 3));
  const ir::TensorId twice = t.op(ir::Concat{.axis = 3}, {pool, pool}, t.int8({1, 2, 2, 16}, 0.5f, 3));
  const ir::TensorId flat = t.op(ir::Reshape{}, {twice}, t.int8({1, 64}, 0.5f, 3));
  t.graph.outputs = {t.op(ir::Dense{}, {flat, t.weights({5, 64}, 3), ir::kNoTensor}, t.int8({1, 5}, 4.0f))};
  EXPECT_THAT(chain.channels(), ElementsAre(4, 4, 8, 32, 5));
}

TEST(RemoveConstantChannels, LeavesAnEvenNumber) {
  Chain chain;
  plant(chain.t.graph, chain.t.graph.operators[0], 0, Way::kNoWeights, 9);
  chain.finish(chain.a);
  EXPECT_THAT(chain.channels(), ElementsAre(4, 3)) << "3 channels vary, 4 are left";
}

}  // namespace
}  // namespace mote::passes
