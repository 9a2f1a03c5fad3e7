#include "board_sim/machine.h"

#include <gtest/gtest.h>

#include "board_sim/firmware_test.h"

namespace mote::board_sim {
namespace {

using Reason = Halt::Reason;

constexpr const char* kEnableFpu = "ldr r0, =0xE000ED88\n ldr r1, =0x00F00000\n str r1, [r0]\n dsb\n isb\n";

class MachineTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
    rig = std::make_unique<Rig>();
    machine = rig->machine.get();
  }
  /// Runs `text` with a debugger attached.
  Halt run(const std::string& text) {
    rig->load(text);
    machine->debugger = true;
    return machine->run();
  }
  /// Runs `text` and expects it to stop before the instruction at label `offset` bytes from the start with `status`.
  void expect_fault(const std::string& text, uint32_t offset, uint32_t status, uint32_t address = 0) {
    const Halt halt = run(text);
    ASSERT_EQ(halt.reason, Reason::kFault) << text;
    EXPECT_EQ(halt.fault->status, status) << describe(*halt.fault);
    EXPECT_EQ(rig->reg(15), kCode + offset) << text;
    if (status & kCfsrBfarvalid) {
      EXPECT_EQ(rig->read(0xE000ED38), address) << text;
    }
    EXPECT_EQ(rig->read(0xE000ED28), status) << text;
    EXPECT_EQ(rig->read(0xE000ED2C), kHfsrForced) << text;
  }

  std::unique_ptr<Rig> rig;
  Machine* machine = nullptr;
};

TEST_F(MachineTest, RunsToABreakpoint) {
  rig->load("movs r0, #5\n adds r0, #2\n nop\n b .");
  machine->add_breakpoint(kCode + 4);
  EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(0), 7u);
  EXPECT_EQ(rig->reg(15), kCode + 4);
}

TEST_F(MachineTest, GoesOnFromABreakpointAndMeetsItAgain) {
  rig->load("1: adds r0, #1\n adds r1, #1\n b 1b");
  machine->add_breakpoint(kCode + 2);
  for (uint32_t round = 1; round < 5; ++round) {
    ASSERT_EQ(machine->run().reason, Reason::kBreakpoint);
    EXPECT_EQ(rig->reg(0), round);
    EXPECT_EQ(rig->reg(1), round - 1);
  }
  machine->remove_breakpoint(kCode + 2);
  int polls = 0;
  machine->poll = [&] { return ++polls == 2; };
  EXPECT_EQ(machine->run().reason, Reason::kRequested);
  EXPECT_GT(rig->reg(0), 1000u);
}

TEST_F(MachineTest, ProgramsThatWereOverwrittenAreForgotten) {
  // Branches to the next instruction: a block each, more than are kept for code that is not there any more.
  constexpr uint32_t kBlocks = 22'000;
  rig->load(".rept " + std::to_string(kBlocks) + "\n b .+2\n .endr\n bkpt 0");
  machine->debugger = true;
  EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
  const uint64_t cycles = machine->cycles();
  EXPECT_GE(machine->blocks().all().size(), kBlocks);
  rig->load("movs r0, #1\n bkpt 0\n .rept " + std::to_string(kBlocks) + "\n nop\n .endr");
  EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
  EXPECT_LT(machine->blocks().all().size(), 10u);
  const uint64_t before = machine->cycles();
  rig->load(".rept " + std::to_string(kBlocks) + "\n b .+2\n .endr\n bkpt 0");
  EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
  EXPECT_EQ(machine->cycles() - before, cycles) << "as in its first run";
}

TEST_F(MachineTest, StepsThroughBranchesAndItBlocks) {
  rig->load("movs r0, #1\n cmp r0, #1\n itte eq\n moveq r1, #7\n addeq r1, #1\n movne r1, #9\n b 1f\n nop\n1: nop");
  const uint32_t expected[] = {2, 4, 6, 8, 10, 12, 16, 18};
  for (const uint32_t offset : expected) {
    EXPECT_EQ(machine->step().reason, Reason::kStep);
    EXPECT_EQ(rig->reg(15), kCode + offset);
  }
  EXPECT_EQ(rig->reg(1), 8u);
  EXPECT_EQ(machine->instructions(), 8u);
}

