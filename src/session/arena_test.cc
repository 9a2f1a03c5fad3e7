#include "session/arena.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/random.h"

namespace mote::session {
namespace {

bool executable(const target::Board& board, const Block& block) {
  uint64_t covered = 0;
  for (const target::MemoryRegion& region : board.regions) {
    if (!region.writable() || !region.executable) continue;
    const uint64_t begin = std::max<uint64_t>(region.address, block.address), end = std::min(region.end(), block.end());
    if (begin < end) covered += end - begin;
  }
  return covered == block.size;
}

TEST(Arena, NeighbouringRegionsAreOne) {
  Arena arena(target::load_board("nucleo-f746zg"));
  const Block largest = arena.largest(16);
  EXPECT_EQ(largest.address, 0x20000000u);  // DTCM, SRAM1 and SRAM2 follow each other
  EXPECT_EQ(largest.size, 320u << 10);
  const std::optional<Block> all = arena.take(320 << 10, 16);
  ASSERT_TRUE(all);
  const std::optional<Block> rest = arena.take(1000, 16);  // what is left is ITCM
  ASSERT_TRUE(rest);
  EXPECT_LT(rest->address, 16u << 10);
  EXPECT_NE(rest->address, 0u) << "an object at address 0 looks like a null pointer";
  arena.give_back(*all);
  EXPECT_EQ(arena.largest(16).size, 320u << 10);
}

TEST(Arena, CodeIsPutWhereItCanRun) {
  const target::Board board = target::load_board("nucleo-f746zg");
  Arena arena(board);
  while (const std::optional<Block> block = arena.take_code(5000, 32)) {
    EXPECT_TRUE(executable(board, *block)) << block->address;
  }
  const uint32_t left = arena.largest(1).size;  // DTCM, and below 5000 bytes and their alignment behind it
  EXPECT_GE(left, 64u << 10);
  EXPECT_LT(left, (64u << 10) + 5000 + 32);
}

// Random takes and gives: blocks never overlap, lie in memory, are aligned; at the end all is free and in one piece
// again.
TEST(Arena, NeverGivesAByteTwice) {
  for (const char* name : {"nucleo-f746zg", "nucleo-h743zi", "stm32f4-discovery", "host"}) {
    const target::Board board = target::load_board(name);
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      SCOPED_TRACE(testing::Message() << name << " seed " << seed);
      Random random(seed);
      Arena arena(board);
      const uint64_t total = arena.free_bytes();
      const Block largest = arena.largest(1);
      std::map<uint32_t, Block> taken;
      uint64_t used = 0;
      for (int step = 0; step < 300; ++step) {
        if (!taken.empty() && random.below(3) == 0) {
          const auto victim = std::next(taken.begin(), static_cast<ptrdiff_t>(random.below(taken.size())));
          const Block block = victim->second;
          const uint32_t kept = random.below(2) ? 0 : static_cast<uint32_t>(random.below(block.size));
          arena.give_back({block.address + kept, block.size - kept});
          used -= block.size - kept;
          taken.erase(victim);
          if (kept > 0) taken[block.address] = {block.address, kept};
          continue;
        }
        const uint32_t size = static_cast<uint32_t>(random.below(20'000)) + 1, alignment = 1u << random.below(9);
        const bool code = random.below(2) == 0;
        const std::optional<Block> block = code ? arena.take_code(size, alignment) : arena.take(size, alignment);
        if (!block) continue;
        ASSERT_EQ(block->size, size);
        ASSERT_EQ(block->address % alignment, 0u);
        if (code) {
          ASSERT_TRUE(executable(board, *block));
        }
        const auto next = taken.lower_bound(block->address);
        if (next != taken.end()) {
          ASSERT_LE(block->end(), next->first);
        }
        if (next != taken.begin()) {
          ASSERT_LE(std::prev(next)->second.end(), block->address);
        }
        taken[block->address] = *block;
        used += size;
        ASSERT_EQ(arena.free_bytes() + used, total);
      }
      for (const auto& [address, block] : taken) arena.give_back(block);
      EXPECT_EQ(arena.free_bytes(), total);
      EXPECT_EQ(arena.largest(1).size, largest.size);
    }
  }
}

}  // namespace
}  // namespace mote::session
