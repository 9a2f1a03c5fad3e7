// What the architecture promises to firmware, one small program for each promise. Each reports words; they must be
// those expected, on the virtual board and on QEMU.
#include <gtest/gtest.h>

#include <cstring>

#include "board_sim/firmware_test.h"
#include "board_sim/twin_test.h"

namespace mote::board_sim {
namespace {

// Programs begin at `main` with r7 pointing to where the next reported word goes. Handlers they do not define report
// 0xBAD and the exception's number.
constexpr const char* kPrologue = R"(
    .macro report register
    str \register, [r7], #4
    .endm
    .macro set address, value
    ldr r0, =\address
    ldr r1, =\value
    str r1, [r0]
    dsb
    isb
    .endm
    .macro get register, address
    ldr \register, =\address
    ldr \register, [\register]
    .endm
    .macro report_at address
    ldr r0, =\address
    ldr r0, [r0]
    report r0
    .endm
    .equ CFSR, 0xE000ED28
    .equ HFSR, 0xE000ED2C
    .equ MMFAR, 0xE000ED34
    .equ BFAR, 0xE000ED38
    .equ CCR, 0xE000ED14
    .equ SHCSR, 0xE000ED24
    .equ ICSR, 0xE000ED04
    .equ VTOR, 0xE000ED08
    .equ CPACR, 0xE000ED88
    .equ NOWHERE, 0x90000000
    .data
  results: .space 512
  scratch: .space 64
  open: .word console, 4, 3
  write: .word 0, results, 0
    .text
  console: .asciz ":tt"
    .balign 4
    .thumb_func
  unexpected:
    movw r0, #0xBAD
    report r0
    mrs r0, ipsr
    report r0
    .thumb_func
  finish:
)";

constexpr const char* kStart = R"(
    .thumb_func
  start:
    ldr r7, =results
    b main
    .ltorg
    .thumb_func
  main:
)";

constexpr const char* kVectors = R"(
    .macro handler name
    .ifdef \name
    .word \name
    .else
    .word unexpected
    .endif
    .endm
    .section .vectors, "a"
    .balign 1024
  vectors:
    .word 0x20300000, start + 1
    handler nmi
    handler hard_fault
    handler mem_manage
    handler bus_fault
    handler usage_fault
    .word 0, 0, 0, 0
    handler svc
    .word 0, 0
    handler pend_sv
    handler sys_tick
    handler interrupt0
    handler interrupt1
    handler interrupt2
)";

std::string firmware(const std::string& text) {
  return std::string(kPrologue) + kWriteResults + kStart + text + kVectors;
}

struct Program {
  const char* name;
  const char* text;
  std::vector<uint32_t> expected;
  bool on_qemu = true;
};

void PrintTo(const Program& program, std::ostream* out) {
  *out << program.name;
}

