// The clocks that semihosting gives are the one cycle counter.
#include <gtest/gtest.h>

#include "board_sim/firmware_test.h"

namespace mote::board_sim {
namespace {

TEST(SemihostingClock, IsTheCycleCounter) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  Rig rig("nucleo-l4r5zi");
  rig.load(R"(
    ldr r4, =0x20000100
    ldr r5, =5000000
  1: subs r5, #1
    bne 1b
    movs r0, #0x10        @ SYS_CLOCK: hundredths of a second
    bkpt 0xab
    mov r6, r0
    movs r0, #0x30        @ SYS_ELAPSED: 64 bits of ticks
    mov r1, r4
    bkpt 0xab
    movs r0, #0x31        @ SYS_TICKFREQ
    bkpt 0xab
    mov r7, r0
    movs r0, #0x18
    ldr r1, =0x20026
    bkpt 0xab
    .ltorg
  )");
  ASSERT_EQ(rig.machine->run().reason, Halt::Reason::kExit);
  EXPECT_EQ(rig.reg(7), rig.board.clock_hz);
  EXPECT_EQ(rig.reg(6), 12u) << "5 million rounds of 3 cycles at 120 MHz";
  const uint64_t ticks = *rig.machine->memory().value(0x20000100, 4);
  EXPECT_EQ(*rig.machine->memory().value(0x20000104, 4), 0u);
  EXPECT_GT(ticks, 15'000'000u);
  EXPECT_LT(ticks, rig.machine->cycles());
  EXPECT_GT(ticks + 20, rig.machine->cycles()) << "a few instructions later it was over";
}

}  // namespace
}  // namespace mote::board_sim
