// What the machine adds to the emulator, instruction by instruction: alignment, rounding, interrupts in between.
#include <gtest/gtest.h>

#include "board_sim/firmware_test.h"
#include "board_sim/machine.h"

namespace mote::board_sim {
namespace {

using Reason = Halt::Reason;

constexpr const char* kEnableFpu = "ldr r0, =0xE000ED88\n ldr r1, =0x00F00000\n str r1, [r0]\n dsb\n isb\n";

class InstructionTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
    use("nucleo-f746zg");
  }
  void use(const std::string& board) {
    rig = std::make_unique<Rig>(board);
    machine = rig->machine.get();
  }
  Halt run(const std::string& text) {
    rig->load(text);
    machine->debugger = true;
    return machine->run();
  }
  void expect_fault(const std::string& text, uint32_t offset, uint32_t status) {
    const Halt halt = run(text);
    ASSERT_EQ(halt.reason, Reason::kFault) << text;
    EXPECT_EQ(halt.fault->status, status) << describe(*halt.fault);
    EXPECT_EQ(rig->reg(15), kCode + offset) << text;
    EXPECT_EQ(rig->read(0xE000ED28), status) << text;
  }

  std::unique_ptr<Rig> rig;
  Machine* machine = nullptr;
};

TEST_F(InstructionTest, FixedPointIsConvertedToNearestWhateverTheRoundingMode) {
  // The condition, and stopping inside the IT block, must not make it run twice.
  for (const char* mode : {"0x00000000", "0x00400000", "0x00800000", "0x00C00000"}) {
    run(
        fmt::format("{}ldr r2, ={}\n vmsr fpscr, r2\n ldr r1, =0x7FFFFFFF\n vmov s12, r1\n vmov s27, r1\n cmp r0, r0\n"
                    "itett le\n movwle r6, #6427\n vcvtgt.f32.u16 s27, s27, #13\n vmovle r5, s12\n"
                    "vcvtle.f32.s32 s12, s12, #9\n vmov r3, s12\n vmov r4, s27\n vmrs r7, fpscr\n bkpt 0\n .ltorg",
                    kEnableFpu, mode));
    EXPECT_EQ(rig->reg(3), 0x4A800000u) << mode;
    EXPECT_EQ(rig->reg(4), 0x7FFFFFFFu) << mode;
    EXPECT_EQ(rig->reg(7) & 0x00C00000, std::stoul(mode, nullptr, 16)) << mode;
  }
}

TEST_F(InstructionTest, UnalignedAccessesFaultWhenAskedTo) {
  const std::string trap =
      "ldr r0, =0xE000ED14\n ldr r1, [r0]\n orr r1, #8\n str r1, [r0]\n dsb\n isb\n ldr r1, =0x20000102\n";
  expect_fault(trap + "ldr r2, [r1]\n b .\n .ltorg", 20, kCfsrUnaligned);
  expect_fault(trap + "strh r2, [r1, #1]\n b .\n .ltorg", 20, kCfsrUnaligned);
  expect_fault(trap + "movs r3, #1\n ldrsh r2, [r1, r3, lsl #0]\n b .\n .ltorg", 22, kCfsrUnaligned);
  expect_fault(trap + "ldrh r3, [r1], #2\n str r2, [r1], #2\n ldr r2, [r1]\n b .\n .ltorg", 28, kCfsrUnaligned);
  EXPECT_EQ(run(trap + "ldrh r2, [r1]\n ldrb r2, [r1, #1]\n ldr r2, [r1, #2]\n bkpt 0\n .ltorg").reason,
            Reason::kBreakpoint);
}

TEST_F(InstructionTest, ACortexM0AlwaysFaultsOnUnalignedAccesses) {
  target::Board board = target::load_board("nucleo-f746zg");
  board.target = target::load_target("cortex-m0");
  Machine small(board);
  const std::vector<std::byte> code = assemble("ldr r0, =0x20000102\n ldrh r1, [r0]\n ldr r1, [r0]\n b .\n .ltorg");
  const uint32_t vectors[] = {kStack, kCode | 1};
  ASSERT_TRUE(small.write(kCode, code));
  ASSERT_TRUE(small.write(board.flash().address, std::as_bytes(std::span(vectors))));
  small.reset();
  small.debugger = true;
  const Halt halt = small.run();
  ASSERT_EQ(halt.reason, Reason::kFault);
  EXPECT_EQ(halt.fault->pc, kCode + 4);
}

TEST_F(InstructionTest, AnInterruptIsTakenAtItsInstruction) {
  // A Cortex-M4 in one long block of single-cycle instructions: the handler sees how far it came.
  use("nucleo-l4r5zi");
  for (const int period : {40, 41, 67}) {
    rig->load(fmt::format(
        "ldr r0, =0xE000E010\n ldr r1, ={}\n str r1, [r0, #4]\n str r1, [r0, #8]\n movs r1, #7\n movs r6, #0\n"
        "str r1, [r0]\n b 1f\n 1: .rept 200\n adds r6, #1\n .endr\n b .\n .ltorg\n .balign 256\n bkpt 0",
        period));
    rig->vector(kSysTick, kCode + 512);
    machine->debugger = true;
    EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
    EXPECT_NEAR(static_cast<double>(rig->reg(6)), period, 2) << period;
  }
}

TEST_F(InstructionTest, UnalignedLoadsTakeLonger) {
  const auto cycles = [&](const std::string& board, int offset) {
    use(board);
    run(fmt::format(
        "ldr r1, ={:#x}\n movs r3, #{}\n b 1f\n 1: .rept 10\n ldr r2, [r1, r3]\n nop\n .endr\n bkpt 0\n .ltorg",
        0x20000100, offset));
    return machine->cycles();
  };
  EXPECT_EQ(cycles("nucleo-f746zg", 1) - cycles("nucleo-f746zg", 0), 20u);
  EXPECT_EQ(cycles("nucleo-f746zg", 4) - cycles("nucleo-f746zg", 0), 0u);
  EXPECT_EQ(cycles("nucleo-l4r5zi", 1) - cycles("nucleo-l4r5zi", 0), 20u) << "byte, halfword, byte";
  EXPECT_EQ(cycles("nucleo-l4r5zi", 2) - cycles("nucleo-l4r5zi", 0), 10u) << "two halfwords";
}

}  // namespace
}  // namespace mote::board_sim