TEST_F(MachineTest, StoppingInsideAnItBlockKeepsItsCondition) {
  rig->load("movs r0, #1\n cmp r0, #2\n ittt eq\n moveq r1, #1\n moveq r2, #1\n moveq r3, #1\n bkpt 0");
  machine->debugger = true;
  machine->add_breakpoint(kCode + 8);
  ASSERT_EQ(machine->run().reason, Reason::kBreakpoint);
  ASSERT_EQ(machine->run().reason, Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(15), kCode + 12);
  EXPECT_EQ(rig->reg(2) + rig->reg(3), 0u);
}

TEST_F(MachineTest, ReportsBadAccesses) {
  const uint32_t bus = kCfsrPreciserr | kCfsrBfarvalid;
  expect_fault("ldr r1, =0x60000000\n adds r0, #1\n ldr r2, [r1, #4]\n b .\n.ltorg", 6, bus, 0x60000004);
  expect_fault("ldr r1, =0x70000000\n adds r0, #1\n strb r2, [r1]\n b .\n.ltorg", 6, bus, 0x70000000);
  expect_fault("ldr r1, =0x08000000\n adds r0, #1\n str r2, [r1]\n b .\n.ltorg", 6, bus, 0x08000000);
  expect_fault("ldr r1, =0x2004FFF8\n1: ldr r2, [r1], #4\n b 1b\n.ltorg", 2, bus, 0x20050000);
  expect_fault("ldr r1, =0x2004FFF0\n1: ldr r2, [r1], #4\n ldr r3, [r1], #4\n ldr r4, [r1], #4\n b 1b\n.ltorg", 6, bus,
               0x20050000);
  expect_fault("ldr r1, =0x60000000\n ldr r3, =0x20000000\n ldr r2, [r3]\n ldm r1, {r4, r5}\n b .\n.ltorg", 10, bus,
               0x60000000);
  expect_fault("ldr r0, =0x90000001\n bx r0\n.ltorg", 0x90000000 - kCode, kCfsrIbuserr);
  expect_fault("ldr r0, =0x40000001\n bx r0\n.ltorg", 0x40000000 - kCode, kCfsrIaccviol);
}

TEST_F(MachineTest, ReportsBadInstructions) {
  expect_fault("nop\n udf #1", 2, kCfsrUndefinstr);
  expect_fault("nop\n udf.w #1", 2, kCfsrUndefinstr);
  expect_fault("ldr r0, =0x08000500\n bx r0\n.ltorg", 0x100, kCfsrInvstate);
}

TEST_F(MachineTest, TheFpuMustBeEnabled) {
  expect_fault("nop\n vadd.f32 s0, s1, s2\n bkpt 0", 2, kCfsrNocp);
  expect_fault("nop\n vldr s0, [sp]\n bkpt 0", 2, kCfsrNocp);
  expect_fault("nop\n vmrs apsr_nzcv, fpscr\n bkpt 0", 2, kCfsrNocp);
  EXPECT_EQ(run(std::string(kEnableFpu) + "vadd.f32 s0, s1, s2\n bkpt 0\n .ltorg").reason, Reason::kBreakpoint);
}

TEST_F(MachineTest, DoubleAndMultipleAccessesMustBeAligned) {
  const std::string odd = "ldr r1, =0x20000102\n";
  expect_fault(odd + "ldrd r2, r3, [r1]\n b .\n .ltorg", 2, kCfsrUnaligned);
  expect_fault(odd + "strd r2, r3, [r1, #4]\n b .\n .ltorg", 2, kCfsrUnaligned);
  expect_fault(odd + "ldm r1, {r2, r3}\n b .\n .ltorg", 2, kCfsrUnaligned);
  expect_fault(odd + "stm r1!, {r2, r3}\n b .\n .ltorg", 2, kCfsrUnaligned);
  expect_fault(odd + "adds r1, #2\n adds r1, #1\n ldm r1, {r2, r3}\n b .\n .ltorg", 6, kCfsrUnaligned);
  expect_fault(odd + "add r1, r1, r1, lsl #1\n strd r2, r3, [r1]\n b .\n .ltorg", 6, kCfsrUnaligned);
  EXPECT_EQ(run(odd + "adds r1, #2\n ldrd r2, r3, [r1]\n bkpt 0\n .ltorg").reason, Reason::kBreakpoint);
  EXPECT_EQ(run(odd + "ldr r2, [r1]\n ldrh r3, [r1, #1]\n str r2, [r1]\n bkpt 0\n .ltorg").reason, Reason::kBreakpoint);
  // Not executed, so not at fault.
  EXPECT_EQ(run(odd + "cmp r1, #0\n it eq\n ldmeq r1, {r2, r3}\n bkpt 0\n .ltorg").reason, Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(15), kCode + 10);
}

