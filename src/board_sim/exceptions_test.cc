// When exceptions are taken, and what entering and leaving them does to the rest of the core.
#include "board_sim/exceptions.h"

#include <gtest/gtest.h>

#include "board_sim/firmware_test.h"

namespace mote::board_sim {
namespace {

using Reason = Halt::Reason;

class ExceptionTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
    rig = std::make_unique<Rig>(GetParam());
    rig->machine->debugger = true;
  }
  /// Code at the start, a PendSV handler 256 bytes behind it; runs to a breakpoint instruction.
  void run(const std::string& code, const std::string& handler) {
    rig->load(code + "\n .ltorg\n .balign 256\n" + handler + "\n .ltorg\n");
    rig->vector(kPendSv, kCode + 256);
    const Halt halt = rig->machine->run();
    ASSERT_EQ(halt.reason, Reason::kBreakpoint) << (halt.fault ? describe(*halt.fault) : "");
    ASSERT_LT(rig->reg(15), kCode + 256) << "it must be the code's own breakpoint";
  }

  std::unique_ptr<Rig> rig;
};

constexpr const char* kIcsr = "ldr r0, =0xE000ED04\n mov r1, #0x10000000\n";

TEST_P(ExceptionTest, AnInterruptIsTakenBehindTheStoreThatMakesItDue) {
  run(std::string(kIcsr) + "str r1, [r0]\n adds r4, #1\n adds r4, #1\n adds r4, #1\n bkpt 0", "mov r5, r4\n bx lr");
  EXPECT_EQ(rig->reg(5), 0u) << "nothing behind the store has run";
  EXPECT_EQ(rig->reg(4), 3u) << "and afterwards all of it";
}

TEST_P(ExceptionTest, TheStoreWritesItsBaseBackFirst) {
  run(std::string(kIcsr) + "str r1, [r0], #8\n mov r6, r0\n subs r0, #12\n str r1, [r0, #4]!\n mov r7, r0\n bkpt 0",
      "adds r5, #1\n bx lr");
  EXPECT_EQ(rig->reg(6), 0xE000ED0Cu);
  EXPECT_EQ(rig->reg(7), 0xE000ED04u);
  EXPECT_EQ(rig->reg(5), 2u);
}

// There it is taken at the end of the basic block.
TEST_P(ExceptionTest, AStoreInsideAnItBlockRunsTheRestOnce) {
  run(std::string(kIcsr) +
          "cmp r0, r0\n ittee eq\n streq r1, [r0]\n addeq r4, #1\n addne r4, #2\n movne r6, #2\n b 1f\n 1: bkpt 0",
      "adds r5, #1\n cmp r0, #0\n bx lr");
  EXPECT_EQ(rig->reg(5), 1u);
  EXPECT_EQ(rig->reg(4), 1u);
  EXPECT_EQ(rig->reg(6), 0u);
}

TEST_P(ExceptionTest, EnablingAPendingInterruptTakesItAtOnce) {
  rig->load(
      "ldr r0, =0xE000E100\n movs r1, #8\n movw r2, #0x100\n str r1, [r0, r2]\n adds r4, #1\n str r1, [r0]\n"
      "adds r4, #1\n bkpt 0\n .ltorg\n .balign 256\n mov r5, r4\n bx lr");
  rig->vector(kFirstInterrupt + 3, kCode + 256);
  EXPECT_EQ(rig->machine->run().reason, Reason::kBreakpoint);
  EXPECT_EQ(rig->reg(5), 1u);
  EXPECT_EQ(rig->reg(4), 2u);
}

TEST_P(ExceptionTest, TheSameCyclesInOneGoAndStepByStep) {
  const std::string code =
      std::string(kIcsr) + "str r1, [r0], #8\n adds r4, #1\n ldr r2, [sp, #-8]\n adds r4, r2\n bkpt 0";
  run(code, "mov r5, r4\n bx lr");
  const uint64_t cycles = rig->machine->cycles();
  Rig stepped(GetParam());
  stepped.machine->debugger = true;
  stepped.load(code + "\n .ltorg\n .balign 256\nmov r5, r4\n bx lr\n");
  stepped.vector(kPendSv, kCode + 256);
  int steps = 0;
  while (stepped.machine->step().reason == Reason::kStep) ASSERT_LT(++steps, 100);
  EXPECT_EQ(stepped.machine->cycles(), cycles);
}

TEST_P(ExceptionTest, EntryAndReturnClearTheExclusiveMonitor) {
  const std::string code = std::string("ldr r3, =0x20000100\n ldrex r2, [r3]\n") + kIcsr +
                           "str r1, [r0]\n isb\n strex r4, r1, [r3]\n ldrex r2, [r3]\n strex r6, r1, [r3]\n bkpt 0";
  run(code, "movs r5, #1\n bx lr");
  EXPECT_EQ(rig->reg(5), 1u);
  EXPECT_EQ(rig->reg(4), 1u) << "the store failed";
  EXPECT_EQ(rig->reg(6), 0u) << "undisturbed it does not";
  // A monitor that the handler has set does not outlive it either.
  run(std::string("ldr r3, =0x20000100\n") + kIcsr + "str r1, [r0]\n isb\n strex r4, r1, [r3]\n bkpt 0",
      "ldrex r2, [r3]\n bx lr");
  EXPECT_EQ(rig->reg(4), 1u);
}

TEST_P(ExceptionTest, UnprivilegedCodeHasNoAccessToTheSystemSpace) {
  const std::string unprivileged = "movs r4, #1\n msr control, r4\n isb\n movs r0, #7\n";
  for (const std::string access :
       {"ldr r1, =0xE000ED00\n movs r2, #5\n at: ldr r2, [r1]\n", "ldr r1, =0xE000E010\n at: str r4, [r1]\n",
        "ldr r1, =0xE0001004\n at: ldr r2, [r1]\n"}) {
    SCOPED_TRACE(access);
    rig->load("b 1f\n 2: bkpt 0\n 1:" + unprivileged + access + "b 2b\n .ltorg\n");
    const Halt halt = rig->machine->run();
    ASSERT_EQ(halt.reason, Reason::kFault);
    EXPECT_EQ(halt.fault->exception, kBusFault);
    EXPECT_EQ(halt.fault->status, kCfsrPreciserr | kCfsrBfarvalid);
  }
}

TEST_P(ExceptionTest, UnprivilegedCodeChangesNoMasksAndHandlersArePrivileged) {
  rig->load(
      "ldr r6, =0xE000ED00\n movs r4, #1\n msr control, r4\n isb\n cpsid i\n msr primask, r4\n mrs r5, primask\n svc "
      "#0\n movs r4, #0\n"
      "msr control, r4\n isb\n mrs r3, control\n bkpt 0\n .ltorg\n .balign 256\n ldr r8, [r6]\n mrs r7, control\n bx "
      "lr");
  rig->vector(kSvc, kCode + 256);
  const Halt halt = rig->machine->run();
  ASSERT_EQ(halt.reason, Reason::kBreakpoint) << (halt.fault ? describe(*halt.fault) : "");
  EXPECT_EQ(rig->reg(5), 0u) << "PRIMASK is as it was";
  EXPECT_EQ(rig->reg(7) & 1, 1u);
  EXPECT_EQ(rig->reg(8) >> 24, 0x41u) << "the handler reads CPUID";
  EXPECT_EQ(rig->reg(3) & 1, 1u) << "unprivileged it stays";
}

INSTANTIATE_TEST_SUITE_P(Boards, ExceptionTest, testing::Values("nucleo-l4r5zi", "nucleo-f746zg"));

}  // namespace
}  // namespace mote::board_sim
