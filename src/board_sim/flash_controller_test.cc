#include "board_sim/flash_controller.h"

#include <gtest/gtest.h>

#include "board_sim/firmware_test.h"

namespace mote::board_sim {
namespace {

constexpr uint32_t kKey1 = 0x45670123, kKey2 = 0xCDEF89AB, kLockBit = 1u << 31, kGo = 1u << 16;

TEST(FlashController, ErasesOneSectorOnceUnlocked) {
  Rig rig("nucleo-f746zg");
  constexpr uint32_t kBase = 0x40023C00;
  rig.write(0x08007FFC, 1);
  rig.write(0x08008000, 2);
  rig.write(0x0800FFFC, 3);
  rig.write(0x08010000, 4);
  rig.write(kBase + 0x10, 2 | 1 << 3 | kGo);
  EXPECT_EQ(rig.read(0x08008000), 2u) << "still locked";
  EXPECT_EQ(rig.read(kBase + 0x10), kLockBit);
  rig.write(kBase + 4, kKey1);
  rig.write(kBase + 4, kKey2);
  EXPECT_EQ(rig.read(kBase + 0x10), 0u);
  rig.write(kBase + 0x10, 2 | 1 << 3 | kGo);
  EXPECT_EQ(rig.read(0x08007FFC), 1u);
  EXPECT_EQ(rig.read(0x08008000), ~0u);
  EXPECT_EQ(rig.read(0x0800FFFC), ~0u);
  EXPECT_EQ(rig.read(0x08010000), 4u);
  EXPECT_EQ(rig.read(kBase + 0xC) & 1, 1u) << "end of operation";
}

TEST(FlashController, BanksOfAnL4) {
  Rig rig("nucleo-l4r5zi");
  constexpr uint32_t kBase = 0x40022000;
  rig.write(0x08001000, 1);
  rig.write(0x08101000, 2);
  rig.write(kBase + 8, kKey1);
  rig.write(kBase + 8, kKey2);
  rig.write(kBase + 0x14, 2 | 1 << 3 | 1 << 11 | kGo);
  EXPECT_EQ(rig.read(0x08001000), 1u);
  EXPECT_EQ(rig.read(0x08101000), ~0u);
}

TEST(FlashController, CodeProgramsFlashOnlyInItsMode) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  const std::string begin =
      "ldr r0, =0x40023C00\n ldr r1, =0x45670123\n str r1, [r0, #4]\n ldr r1, =0xCDEF89AB\n"
      "str r1, [r0, #4]\n movs r1, #1\n";
  const std::string store =
      "str r1, [r0, #0x10]\n ldr r2, =0x08020000\n ldr r3, =0x12345678\n str r3, [r2], #4\n"
      "strh r3, [r2], #2\n strb r3, [r2]\n movs r1, #0\n str r1, [r0, #0x10]\n";
  Rig rig;
  rig.load(begin + store + "bkpt 0\n .ltorg");
  rig.machine->debugger = true;
  ASSERT_EQ(rig.machine->run().reason, Halt::Reason::kBreakpoint);
  EXPECT_EQ(rig.read(0x08020000), 0x12345678u);
  EXPECT_EQ(rig.read(0x08020004), 0xFF785678u);
  EXPECT_EQ(rig.reg(2), 0x08020006u);
  rig.load(begin + store + "str r3, [r2]\n bkpt 0\n .ltorg");
  const Halt halt = rig.machine->run();
  EXPECT_EQ(halt.reason, Halt::Reason::kFault) << "programming has ended";
  EXPECT_EQ(halt.fault->address, 0x08020006u);
  EXPECT_EQ(rig.read(0x08020000), 0x12345678u) << "programming the same again changes nothing";
}

TEST(FlashController, ProgrammingOnlyClearsBits) {
  const target::Board board = target::load_board("nucleo-f746zg");
  Memory memory(board);
  FlashController controller(board, memory);
  EXPECT_TRUE(controller.program(0x08000000, 0xF0F0F0F0, 4));
  EXPECT_TRUE(controller.program(0x08000000, 0xFF00FF00, 4));
  EXPECT_EQ(memory.value(0x08000000, 4), 0xF000F000u);
  EXPECT_FALSE(controller.program(0x70000000, 0, 4));
}

}  // namespace
}  // namespace mote::board_sim