// Stacked registers and fault status, then on behind the instruction at label `bad` (of `size` bytes).
constexpr const char* kReportFault = R"(
    mov r5, sp
    report_at CFSR
    report_at HFSR
    ldr r0, [r5, #24]
    ldr r1, =bad
    bic r1, #1
    subs r0, r1
    report r0
    set CFSR, 0xFFFFFFFF
    set HFSR, 0xFFFFFFFF
    ldr r0, =after + 1
    bic r0, #1
    str r0, [r5, #24]
    ldr r0, [r5, #28]
    bic r0, #0x06000000
    bic r0, #0xFC00
    orr r0, #0x01000000
    str r0, [r5, #28]
    bx lr
    .ltorg
)";

std::string faulting(const std::string& before, const std::string& instruction, const std::string& handler) {
  return fmt::format(
      "{}\n bad: {}\n after: report sp\n b finish\n .ltorg\n .thumb_func\n {}: mrs r4, ipsr\n report r4\n{}", before,
      instruction, handler, kReportFault);
}

std::vector<Program> programs() {
  static const std::string kEnableFaults = "set SHCSR, 0x70000\n", kEnableFpu = "set CPACR, 0x00F00000\n",
                           kOdd = "ldr r1, =scratch + 2\n";
  static const std::vector<std::string> kTexts = {
      faulting("ldr r1, =NOWHERE", "ldr r2, [r1]", "hard_fault"),
      faulting(kEnableFaults + "ldr r1, =NOWHERE + 8", "ldr r2, [r1]", "bus_fault"),
      faulting(kEnableFaults + "ldr r1, =NOWHERE", "strb r2, [r1]", "bus_fault"),
      faulting(kEnableFaults, "udf #7", "usage_fault"),
      faulting(kEnableFaults, "udf.w #7", "usage_fault"),
      faulting(kEnableFaults, "vadd.f32 s0, s1, s2", "usage_fault"),
      faulting(kEnableFaults + kOdd, "ldrd r2, r3, [r1]", "usage_fault"),
      faulting(kEnableFaults + kOdd, "ldm r1, {r2, r3}", "usage_fault"),
      faulting(kEnableFaults + kOdd, "stmdb r1!, {r2, r3}", "usage_fault"),
      faulting(kEnableFaults + kOdd, "ldrex r2, [r1]", "usage_fault"),
      faulting(kEnableFaults + kEnableFpu + kOdd, "vldr s0, [r1]", "usage_fault"),
      faulting(kEnableFaults + "set CCR, 0x208\n" + kOdd, "ldr r2, [r1]", "usage_fault"),
      faulting(kEnableFaults + "set CCR, 0x208\n" + kOdd + "adds r1, #1\n", "strh r2, [r1]", "usage_fault"),
      faulting(kEnableFaults + "set CCR, 0x210\n movs r1, #0\n", "sdiv r2, r3, r1", "usage_fault"),
      faulting("", "udf #7", "hard_fault"),
  };
  const auto text = [](size_t i) { return kTexts[i].c_str(); };
  constexpr uint32_t kSp = 0x20300000, kForced = kHfsrForced;
  return {
      {"Reset",
       "report sp\n mrs r0, msp\n report r0\n report lr\n mrs r0, control\n report r0\n mrs r0, primask\n report r0\n"
       "mrs r0, basepri\n report r0\n mrs r0, faultmask\n report r0\n mrs r0, ipsr\n report r0\n report_at VTOR\n"
       "report_at CFSR\n report_at SHCSR\n report_at 0xE000E010\n b finish\n .ltorg",
       {kSp, kSp, 0xFFFFFFFF, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
      {"BusFaultBecomesHardFault", text(0), {3, 0x8200, kForced, 0, kSp}},
      {"BusFault", text(1), {5, 0x8200, 0, 0, kSp}},
      {"BusFaultOfAStore", text(2), {5, 0x8200, 0, 0, kSp}},
      {"UndefinedInstruction", text(3), {6, kCfsrUndefinstr, 0, 0, kSp}},
      {"UndefinedWideInstruction", text(4), {6, kCfsrUndefinstr, 0, 0, kSp}},
      {"NoCoprocessor", text(5), {6, kCfsrNocp, 0, 0, kSp}},
      {"UnalignedDouble", text(6), {6, kCfsrUnaligned, 0, 0, kSp}},
      {"UnalignedMultiple", text(7), {6, kCfsrUnaligned, 0, 0, kSp}},
      {"UnalignedStoreMultiple", text(8), {6, kCfsrUnaligned, 0, 0, kSp}},
      {"UnalignedExclusive", text(9), {6, kCfsrUnaligned, 0, 0, kSp}},
      {"UnalignedFloat", text(10), {6, kCfsrUnaligned, 0, 0, kSp}},
      {"UnalignedTrap", text(11), {6, kCfsrUnaligned, 0, 0, kSp}},
      {"UnalignedTrapOfAHalfword", text(12), {6, kCfsrUnaligned, 0, 0, kSp}},
      {"DivisionByZeroTrap", text(13), {6, kCfsrDivbyzero, 0, 0, kSp}},
      {"UsageFaultBecomesHardFault", text(14), {3, kCfsrUndefinstr, kForced, 0, kSp}},
      {"UnalignedWordsAndDivisionByZeroAreFineOtherwise",
       "ldr r1, =scratch + 1\n ldr r0, =0x12345678\n str r0, [r1]\n ldrh r2, [r1, #2]\n report r2\n ldr r2, [r1]\n "
       "report r2\n"
       "movs r3, #0\n udiv r2, r0, r3\n report r2\n b finish\n .ltorg",
       {0x1234, 0x12345678, 0}},
      {"FaultAddress",
       "set SHCSR, 0x70000\n ldr r1, =NOWHERE + 0x44\n ldr r2, [r1]\n b finish\n .ltorg\n .thumb_func\n bus_fault: "
       "report_at BFAR\n"
       "b finish\n .ltorg",
       {0x90000044}},
      {"ExecuteNever",
       "set SHCSR, 0x70000\n ldr r1, =0x40000001\n bx r1\n .ltorg\n .thumb_func\n mem_manage: report_at CFSR\n ldr r0, "
       "[sp, #24]\n"
       "report r0\n b finish\n .ltorg",
       {1, 0x40000000}},
      {"ExecuteNowhere",
       "set SHCSR, 0x70000\n ldr r1, =NOWHERE + 1\n bx r1\n .ltorg\n .thumb_func\n bus_fault: report_at CFSR\n ldr r0, "
       "[sp, #24]\n"
       "report r0\n b finish\n .ltorg",
       {0x100, 0x90000000}},
      {"NotThumb",
       "set SHCSR, 0x70000\n ldr r1, =start\n bic r1, #1\n bx r1\n .ltorg\n .thumb_func\n usage_fault: report_at CFSR\n"
       "ldr r0, [sp, #24]\n ldr r1, =start\n bic r1, #1\n subs r0, r1\n report r0\n ldr r0, [sp, #28]\n and r0, "
       "#0x01000000\n"
       "report r0\n b finish\n .ltorg",
       {kCfsrInvstate, 0, 0}},
      {
          "BadExceptionReturn",
          "set SHCSR, 0x70000\n svc #0\n b finish\n .ltorg\n .thumb_func\n svc: ldr lr, =0xFFFFFFF5\n bx lr\n .ltorg\n "
          ".thumb_func\n"
          "usage_fault: report_at CFSR\n report lr\n b finish\n .ltorg",
          {kCfsrInvpc, 0xFFFFFFF5},
      },
      {"AFaultInItsOwnHandlerBecomesHardFault",
       "set SHCSR, 0x70000\n udf #1\n b finish\n .ltorg\n .thumb_func\n usage_fault: udf #2\n b finish\n .thumb_func\n"
       "hard_fault: report_at CFSR\n report_at HFSR\n report lr\n report_at SHCSR\n b finish\n .ltorg",
       {kCfsrUndefinstr, kForced, 0xFFFFFFF1, 0x70008}},
      {"SupervisorCall",
       "movs r0, #11\n movs r1, #22\n mov r12, #33\n svc #0x42\n report r0\n report sp\n b finish\n .ltorg\n "
       ".thumb_func\n"
       "svc: ldr r0, [sp]\n report r0\n ldr r0, [sp, #4]\n report r0\n ldr r0, [sp, #16]\n report r0\n ldr r0, [sp, "
       "#24]\n"
       "ldrb r0, [r0, #-2]\n report r0\n mrs r0, ipsr\n report r0\n report lr\n movs r0, #77\n str r0, [sp]\n bx lr",
       {11, 22, 33, 0x42, 11, 0xFFFFFFF9, 77, kSp}},
      {"AnOddStackIsAligned",
       "sub sp, #4\n svc #0\n report sp\n b finish\n .thumb_func\n svc: report sp\n ldr r0, [sp, #28]\n and r0, "
       "#0x200\n report r0\n"
       "bx lr",
       {kSp - 40, 0x200, kSp - 4}},
      {"ProcessStack",
       "ldr r0, =0x20200000\n msr psp, r0\n movs r0, #2\n msr control, r0\n isb\n push {r0, r1}\n svc #0\n report sp\n "
       "mrs r0, msp\n"
       "report r0\n mrs r0, control\n report r0\n b finish\n .ltorg\n .thumb_func\n svc: report lr\n report sp\n mrs "
       "r0, psp\n"
       "report r0\n mrs r0, control\n report r0\n bx lr",
       {0xFFFFFFFD, kSp, 0x20200000 - 40, 0, 0x20200000 - 8, kSp, 2}},
      {"AHandlerMayReturnToTheOtherStack",
       "ldr r0, =0x20200000\n msr psp, r0\n svc #0\n report sp\n mrs r0, control\n report r0\n b finish\n .ltorg\n "
       ".thumb_func\n"
       "svc: mrs r0, psp\n subs r0, #32\n movs r1, #8\n mov r2, sp\n 1: ldr r3, [r2], #4\n str r3, [r0], #4\n subs r1, "
       "#1\n bne 1b\n"
       "subs r0, #32\n msr psp, r0\n add sp, #32\n ldr lr, =0xFFFFFFFD\n bx lr\n .ltorg",
       {0x20200000, 2}},
      {"FloatingPointFrame",
       "set CPACR, 0x00F00000\n vmov.f32 s3, #2.5\n vmov.f32 s17, #1.5\n svc #0\n vmov r0, s3\n report r0\n vmov r0, "
       "s17\n report r0\n"
       "mrs r0, control\n report r0\n report sp\n b finish\n .ltorg\n .thumb_func\n svc: report lr\n report sp\n "
       "vmov.f32 s3, #1.0\n"
       "mrs r0, control\n report r0\n bx lr",
       {0xFFFFFFE9, kSp - 104, 4, 0x40200000, 0x3FC00000, 4, kSp}},
      {"PendSvWaitsForTheSupervisorCall",
       "svc #0\n movs r0, #3\n report r0\n b finish\n .ltorg\n .thumb_func\n svc: set ICSR, 0x10000000\n movs r0, #1\n "
       "report r0\n"
       "bx lr\n .ltorg\n .thumb_func\n pend_sv: movs r0, #2\n report r0\n report lr\n bx lr",
       {1, 2, 0xFFFFFFF9, 3}},
      {"MoreUrgentInterruptsPreempt",
       // 0: priority 0x80, pends 1 (0x40, pre-empts) and 2 (0x80, waits)
       "set 0xE000E400, 0x00804080\n set 0xE000E100, 7\n set 0xE000E200, 1\n movs r0, #9\n report r0\n b finish\n "
       ".ltorg\n"
       ".thumb_func\n interrupt0: movs r0, #10\n report r0\n set 0xE000E200, 6\n movs r0, #11\n report r0\n bx lr\n "
       ".ltorg\n"
       ".thumb_func\n interrupt1: movs r0, #20\n report r0\n report lr\n report_at 0xE000E300\n bx lr\n .ltorg\n"
       ".thumb_func\n interrupt2: movs r0, #30\n report r0\n report lr\n bx lr",
       {10, 20, 0xFFFFFFF1, 3, 11, 30, 0xFFFFFFF9, 9}},
      {"TheMasks",
       "set 0xE000E400, 0x80\n set 0xE000E100, 1\n cpsid i\n set 0xE000E200, 1\n movs r0, #1\n report r0\n movs r0, "
       "#0x80\n"
       "msr basepri, r0\n cpsie i\n isb\n movs r0, #2\n report r0\n cpsid f\n movs r0, #0\n msr basepri, r0\n isb\n "
       "movs r0, #3\n"
       "report r0\n cpsie f\n isb\n movs r0, #4\n report r0\n b finish\n .ltorg\n .thumb_func\n interrupt0: movs r0, "
       "#100\n report r0\n"
       "bx lr",
       {1, 2, 3, 100, 4}},
      {"PendingIsSeenAndCleared",
       "set 0xE000E100, 1\n cpsid i\n set 0xE000E200, 1\n get r0, ICSR\n ubfx r0, r0, #12, #9\n report r0\n set "
       "0xE000E280, 1\n"
       "get r0, ICSR\n ubfx r0, r0, #12, #9\n report r0\n cpsie i\n isb\n movs r0, #1\n report r0\n b finish\n "
       ".ltorg\n .thumb_func\n"
       "interrupt0: movs r0, #100\n report r0\n bx lr",
       {16, 0, 1}},
      {"SysTickInterruptsAndFlags",  // on QEMU it runs in real time: more may come than are asked for
       "set 0xE000E014, 9999\n set 0xE000E018, 0\n movs r6, #0\n set 0xE000E010, 7\n 1: cmp r6, #3\n blt 1b\n"
       "set 0xE000E010, 5\n get r0, 0xE000E010\n and r0, #7\n report r0\n 2: get r0, 0xE000E010\n tst r0, #0x10000\n "
       "beq 2b\n"
       "report r6\n b finish\n .ltorg\n .thumb_func\n sys_tick: cmp r6, #3\n it lt\n addlt r6, #1\n bx lr",
       {5, 3}},
      {"WaitForInterrupt",
       "set 0xE000E014, 9999\n set 0xE000E018, 0\n cpsid i\n set 0xE000E010, 7\n wfi\n movs r0, #1\n report r0\n cpsie "
       "i\n"
       "isb\n movs r0, #2\n report r0\n b finish\n .ltorg\n .thumb_func\n sys_tick: set 0xE000E010, 0\n set ICSR, "
       "0x02000000\n"
       "movs r0, #100\n report r0\n bx lr\n .ltorg",
       {1, 100, 2}},
      {"AnotherVectorTable",
       "ldr r0, =0x20001000\n ldr r1, =vectors\n movs r2, #64\n 1: ldr r3, [r1], #4\n str r3, [r0], #4\n subs r2, #1\n "
       "bne 1b\n"
       "ldr r0, =0x2000102C\n ldr r1, =other\n orr r1, #1\n str r1, [r0]\n set VTOR, 0x20001000\n svc #0\n b finish\n "
       ".ltorg\n"
       ".thumb_func\n other: movs r0, #5\n report r0\n bx lr",
       {5}},
      {"FreshCode",
       "ldr r4, =0x20002000\n ldr r5, =0x47702001\n orr r6, r4, #1\n str r5, [r4]\n dsb\n isb\n blx r6\n report r0\n "
       "movs r6, #41\n"
       "2: strb r6, [r4]\n dsb\n isb\n orr r3, r4, #1\n blx r3\n report r0\n adds r6, #1\n cmp r6, #44\n bne 2b\n b "
       "finish\n .ltorg",
       {1, 41, 42, 43}},
      {"FlagsSurviveAnException",
       "movs r0, #0\n svc #0\n ite eq\n moveq r0, #1\n movne r0, #2\n report r0\n b finish\n .thumb_func\n svc: movs "
       "r1, #1\n bx lr",
       {1}},
      {"ASupervisorCallInAnItBlock",  // the rest of the block is stacked, and goes on
       "movs r1, #0\n movs r2, #0\n cmp r0, r0\n ittee eq\n moveq r1, #1\n svceq #0\n movne r1, #2\n movne r2, #3\n "
       "report r1\n report r2\n b finish\n .thumb_func\n"
       "svc: ldr r0, [sp, #28]\n ldr r3, =0x0600FC00\n and r0, r3\n report r0\n cmp r0, #0\n bx lr\n .ltorg",
       {0x1C00, 1, 0}},
      {"AFaultInAnItBlock",  // its own condition and those behind it are stacked: it can be done again
       "set SHCSR, 0x70000\n ldr r5, =NOWHERE\n ldr r6, =scratch\n movs r2, #7\n str r2, [r6]\n movs r2, #0\n cmp r0, "
       "r0\n itte eq\n ldreq r2, [r5]\n addeq r2, #1\n movne r2, #3\n report r2\n b finish\n .ltorg\n .thumb_func\n"
       "bus_fault: ldr r0, [sp, #28]\n ldr r3, =0x0600FC00\n and r0, r3\n report r0\n mov r5, r6\n bx lr\n .ltorg",
       {0x04000400, 8}},
      {"AFaultLeavesTheBaseRegister",  // of accesses with write-back: they can be done again
       "set SHCSR, 0x70000\n ldr r5, =NOWHERE\n ldr r6, =scratch\n ldr r2, [r5], #4\n subs r0, r5, r6\n report r0\n "
       "ldr r5, =NOWHERE\n ldm r5!, {r2, r3, r4}\n subs r0, r5, r6\n report r0\n ldr r5, =NOWHERE\n"
       "stm r5!, {r2, r3, r4}\n subs r0, r5, r6\n report r0\n b finish\n .ltorg\n .thumb_func\n"
       "bus_fault: ldr r0, =NOWHERE\n subs r0, r5\n report r0\n mov r5, r6\n bx lr\n .ltorg",
       {0, 4, 0, 12, 0, 12}},
      {"WhatAStoreInAnItBlockMakesDueIsTakenAtTheBarrier",
       "ldr r5, =ICSR\n ldr r6, =0x10000000\n movs r4, #0\n mov r8, #0\n cmp r0, r0\n itte eq\n streq r6, [r5]\n "
       "addeq "
       "r4, #1\n addne r4, #2\n dsb\n isb\n report r4\n report r8\n b finish\n .ltorg\n .thumb_func\n"
       "pend_sv: cmp r0, #1\n add r8, #1\n bx lr",
       {1, 1}},
      {"WhatAStoreOfSeveralRegistersMakesDueIsTakenAtTheBarrier",
       "set 0xE000E100, 7\n ldr r5, =0xE000E200\n movs r1, #5\n movs r2, #0\n movs r4, #0\n stm r5!, {r1, r2}\n adds "
       "r4, "
       "#1\n dsb\n isb\n report r4\n report r6\n ldr r0, =0xE000E208\n subs r5, r0\n report r5\n b finish\n .ltorg\n"
       ".thumb_func\n interrupt0: movs r6, #1\n bx lr\n .thumb_func\n interrupt2: add r6, #2\n bx lr",
       {1, 3, 0}},
      {"LoadMultipleIntoThePc",
       "ldr r0, =1f + 1\n ldr r1, =scratch\n str r0, [r1, #4]\n movs r2, #7\n str r2, [r1]\n ldm r1, {r3, pc}\n udf "
       "#0\n"
       "1: report r3\n b finish\n .ltorg",
       {7}},
  };
}

class Architecture : public testing::TestWithParam<Program> {};

std::vector<uint32_t> words_of(const std::string& bytes) {
  std::vector<uint32_t> words(bytes.size() / 4);
  std::memcpy(words.data(), bytes.data(), words.size() * 4);
  return words;
}

TEST_P(Architecture, IsAsPromisedOnTheBoardAndOnQemu) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  const Program& program = GetParam();
  const ScratchFolder folder;
  for (const char* name : {"mps2-an386", "mps2-an500"}) {
    const target::Board board = target::load_board(name);
    const std::string elf = link_firmware(folder, firmware(program.text), board.target.name, "fpv5-sp-d16");
    const Outcome ours = run_on_board(elf, board);
    EXPECT_EQ(ours.exit_code, 0);
    EXPECT_EQ(words_of(ours.output), program.expected) << name;
    if (!program.on_qemu) continue;
    if (const std::optional<Outcome> qemu = run_on_qemu(elf, board)) {
      EXPECT_EQ(words_of(qemu->output), program.expected) << name << " of QEMU";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, Architecture, testing::ValuesIn(programs()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ArchitectureEnd, ALockupIsSeenByBoth) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  const ScratchFolder folder;
  const target::Board board = target::load_board("mps2-an386");
  const std::string elf =
      link_firmware(folder, firmware("udf #0\n .thumb_func\n hard_fault: udf #1\n"), "cortex-m4", "");
  EXPECT_EQ(run_on_board(elf, board).exit_code, -1);
  const std::optional<Outcome> qemu = run_on_qemu(elf, board);
  EXPECT_TRUE(!qemu || qemu->exit_code != 0);
}

}  // namespace
}  // namespace mote::board_sim
