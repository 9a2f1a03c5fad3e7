#include "deploy/pools.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "deploy/fit.h"
#include "deploy/host_library_test.h"
#include "ir/build.h"
#include "ir/random_graph.h"
#include "ir/random_model.h"
#include "memory/pools.h"
#include "reference/interpret.h"
#include "support/random.h"

namespace mote::deploy {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

/// Branches that live side by side: no plan can do without several large tensors at once.
ir::Graph model() {
  ir::GraphBuilder builder("net", 1);
  const ir::TensorId x = builder.input({1, 16, 16, 8});
  const ir::TensorId a = builder.conv_2d(x, 16, {3, 3});
  const ir::TensorId b = builder.conv_2d(x, 16, {1, 1});
  const ir::TensorId c = builder.conv_2d(a, 16, {3, 3});
  builder.output(builder.add(builder.add(c, b), a));
  return builder.finish();
}

/// A Cortex-M4 with these memories for data, the first of which has 1 KB for the stack, and no others.
target::Board board_with(const std::vector<uint32_t>& sizes) {
  target::Board board = target::load_board("nucleo-l4r5zi");
  std::erase_if(board.regions, [](const target::MemoryRegion& region) { return region.writable(); });
  uint32_t address = 0x20000000;
  for (const uint32_t size : sizes) {
    target::MemoryRegion region;
    region.name = "bank-" + std::to_string(board.regions.size());
    region.address = address;
    region.size = size;
    board.regions.push_back(region);
    address += 0x100000;
  }
  board.stack_bytes = 1024;
  return board;
}

/// Looks at every pool by itself.
void expect_legal(const Arena& arena, const target::Board& board) {
  int64_t total = 0;
  for (size_t p = 0; p < arena.pools.size(); ++p) {
    const ArenaPool& pool = arena.pools[p];
    total += pool.bytes;
    std::vector<int> content;
    std::vector<int64_t> offsets;
    for (size_t i = 0; i < arena.regions.size(); ++i) {
      if (arena.regions[i].pool != p) continue;
      content.push_back(static_cast<int>(i));
      offsets.push_back(arena.regions[i].offset);
      EXPECT_LE(arena.regions[i].offset + arena.regions[i].size, pool.bytes);
    }
    EXPECT_THAT(memory::violations(memory::part_of(arena.problem, content), offsets), IsEmpty());
    const auto memory = std::ranges::find(board.regions, pool.memory, &target::MemoryRegion::name);
    ASSERT_NE(memory, board.regions.end());
    EXPECT_LE(pool.bytes + (&*memory == &board.ram() ? board.stack_bytes : 0), memory->size);
  }
  EXPECT_EQ(arena.bytes(), total);
  EXPECT_LE(arena.plan.lower_bound_bytes, total);
}

void expect_same_as_reference(const Library& library, const ir::Graph& graph, Random& random) {
  HostLibrary host(library);
  host.init();
  for (int run = 0; run < 2; ++run) {
    const std::vector<Bytes> inputs = ir::random_inputs(graph, random);
    const std::vector<Bytes> tensors = reference::interpret(graph, inputs);
    const std::vector<Bytes> outputs = host.run(inputs);
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (graph.tensor(graph.outputs[i]).dtype == ir::DType::kFloat32) continue;
      EXPECT_EQ(outputs[i], tensors.at(static_cast<size_t>(graph.outputs[i])));
    }
  }
}

TEST(Pools, AreNotAskedWhereOneMemoryHoldsAll) {
  const Library alone = make_library(model(), "m", "net", board_with({64 * 1024}));
  const Library beside = make_library(model(), "m", "net", board_with({64 * 1024, 512 * 1024}));
  EXPECT_THAT(alone.arena.pools, IsEmpty());
  EXPECT_EQ(alone.sources, beside.sources);
}

TEST(Pools, HoldAModelThatNoMemoryHoldsAlone) {
  const int64_t whole = make_library(model(), "m", "net", board_with({64 * 1024})).arena.bytes();
  const uint32_t half = static_cast<uint32_t>(whole * 3 / 4 / 16 * 16);
  EXPECT_THROW(make_library(model(), "m", "net", board_with({half + 2048})), InputError);
  const target::Board board = board_with({half + 2048, half});
  const Library library = make_library(model(), "m", "net", board);
  ASSERT_EQ(library.arena.pools.size(), 2u);
  expect_legal(library.arena, board);
  EXPECT_THAT(library.sources.at(0).text, HasSubstr("#define NET_ARENA_BANK_2_BYTES"));
  EXPECT_THAT(library.sources.at(1).text, HasSubstr("__attribute__((section(\".bss.net_arena_bank_2\")))"));
  Random random(1);
  expect_same_as_reference(library, model(), random);
}

TEST(Pools, TakeAnotherMemoryThatHoldsAllOfIt) {
  const Library alone = make_library(model(), "m", "net", board_with({64 * 1024}));
  const target::Board board = board_with({4096, 2048, 64 * 1024});
  const Library library = make_library(model(), "m", "net", board);
  ASSERT_EQ(library.arena.pools.size(), 1u);
  EXPECT_EQ(library.arena.pools[0].memory, board.regions.back().name);
  EXPECT_EQ(library.arena.bytes(), alone.arena.bytes());
  expect_legal(library.arena, board);
}

TEST(Pools, GiveFastMemoryToWhatMovesMostForItsSize) {
  target::Board board = target::load_board("nucleo-f746zg");
  Goal goal;
  goal.fast_bytes = 0;
  EXPECT_THAT(make_library(model(), "m", "net", board, {}, goal).arena.pools, IsEmpty()) << "all of it fits";
  for (target::MemoryRegion& region : board.regions) {
    if (region.kind == target::MemoryRegion::Kind::kTightlyCoupledData) region.size = 8192;
  }
  EXPECT_THAT(make_library(model(), "m", "net", board).arena.pools, IsEmpty()) << "nobody asked";
  const Library library = make_library(model(), "m", "net", board, {}, goal);
  expect_legal(library.arena, board);
  std::set<std::string> memories;
  for (const ArenaPool& pool : library.arena.pools) memories.insert(pool.memory);
  EXPECT_THAT(memories, testing::UnorderedElementsAre("sram1", "dtcm"));
  Random random(2);
  expect_same_as_reference(library, model(), random);
}

TEST(PoolsProperty, RandomModelsInRandomBanksEqualTheReference) {
  int divided = 0;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    const ir::Graph graph = ir::random_model(seed);
    const int64_t whole = make_library(graph, "m", "net", board_with({1 << 20})).arena.bytes();
    const uint32_t part = static_cast<uint32_t>(whole * random.between(5, 9) / 10);
    const target::Board board = board_with({part + 2048, part, part / 2});
    try {
      const Library library = make_library(graph, "m", "net", board);
      if (library.arena.pools.empty()) continue;
      expect_legal(library.arena, board);
      divided += library.arena.pools.size() > 1 ? 1 : 0;
      expect_same_as_reference(library, graph, random);
    } catch (const InputError&) {
      // One tensor may be larger than every bank.
    }
  }
  EXPECT_GT(divided, 2);
}

}  // namespace
}  // namespace mote::deploy
