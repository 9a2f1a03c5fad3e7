#include "board_sim/memory_model.h"

#include <gtest/gtest.h>

#include "board_sim/firmware_test.h"

namespace mote::board_sim {
namespace {

TEST(TagMemory, KeepsTheLinesUsedLast) {
  TagMemory tags(1, 2, 32, 8);
  EXPECT_FALSE(tags.access(0));
  EXPECT_TRUE(tags.access(7));
  EXPECT_FALSE(tags.access(8)) << "another part of the same line";
  EXPECT_FALSE(tags.access(32));
  EXPECT_TRUE(tags.access(0));
  EXPECT_FALSE(tags.access(64)) << "pushes out line 1, used before line 0";
  EXPECT_TRUE(tags.access(8));
  EXPECT_FALSE(tags.access(32));
}

TEST(TagMemory, SetsDoNotDisturbEachOther) {
  TagMemory tags(4, 1, 32, 32);
  for (uint32_t address = 0; address < 128; address += 32) EXPECT_FALSE(tags.access(address));
  for (uint32_t address = 0; address < 128; address += 32) EXPECT_TRUE(tags.access(address));
  EXPECT_FALSE(tags.access(128));
  EXPECT_FALSE(tags.access(0));
  EXPECT_TRUE(tags.access(32));
}

class FlashProfile : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  }
  struct Cycles {
    uint64_t all, memory;
  };
  Cycles run(const std::string& board_name, const std::string& text) {
    const target::Board board = target::load_board(board_name);
    Machine machine(board, MemoryProfile::kFlash);
    const std::vector<std::byte> code = assemble(text);
    const uint32_t vectors[2] = {kStack, kCode | 1};
    EXPECT_TRUE(machine.write(kCode, code));
    EXPECT_TRUE(machine.write(board.flash().address, std::as_bytes(std::span(vectors))));
    machine.reset();
    machine.debugger = true;
    EXPECT_EQ(machine.run().reason, Halt::Reason::kBreakpoint);
    return {machine.cycles(), machine.memory_cycles()};
  }
};

TEST_F(FlashProfile, ALoopThatFitsTheAcceleratorIsReadOnce) {
  const char* const text = "movw r0, #{}\n1: adds r1, #1\n adds r2, #1\n adds r3, #1\n subs r0, #1\n bne 1b\n bkpt 0";
  const Cycles once = run("nucleo-l4r5zi", fmt::format(fmt::runtime(text), 2));
  const Cycles often = run("nucleo-l4r5zi", fmt::format(fmt::runtime(text), 1000));
  EXPECT_GT(once.memory, 5u);
  EXPECT_LE(often.memory - once.memory, 998u * 2);
}

TEST_F(FlashProfile, StreamingFromFlashWaitsForEveryWord) {
  const std::string text =
      "ldr r0, =0x08004000\n mov r1, #1024\n1: ldr r2, [r0], #4\n subs r1, #1\n bne 1b\n bkpt 0\n .ltorg";
  const Cycles cycles = run("nucleo-l4r5zi", text);
  EXPECT_NEAR(static_cast<double>(cycles.memory) / 512, 7, 0.5) << "cycles for each 8 bytes";
}

TEST_F(FlashProfile, NoWaitStatesCostNothing) {
  const Cycles cycles =
      run("nucleo-l4r5zi",
          "ldr r0, =0x40022000\n mov r1, #0x600\n str r1, [r0]\n ldr r0, =0x08004000\n mov r1, #1024\n"
          "1: ldr r2, [r0], #4\n subs r1, #1\n bne 1b\n bkpt 0\n .ltorg");
  EXPECT_LT(cycles.memory, 100u) << "only until the wait states are switched off";
}

TEST_F(FlashProfile, CachesMissOncePerLine) {
  const std::string text =
      "mov r3, #2\n2: ldr r0, =0x{}\n mov r1, #512\n1: ldr r2, [r0], #4\n subs r1, #1\n bne 1b\n"
      "subs r3, #1\n bne 2b\n bkpt 0\n .ltorg";
  const target::Board board = target::load_board("nucleo-f746zg");
  const auto cycles = [&](const char* address) {
    return static_cast<double>(run("nucleo-f746zg", fmt::format(fmt::runtime(text), address)).memory);
  };
  // 2 KB fit the cache, so the second pass is free; the few lines of code and literals come on top.
  const double lines = 2048 / 32, slack = 5 * board.simulation.fetch_miss_cycles;
  EXPECT_NEAR(cycles("08004000"), lines * board.simulation.flash_miss_cycles, slack);
  EXPECT_NEAR(cycles("20010000"), lines * board.simulation.ram_miss_cycles, slack);
  EXPECT_NEAR(cycles("20000000"), 0, slack) << "tightly coupled";
}

TEST_F(FlashProfile, ABoardWithoutFiguresIsRefused) {
  const target::Board board = target::load_board("mps2-an500");
  EXPECT_THROW(Machine(board, MemoryProfile::kFlash), InputError);
}

}  // namespace
}  // namespace mote::board_sim