TEST_F(MachineTest, DivisionByZeroFaultsWhenAskedTo) {
  EXPECT_EQ(run("movs r0, #5\n movs r1, #0\n udiv r2, r0, r1\n bkpt 0").reason, Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(2), 0u);
  const std::string trap = "ldr r0, =0xE000ED14\n ldr r1, [r0]\n orr r1, #16\n str r1, [r0]\n dsb\n isb\n";
  expect_fault(trap + "movs r1, #0\n sdiv r2, r0, r1\n .ltorg", 20, kCfsrDivbyzero);
  EXPECT_EQ(run(trap + "movs r1, #2\n sdiv r2, r0, r1\n bkpt 0\n .ltorg").reason, Reason::kBreakpoint);
}

TEST_F(MachineTest, AFaultGoesToItsHandlerWithAFrame) {
  rig->load(
      "ldr r1, =0x60000000\n movs r0, #1\n movs r2, #2\n movs r3, #3\n mov r12, #12\n"
      "ldr r4, [r1]\n b .\n .ltorg\n .balign 256\n mov r5, sp\n mov r6, lr\n bkpt 0");
  rig->vector(kHardFault, kCode + 256);
  machine->debugger = true;
  EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
  const uint32_t frame = rig->reg(5);
  EXPECT_EQ(frame, kStack - 32);
  EXPECT_EQ(rig->read(frame), 1u);
  EXPECT_EQ(rig->read(frame + 4), 0x60000000u);
  EXPECT_EQ(rig->read(frame + 8), 2u);
  EXPECT_EQ(rig->read(frame + 12), 3u);
  EXPECT_EQ(rig->read(frame + 16), 12u);
  EXPECT_EQ(rig->read(frame + 20), 0xFFFFFFFFu);
  EXPECT_EQ(rig->read(frame + 24), kCode + 14);
  EXPECT_EQ(rig->read(frame + 28), 0x01000000u);
  EXPECT_EQ(rig->reg(6), 0xFFFFFFF9u);
  EXPECT_EQ(machine->processor().xpsr() & 0x1FF, 3u);
  EXPECT_EQ(rig->read(0xE000ED2C), kHfsrForced);
  EXPECT_EQ(rig->read(0xE000ED38), 0x60000000u);
}

TEST_F(MachineTest, AnEnabledFaultHasItsOwnHandlerAndMayReturn) {
  rig->load(
      "ldr r0, =0xE000ED24\n ldr r1, =0x00070000\n str r1, [r0]\n dsb\n"
      "udf #0\n adds r7, #1\n bkpt 0\n .ltorg\n .balign 256\n"
      "ldr r0, [sp, #24]\n adds r0, #2\n str r0, [sp, #24]\n movs r0, #9\n mrs r4, ipsr\n bx lr");
  rig->vector(kUsageFault, kCode + 256);
  machine->debugger = true;
  EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(15), kCode + 16);
  EXPECT_EQ(rig->reg(7), 1u);
  EXPECT_EQ(rig->reg(4), 6u);
  EXPECT_EQ(rig->reg(0), 0xE000ED24u) << "restored from the frame";
  EXPECT_EQ(rig->reg(13), kStack);
  EXPECT_EQ(machine->processor().xpsr() & 0x1FF, 0u);
}

