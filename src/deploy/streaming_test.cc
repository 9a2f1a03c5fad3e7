#include "deploy/streaming.h"

#include <gmock/gmock.h>

#include <set>

#include "deploy/concatenations.h"
#include "deploy/firmware.h"
#include "deploy/host_library_test.h"
#include "deploy/library.h"
#include "deploy/order.h"
#include "deploy/shared_code.h"
#include "deploy/views.h"
#include "ir/build.h"
#include "ir/random_graph.h"
#include "passes/insert_operands.h"
#include "passes/pipeline.h"
#include "reference/interpret.h"

namespace mote::deploy {
namespace {

std::vector<Bytes> reference_outputs(const ir::Graph& graph, const std::vector<Bytes>& inputs) {
  const std::vector<Bytes> tensors = reference::interpret(graph, inputs);
  std::vector<Bytes> outputs;
  for (const ir::TensorId id : graph.outputs) outputs.push_back(tensors.at(static_cast<size_t>(id)));
  return outputs;
}

void expect_same_as_reference(const Library& library, const ir::Graph& graph, uint64_t seed) {
  EXPECT_THAT(memory::violations(library.arena.problem, library.arena.plan.offsets), testing::IsEmpty());
  HostLibrary host(library);
  host.init();
  Random random(seed);
  for (int run = 0; run < 2; ++run) {
    const std::vector<Bytes> inputs = ir::random_inputs(graph, random);
    EXPECT_EQ(host.run(inputs), reference_outputs(graph, inputs));
  }
}

/// A library of `graph` as it is, planned in a hurry.
Library library_of(const ir::Graph& graph) {
  Library library;
  library.network = make_network(graph, "net", target::load_target("cortex-m7"));
  library.arena = plan_arena(library.network, {.hill_climbing = 400'000, .exact = 400'000});
  mark_overlaps(&library.network, library.arena);
  library.origin = {"net.tflite", "nucleo-f746zg", "cortex-m7", kKernelFlags};
  library.sources = emit_sources(library.network, library.arena, library.origin);
  return library;
}

/// Convolutions of all kinds, a pool and a residual addition.
ir::Graph image_network(uint64_t seed) {
  ir::GraphBuilder builder("image", seed);
  Random& random = builder.random();
  const int32_t channels = random.below(2) == 0 ? 8 : 6;
  const ir::TensorId x = builder.input({1, 16, 12, 4});
  const ir::TensorId a = builder.conv_2d(x, channels, {3, 3}, {.activation = ir::Activation::kRelu});
  const ir::TensorId b = builder.depthwise_conv_2d(a, 1, {static_cast<int32_t>(random.between(1, 4)), 3});
  const ir::TensorId c = builder.conv_2d(b, channels, {1, 1});
  const ir::TensorId d = builder.add(a, c);
  const ir::TensorId e = builder.conv_2d(d, 2 * channels, {3, 3}, {.stride = {2, 2}});
  const ir::TensorId f = builder.conv_2d(d, 2 * channels, {1, 1}, {.stride = {2, 2}});
  const ir::TensorId g = builder.max_pool_2d(builder.add(e, f), {2, 2}, {.stride = {2, 2}});
  builder.output(builder.mean(g, {1, 2}, false));
  return builder.finish();
}

TEST(Streaming, StretchesOfAnImageNetworkEqualTheReference) {
  int tried = 0;
  for (uint64_t seed = 1; seed <= 7; ++seed) {
    Random random(seed);
    const ir::Graph graph = image_network(seed);
    const ir::Graph passed = passes::run_passes(graph);
    const size_t first = random.below(4), last = first + 2 + random.below(passed.operators.size() - first - 2);
    const int32_t strips = seed < 4 ? 1 : static_cast<int32_t>(random.between(2, 3));
    const passes::Stretch stretch{first, last, static_cast<int32_t>(random.between(1, 5)), strips};
    SCOPED_TRACE(testing::Message() << "seed " << seed << ": " << first << " to " << last << " by " << stretch.rows
                                    << " in " << strips);
    const std::optional<passes::Streamed> streamed = passes::stream(passed, stretch);
    if (!streamed) continue;
    ++tried;
    expect_same_as_reference(library_of(streamed->graph), graph, seed);
    if (HasFailure()) return;
  }
  EXPECT_GT(tried, 3);
}

/// In two strips, by two rows: inserts are what puts the results together.
TEST(Streaming, InsertsFillOneTensorInPlaceAndShareTheirCode) {
  const ir::Graph graph = passes::run_passes(image_network(1));
  const std::optional<passes::Streamed> streamed = passes::stream(graph, {0, 3, 2, 2});
  ASSERT_TRUE(streamed);
  const Library library = library_of(streamed->graph);
  const SharedCode shared = share_code(library.network);
  size_t inserts = 0, functions = 0;
  std::set<int> regions;
  for (size_t i = 0; i < streamed->graph.operators.size(); ++i) {
    const ir::Operator& op = streamed->graph.operators[i];
    if (!std::holds_alternative<ir::Insert>(op.attributes)) continue;
    ++inserts;
    functions += shared.owner[i] == i ? 1 : 0;
    regions.insert(library.arena.region_of_tensor[static_cast<size_t>(op.output)]);
  }
  EXPECT_EQ(inserts, 16u);
  EXPECT_LE(functions, 2u) << "the first one, and one for all places";
  EXPECT_EQ(regions.size(), 1u);
  expect_same_as_reference(library, graph, 1);
}

/// Three convolutions, of which the tensors in between are wide: neither whole nor by rows do they fit as in strips.
TEST(Streaming, StripsFitWhereRowsDoNot) {
  ir::GraphBuilder builder("wide", 1);
  const ir::TensorId x = builder.input({1, 12, 48, 2});
  const ir::TensorId a = builder.conv_2d(x, 16, {3, 3}), b = builder.conv_2d(a, 16, {3, 3});
  builder.output(builder.max_pool_2d(b, {4, 4}, {.stride = {4, 4}}));
  const ir::Graph graph = builder.finish();
  const target::Board board = target::load_board("nucleo-f746zg");
  int64_t by_rows = std::numeric_limits<int64_t>::max();
  for (const int32_t rows : {1, 2}) {
    const std::optional<passes::Streamed> streamed = passes::stream(passes::run_passes(graph), {0, 2, rows});
    ASSERT_TRUE(streamed);
    by_rows = std::min(by_rows, library_of(streamed->graph).arena.bytes());
  }
  const Library library = make_library(graph, "wide.tflite", "", board, {}, {Goal::Optimize::kSpeed, by_rows / 2, {}});
  EXPECT_LE(library.arena.bytes(), by_rows / 2);
  expect_same_as_reference(library, graph, 1);
}

TEST(Streaming, TheLeastRamIsLessAndTheBytesAreTheSame) {
  ir::GraphBuilder builder("chain", 1);
  const ir::TensorId x = builder.input({1, 20, 10, 4});
  const ir::TensorId a = builder.conv_2d(x, 8, {3, 3});
  builder.output(builder.conv_2d(a, 4, {3, 3}, {.stride = {2, 2}}));
  const ir::Graph graph = builder.finish();
  const target::Board board = target::load_board("nucleo-f746zg");
  const Library fastest = make_library(graph, "chain.tflite", "", board);
  Goal goal;
  goal.optimize = Goal::Optimize::kRam;
  const Library least = make_library(graph, "chain.tflite", "", board, {}, goal);
  EXPECT_LT(least.arena.bytes(), fastest.arena.bytes() * 3 / 4);
  EXPECT_GT(least.network.graph.operators.size(), fastest.network.graph.operators.size());
  expect_same_as_reference(least, graph, 1);
}

TEST(Optimize, TheLeastFlashIsLessAndBothBudgetsAreKept) {
  ir::GraphBuilder builder("chain", 1);
  ir::TensorId x = builder.input({1, 12, 10, 16});
  for (int i = 0; i < 3; ++i) x = builder.conv_2d(x, 16, {3, 3});
  builder.output(x);
  const ir::Graph graph = builder.finish();
  const target::Board board = target::load_board("nucleo-f746zg");
  toolchain::Toolchain toolchain(board);
  const auto flash_of = [&](const Library& library) { return measure(library, board, toolchain).flash_bytes(); };
  const Library fastest = make_library(graph, "chain.tflite", "", board);
  const Library least = make_library(graph, "chain.tflite", "", board, {}, {Goal::Optimize::kFlash, {}, {}});
  EXPECT_LT(flash_of(least), flash_of(fastest) - 3000);
  expect_same_as_reference(least, graph, 1);

  const int64_t ram = fastest.arena.bytes() - 500;
  const Library both = make_library(graph, "chain.tflite", "", board, {}, {Goal::Optimize::kSpeed, ram, 10'800});
  EXPECT_LE(both.arena.bytes(), ram);
  EXPECT_LT(flash_of(both), flash_of(fastest) - 1000);
  EXPECT_GT(flash_of(both), flash_of(least));
  expect_same_as_reference(both, graph, 1);
}

TEST(Streaming, WeightsOfAllPartsAreStoredOnce) {
  const ir::Graph graph = passes::run_passes(image_network(1));
  const std::optional<passes::Streamed> streamed = passes::stream(graph, {0, 3, 2});
  ASSERT_TRUE(streamed);
  const target::Target target = target::load_target("cortex-m7");
  const size_t before = constant_bytes(make_network(graph, "net", target));
  const size_t after = constant_bytes(make_network(streamed->graph, "net", target));
  EXPECT_LT(after, before + before / 4);
}

TEST(Streaming, TheMicroKernelOfAllPartsIsThereOnce) {
  const ir::Graph graph = passes::run_passes(image_network(1));
  const std::optional<passes::Streamed> streamed = passes::stream(graph, {0, 3, 2});
  ASSERT_TRUE(streamed);
  const Network network = make_network(streamed->graph, "net", target::load_target("cortex-m7"));
  const SharedCode shared = share_code(network);
  int borrowed = 0;
  for (size_t i = 0; i < network.kernels.size(); ++i) {
    if (!network.kernels[i] || shared.owner[i] != i) continue;
    const loop::Program program = shared.function_of(network, i);
    for (size_t f = 0; f < program.functions.size(); ++f) {
      if (shared.homes[i][f] == i) continue;
      ++borrowed;
      const std::string& home = network.kernels[shared.homes[i][f]]->program.name;
      EXPECT_TRUE(program.functions[f].name.starts_with(home + "_")) << program.functions[f].name;
      EXPECT_EQ(program.functions[f].text.find("__asm__"), std::string::npos);
      EXPECT_TRUE(shared.runs_for(network, i, program.functions[f].name));
      EXPECT_FALSE(shared.runs_for(network, shared.homes[i][f], program.name));
    }
  }
  EXPECT_GT(borrowed, 0) << "parts of other heights call one micro-kernel";
  expect_same_as_reference(library_of(streamed->graph), graph, 1);
}

TEST(Views, ConcatenationsAreWrittenInPlaceAndSlicesAreNotCopied) {
  ir::GraphBuilder builder("views", 1);
  const ir::TensorId x = builder.input({1, 4, 8, 4});
  const ir::TensorId a = builder.conv_2d(x, 4, {1, 1}), b = builder.conv_2d(x, 4, {3, 3});
  const ir::Quantization quant = builder.graph().tensor(a).quant.value();
  builder.graph().tensor(b).quant = quant;
  const ir::TensorId both = builder.concat({a, b}, 1);
  const ir::TensorId lower = builder.slice(both, {0, 4, 0, 0}, {1, 4, 8, 4});
  const ir::TensorId columns = builder.slice(both, {0, 0, 2, 0}, {1, 8, 4, 4});
  builder.output(builder.max_pool_2d(lower, {2, 2}, {}));
  builder.output(columns);
  const ir::Graph graph = builder.finish();
  const Views views = views_of(graph);
  EXPECT_EQ(views.takes_no_code, (std::vector<bool>{false, false, true, true, false, false}));
  EXPECT_EQ(views.places[static_cast<size_t>(lower)].root, both);
  EXPECT_EQ(views.places[static_cast<size_t>(lower)].offset, 4 * 8 * 4);
  EXPECT_EQ(views.places[static_cast<size_t>(b)].offset, 4 * 8 * 4);
  expect_same_as_reference(library_of(graph), graph, 1);
}

/// A block as Inception has it: branches of two convolutions each, joined along their channels.
ir::Graph inception_block(uint64_t seed) {
  ir::GraphBuilder builder("inception", seed);
  const ir::TensorId x = builder.input({1, 12, 12, 4});
  std::vector<ir::TensorId> branches;
  for (const int32_t window : {1, 3, 1, 3}) {
    const ir::TensorId reduced = builder.conv_2d(x, 4, {1, 1}, {.activation = ir::Activation::kRelu});
    branches.push_back(builder.conv_2d(reduced, 8, {window, window}));
    builder.graph().tensor(branches.back()).quant = builder.graph().tensor(branches.front()).quant;
  }
  builder.output(builder.mean(builder.concat(branches, 3), {1, 2}, false));
  return builder.finish();
}

TEST(Concatenations, AreTakenApartWhereThatTakesLessRam) {
  const ir::Graph graph = inception_block(1);
  const target::Board board = target::load_board("nucleo-f746zg");
  for (const Goal::Optimize optimize : {Goal::Optimize::kSpeed, Goal::Optimize::kRam}) {
    const Library library = make_library(graph, "inception.tflite", "", board, {}, {optimize, {}, {}});
    const ir::Graph whole = order_for_ram(passes::run_passes(graph));
    const Network network = make_network(whole, "net", board.target);
    EXPECT_LT(library.arena.bytes(), plan_arena(network).bytes());
    EXPECT_TRUE(library.arena.plan.optimal);
    const std::vector<ir::Operator>& operators = library.network.graph.operators;
    EXPECT_EQ(std::count_if(operators.begin(), operators.end(),
                            [](const ir::Operator& op) { return std::holds_alternative<ir::Insert>(op.attributes); }),
              4);
    expect_same_as_reference(library, graph, 1);
  }
}

TEST(Concatenations, TakenApartAlongAnyAxisEqualTheReference) {
  for (int32_t axis = 1; axis <= 3; ++axis) {
    SCOPED_TRACE(testing::Message() << "axis " << axis);
    ir::GraphBuilder builder("apart", static_cast<uint64_t>(axis));
    const ir::TensorId x = builder.input({1, 5, 4, 3});
    const ir::TensorId a = builder.logistic(x), b = builder.logistic(builder.conv_2d(x, 3, {3, 3}));
    builder.output(builder.concat({b, a, b, a}, axis));
    const ir::Graph graph = builder.finish();
    const std::optional<ir::Graph> apart = passes::insert_operands(graph, 3);
    ASSERT_TRUE(apart);
    expect_same_as_reference(library_of(*apart), graph, 1);
  }
}

TEST(Concatenations, StayWholeWhereThatTakesNoMoreRam) {
  ir::GraphBuilder builder("two", 1);
  const ir::TensorId x = builder.input({1, 12, 12, 4});
  const ir::TensorId a = builder.conv_2d(x, 8, {1, 1}), b = builder.conv_2d(x, 8, {3, 3});
  builder.graph().tensor(b).quant = builder.graph().tensor(a).quant;
  builder.output(builder.concat({a, b}, 3));
  const ir::Graph graph = builder.finish();
  EXPECT_FALSE(apart_for_ram(order_for_ram(passes::run_passes(graph))));
  expect_same_as_reference(library_of(graph), graph, 1);
}

TEST(Views, AnInputAndWhatIsInTwoConcatenationsIsCopied) {
  ir::GraphBuilder builder("copies", 1);
  const ir::TensorId x = builder.input({1, 4, 8, 4});
  const ir::TensorId a = builder.logistic(x);
  const ir::TensorId once = builder.concat({a, a}, 1), twice = builder.concat({a, once}, 1);
  builder.output(once);
  builder.output(builder.concat({x, builder.max_pool_2d(x, {1, 1}, {})}, 1));
  builder.output(twice);
  const ir::Graph graph = builder.finish();
  const Views views = views_of(graph);
  EXPECT_EQ(views.takes_no_code, (std::vector<bool>{false, false, true, false, false}));
  expect_same_as_reference(library_of(graph), graph, 1);
}

}  // namespace
}  // namespace mote::deploy