TEST_F(MachineTest, AFaultInsideAnItBlockResumesThere) {
  rig->load(
      "ldr r0, =0xE000ED24\n ldr r1, =0x00070000\n str r1, [r0]\n dsb\n"
      "cmp r0, r0\n ittee eq\n udfeq #0\n moveq r2, #1\n movne r3, #1\n movne r4, #1\n bkpt 0\n .ltorg\n .balign 256\n"
      "ldr r0, [sp, #24]\n adds r0, #2\n str r0, [sp, #24]\n"
      "ldr r0, [sp, #28]\n ldr r1, =0x06001C00\n bic r0, r1\n ldr r1, =0x04000C00\n orr r0, r1\n str r0, [sp, #28]\n"
      "bx lr\n .ltorg");
  rig->vector(kUsageFault, kCode + 256);
  machine->debugger = true;
  EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(2), 1u);
  EXPECT_EQ(rig->reg(3) + rig->reg(4), 0u);
}

TEST_F(MachineTest, LocksUpWhenTheFaultHandlerFaults) {
  rig->load("udf #0\n .balign 256\n udf #1");
  rig->vector(kHardFault, kCode + 256);
  const Halt halt = machine->run();
  EXPECT_EQ(halt.reason, Reason::kLockup);
  EXPECT_EQ(halt.fault->pc, kCode + 256);
}

TEST_F(MachineTest, LocksUpWithoutAVectorTable) {
  rig->load("udf #0");
  EXPECT_EQ(machine->run().reason, Reason::kLockup) << "no debugger to halt for";
}

TEST_F(MachineTest, VectorCatchStopsAtTheHandler) {
  rig->load("udf #0\n .balign 256\n b .");
  rig->vector(kHardFault, kCode + 256);
  machine->debugger = true;
  rig->write(0xE000EDFC, kDemcrTrcena | kDemcrVcHarderr);
  EXPECT_EQ(machine->run().reason, Reason::kVectorCatch);
  EXPECT_EQ(rig->reg(15), kCode + 256);
  EXPECT_EQ(rig->read(rig->reg(13) + 24), kCode);
  EXPECT_EQ(rig->read(0xE000ED30) & kDfsrVcatch, kDfsrVcatch);
}

TEST_F(MachineTest, SvcAndPendSvNest) {
  rig->load(
      "svc #3\n adds r7, #1\n bkpt 0\n .balign 256\n"
      "ldr r0, =0xE000ED04\n mov r1, #0x10000000\n str r1, [r0]\n dsb\n mov r4, r5\n bx lr\n .ltorg\n .balign 256\n"
      "adds r5, #1\n mov r6, lr\n bx lr");
  rig->vector(kSvc, kCode + 256);
  rig->vector(kPendSv, kCode + 512);
  machine->debugger = true;
  EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(15), kCode + 4);
  EXPECT_EQ(rig->reg(7), 1u);
  EXPECT_EQ(rig->reg(5), 1u);
  EXPECT_EQ(rig->reg(4), 0u) << "equal priorities do not pre-empt";
  EXPECT_EQ(rig->reg(6), 0xFFFFFFF9u);
}

TEST_F(MachineTest, SysTickInterruptsAtItsPeriod) {
  rig->load(
      "ldr r0, =0xE000E010\n ldr r1, =999\n str r1, [r0, #4]\n movs r1, #0\n str r1, [r0, #8]\n movs r1, #7\n"
      "str r1, [r0]\n1: cmp r6, #10\n bne 1b\n bkpt 0\n .ltorg\n .balign 256\n adds r6, #1\n bx lr");
  rig->vector(kSysTick, kCode + 256);
  machine->debugger = true;
  const uint64_t before = machine->cycles();
  EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
  EXPECT_NEAR(static_cast<double>(machine->cycles() - before), 10'000, 100);
}

TEST_F(MachineTest, WfiSleepsUntilAnInterruptEvenAMaskedOne) {
  rig->load(
      "cpsid i\n ldr r0, =0xE000E010\n ldr r1, =49999\n str r1, [r0, #4]\n str r1, [r0, #8]\n movs r1, #7\n"
      "str r1, [r0]\n dsb\n wfi\n movs r5, #1\n bkpt 0\n .ltorg\n .balign 256\n adds r6, #1\n bx lr");
  rig->vector(kSysTick, kCode + 256);
  machine->debugger = true;
  EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(5), 1u);
  EXPECT_EQ(rig->reg(6), 0u);
  EXPECT_NEAR(static_cast<double>(machine->cycles()), 50'000, 200);
}

TEST_F(MachineTest, WfeSevAndYieldAreHintsThatGoOn) {
  for (const char* hint :
       {"wfe", "sev\n wfe", "yield", "wfe.w", "yield.w", "itt eq\n yieldeq\n wfeeq", "it ne\n wfene"}) {
    SCOPED_TRACE(hint);
    EXPECT_EQ(run("movs r5, #0\n" + std::string(hint) + "\n adds r5, #1\n adds r5, #2\n bkpt 0").reason,
              Reason::kBreakpoint);
    EXPECT_EQ(rig->reg(5), 3u);
  }
  expect_fault("wfe\n udf #1\n", 2, kCfsrUndefinstr);
  // Waiting for what an interrupt sets.
  rig->load(
      "ldr r0, =0xE000E010\n ldr r1, =49999\n str r1, [r0, #4]\n str r1, [r0, #8]\n movs r1, #7\n"
      "str r1, [r0]\n movs r6, #0\n 1: wfe\n cmp r6, #0\n beq 1b\n bkpt 0\n .ltorg\n .balign 256\n"
      "adds r6, #1\n bx lr");
  rig->vector(kSysTick, kCode + 256);
  machine->debugger = true;
  EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(6), 1u);
  EXPECT_NEAR(static_cast<double>(machine->cycles()), 50'000, 200);
}

TEST_F(MachineTest, StepsAndBreakpointsAfterAnEventHint) {
  rig->load("movs r5, #1\n wfe\n movs r5, #2\n yield\n movs r5, #3\n bkpt 0");
  machine->debugger = true;
  for (uint32_t offset = 2; offset <= 10; offset += 2) {
    EXPECT_EQ(machine->step().reason, Reason::kStep);
    EXPECT_EQ(rig->reg(15), kCode + offset);
  }
  rig->load("movs r5, #1\n wfe\n movs r5, #2\n bkpt 0");
  machine->add_breakpoint(kCode + 4);
  EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(15), kCode + 4);
  EXPECT_EQ(rig->reg(5), 1u);
}

TEST_F(MachineTest, FramesKeepTheFpuUnlessToldNotTo) {
  for (const bool keep : {true, false}) {
    rig->load("ldr r0, =0xE000ED88\n mov r1, #0xF00000\n str r1, [r0]\n ldr r0, =0xE000EF34\n ldr r4, [r0]\n" +
              std::string(keep ? "" : "mov r1, #0\n str r1, [r0]\n") +
              "dsb\n isb\n mov r5, sp\n vmov.f32 s0, #1.0\n svc #0\n bkpt 0\n .ltorg\n .balign 256\n"
              "mov r6, sp\n sub r5, r5, r6\n mov r6, lr\n bx lr");
    rig->vector(kSvc, kCode + 256);
    machine->debugger = true;
    EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
    EXPECT_EQ(rig->reg(4), 0xC0000000);
    EXPECT_EQ(rig->reg(5), keep ? 0x68u : 0x20u);
    EXPECT_EQ(rig->reg(6) >> 4 & 1, keep ? 0u : 1u);
  }
}

TEST_F(MachineTest, DivisionTrapsFromTheInstructionBehindTheStoreThatSaysSo) {
  expect_fault("ldr r1, =0xE000ED14\n movs r2, #0x10\n movs r3, #0\n str r2, [r1]\n udiv r4, r2, r3\n .ltorg", 8,
               kCfsrDivbyzero);
}

TEST_F(MachineTest, UnmaskingTakesAPendingInterruptAtOnce) {
  rig->load(
      "cpsid i\n ldr r0, =0xE000ED04\n mov r1, #0x10000000\n str r1, [r0]\n adds r5, #1\n cpsie i\n isb\n mov r4, r6\n"
      "bkpt 0\n .ltorg\n .balign 256\n adds r6, r5, #1\n bx lr");
  rig->vector(kPendSv, kCode + 256);
  machine->debugger = true;
  EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(4), 2u);
}

TEST_F(MachineTest, AnInterruptKeepsFloatingPointRegisters) {
  rig->load(
      std::string(kEnableFpu) +
      "vmov.f32 s3, #1.5\n svc #0\n vmov r4, s3\n bkpt 0\n .ltorg\n .balign 256\n vmov.f32 s3, #2.0\n mov r6, lr\n"
      " bx lr");
  rig->vector(kSvc, kCode + 256);
  machine->debugger = true;
  EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(4), 0x3FC00000u);
  EXPECT_EQ(rig->reg(6), 0xFFFFFFE9u);
  EXPECT_EQ(rig->reg(13), kStack);
}

TEST_F(MachineTest, CodeWrittenAtRunTimeIsRun) {
  // Writes `movs r0, #1; bx lr` to RAM and calls it, then the same with #2.
  EXPECT_EQ(run("ldr r4, =0x20010000\n ldr r5, =0x47702001\n orr r6, r4, #1\n str r5, [r4]\n dsb\n isb\n blx r6\n"
                "mov r7, r0\n adds r5, #1\n str r5, [r4]\n dsb\n isb\n blx r6\n bkpt 0\n .ltorg")
                .reason,
            Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(7), 1u);
  EXPECT_EQ(rig->reg(0), 2u);
}

TEST_F(MachineTest, AReplacedInstructionIsTimedAnew) {
  rig->load("nop\n nop\n nop\n nop\n bkpt 0");
  machine->debugger = true;
  machine->run();
  const uint64_t first = machine->cycles();
  const std::vector<std::byte> code = assemble("udiv r0, r1, r2\n udiv r0, r1, r2\n bkpt 0");
  ASSERT_TRUE(machine->write(kCode, code));
  machine->reset();
  machine->run();
  EXPECT_GE(machine->cycles() - first, 12u);
}

TEST_F(MachineTest, TheCycleCounterIsExactToTheInstruction) {
  // On a Cortex-M4 an add takes one cycle, so reads n adds apart differ by n + the read itself, inside one block or
  // not.
  rig = std::make_unique<Rig>("nucleo-l4r5zi");
  machine = rig->machine.get();
  EXPECT_EQ(run("ldr r0, =0xE000EDFC\n ldr r1, =0x01000000\n str r1, [r0]\n ldr r0, =0xE0001000\n movs r1, #1\n"
                "str r1, [r0]\n nop\n ldr r2, [r0, #4]\n adds r7, #1\n adds r7, #1\n adds r7, #1\n ldr r3, [r0, #4]\n"
                "adds r7, #1\n b 1f\n1: adds r7, #1\n ldr r4, [r0, #4]\n sub r4, r3\n sub r3, r2\n bkpt 0\n .ltorg")
                .reason,
            Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(3), 5u) << "ldr 2 and three adds";
  EXPECT_EQ(rig->reg(4), 6u) << "ldr 2, add, taken branch 2, add";
}

TEST_F(MachineTest, TheCycleCounterIsLockedUntilOpened) {
  EXPECT_EQ(run("ldr r0, =0xE000EDFC\n ldr r1, =0x01000000\n str r1, [r0]\n ldr r0, =0xE0001000\n movs r1, #1\n"
                "str r1, [r0]\n dsb\n ldr r2, [r0, #4]\n bkpt 0\n .ltorg")
                .reason,
            Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(2), 0u);
}

TEST_F(MachineTest, TwoRunsTakeTheSameCycles) {
  const std::string text =
      "movs r0, #200\n1: ldr r1, [sp, #-8]\n smlad r2, r1, r1, r2\n str r2, [sp, #-4]\n"
      "tst r0, #3\n beq 2f\n adds r3, #1\n2: subs r0, #1\n bne 1b\n bkpt 0";
  run(text);
  const uint64_t cycles = machine->cycles();
  Rig other;
  other.load(text);
  other.machine->debugger = true;
  other.machine->add_breakpoint(kCode + 14);  // halting on the way changes nothing
  while (other.machine->run().reason == Reason::kBreakpoint && other.reg(0) > 1) {
  }
  other.machine->remove_breakpoint(kCode + 14);
  other.machine->run();
  EXPECT_EQ(other.machine->cycles(), cycles);
}

TEST_F(MachineTest, SteppingTakesTheCyclesOfRunning) {
  const std::string text =
      "movs r0, #60\n1: ldr r1, [sp, #-8]\n smlad r2, r1, r1, r2\n ldr r3, [r2, r0]\n tst r0, #3\n beq 3f\n lsls r4, "
      "r1, #3\n"
      "3: bl 2f\n subs r0, #1\n bne 1b\n bkpt 0\n 2: umull r5, r6, r4, r1\n movs r2, #0\n sub r2, sp, #256\n bx lr";
  for (const char* board : {"nucleo-f746zg", "nucleo-l4r5zi"}) {
    Rig run(board), step(board);
    for (Rig* each : {&run, &step}) {
      each->load("sub r2, sp, #256\n" + text);
      each->machine->debugger = true;
    }
    ASSERT_EQ(run.machine->run().reason, Reason::kBreakpoint);
    while (step.machine->step().reason == Reason::kStep) {
    }
    EXPECT_EQ(step.machine->cycles(), run.machine->cycles()) << board;
    EXPECT_EQ(step.machine->instructions(), run.machine->instructions()) << board;
  }
}

TEST_F(MachineTest, SemihostingWritesAndExits) {
  const Halt halt =
      run("movs r0, #4\n adr r1, text\n bkpt 0xab\n movs r0, #3\n adr r1, text\n bkpt 0xab\n"
          "movs r0, #0x18\n ldr r1, =0x20026\n bkpt 0xab\n .ltorg\n .balign 4\ntext: .asciz \"hello\\n\"");
  EXPECT_EQ(halt.reason, Reason::kExit);
  EXPECT_EQ(halt.exit_code, 0);
  EXPECT_EQ(rig->output, "hello\nh");
}

TEST_F(MachineTest, SemihostingExitCodeAndBlockWrite) {
  const Halt halt = run(
      "movs r0, #5\n adr r1, block\n bkpt 0xab\n mov r7, r0\n movs r0, #0x20\n adr r1, code\n bkpt 0xab\n .balign 4\n"
      "block: .word 1, text, 3\ncode: .word 0x20026, 42\ntext: .ascii \"abc\"");
  EXPECT_EQ(halt.reason, Reason::kExit);
  EXPECT_EQ(halt.exit_code, 42);
  EXPECT_EQ(rig->output, "abc");
  EXPECT_EQ(rig->reg(7), 0u);
}

TEST_F(MachineTest, ARequestedResetStartsAgain) {
  rig->load(
      "ldr r0, =0x20000200\n ldr r1, [r0]\n adds r1, #1\n str r1, [r0]\n cmp r1, #3\n beq 1f\n"
      "ldr r2, =0xE000ED0C\n ldr r3, =0x05FA0004\n str r3, [r2]\n dsb\n b .\n1: bkpt 0\n .ltorg");
  machine->debugger = true;
  EXPECT_EQ(machine->run().reason, Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(1), 3u) << "memory survives a reset";
  EXPECT_EQ(rig->reg(2), 0u) << "registers do not";
}

TEST_F(MachineTest, AliasesShowTheSameBytes) {
  rig->write(0x08000800, 0x12345678);
  EXPECT_EQ(rig->read(0x00200800), 0x12345678u);
}

TEST_F(MachineTest, UnmodelledPeripheralsReadZeroAndAreListed) {
  EXPECT_EQ(run("ldr r0, =0x40010000\n str r0, [r0]\n ldr r1, [r0, #4]\n bkpt 0\n .ltorg").reason, Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(1), 0u);
  EXPECT_EQ(machine->peripherals().unmodelled().at(0x40010000), 2u);
}

}  // namespace
}  // namespace mote::board_sim
