// The cores without a timing model: a program for each, with the same result on the virtual board and on QEMU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "board_sim/firmware_test.h"
#include "board_sim/profile.h"
#include "board_sim/twin_test.h"

namespace mote::board_sim {
namespace {

struct Core {
  const char* name;
  const char* qemu_machine;
  uint32_t code, data;  // where memory is
  const char* more;     // instructions that the smaller ones have not
  std::vector<uint32_t> expected;
  friend void PrintTo(const Core& core, std::ostream* out) { *out << core.name; }
};

// Every instruction is one of the Cortex-M0; r7 points to where the next result goes.
constexpr const char* kProgram = R"(
    .macro report register
    str \register, [r7]
    adds r7, #4
    .endm
    .section .vectors, "a"
    .word stack, main + 1, fault + 1, fault + 1, fault + 1, fault + 1, fault + 1, 0, 0, 0, 0, svc + 1, 0, 0, pend_sv + 1, fault + 1
    .data
  results: .space 256
  open: .word console, 4, 3
  write: .word 0, results, 0
  numbers: .word 0x11223344, 0x55667788, 0x99AABBCC
    .space 1024
    .balign 8
  stack:
    .text
  console: .asciz ":tt"
    .balign 4
    .thumb_func
  main:
    ldr r7, =results
    ldr r0, =123456789
    ldr r1, =987654321
    muls r1, r0
    report r1
    movs r2, #0
    movs r3, #100
  1: adds r2, r2, r3
    subs r3, #1
    bne 1b
    report r2
    rev r4, r0
    report r4
    ldr r5, =numbers
    ldm r5!, {r1, r2, r3}
    push {r1, r2, r3}
    pop {r4, r5, r6}
    eors r4, r5
    eors r4, r6
    report r4
    adds r4, r4, r4
    movs r0, #0
    adcs r0, r0
    report r0
    svc #5
    report r0
    ldr r1, =0xE000ED04
    ldr r2, =0x10000000
    str r2, [r1]
    dsb
    isb
    report r6
    cpsid i
    mrs r0, primask
    report r0
    cpsie i
    ldr r1, =numbers + 1
    movs r0, #0
    ldr r0, [r1]
    report r0
  {more}
  {write_results}
    .thumb_func
  svc: ldr r0, [sp, #24]
    subs r0, #2
    ldrb r0, [r0]
    str r0, [sp]
    bx lr
    .thumb_func
  pend_sv: movs r6, #77
    bx lr
    .thumb_func
  fault: ldr r0, [sp, #24]
    adds r0, #2
    str r0, [sp, #24]
    ldr r0, =0xFA117
    str r0, [sp]
    bx lr
    .ltorg
)";

constexpr const char* kMoreOfM3 = R"(
    ldr r0, =1000003
    movs r1, #7
    udiv r2, r0, r1
    mls r3, r2, r1, r0
    report r2
    report r3
    umull r2, r3, r0, r0
    report r3
    clz r3, r0
    cmp r3, #12
    ite eq
    moveq r3, #1
    movne r3, #2
    report r3
    bfi r0, r1, #8, #4
    report r0
)";

constexpr const char* kMoreOfM33 = R"(
    ldr r0, =0x00030005
    ldr r1, =0x00070002
    movs r2, #1
    smlad r3, r0, r1, r2
    report r3
    ldr r0, =0xE000ED88
    ldr r1, =0x00F00000
    str r1, [r0]
    dsb
    isb
    vmov.f32 s0, #1.5
    vmul.f32 s0, s0, s0
    vmov r0, s0
    report r0
)";

std::vector<uint32_t> with(std::vector<uint32_t> words, std::initializer_list<uint32_t> more) {
  words.insert(words.end(), more);
  return words;
}

std::vector<Core> cores() {
  // The last is an unaligned load: a fault on a Cortex-M0.
  const std::vector<uint32_t> base = {
      123456789u * 987654321u, 5050, 0x15CD5B07, 0x11223344u ^ 0x55667788u ^ 0x99AABBCCu, 1, 5, 77, 1};
  const auto unaligned = with(base, {0x88112233});
  return {{"cortex-m0", "microbit", 0, 0x20000000, "", with(base, {0xFA117})},
          {"cortex-m3", "mps2-an385", 0, 0x20000000, kMoreOfM3, with(unaligned, {142857, 4, 232, 1, 0xF4743})},
          {"cortex-m33", "mps2-an505", 0x10000000, 0x38000000, kMoreOfM33, with(unaligned, {32, 0x40100000})}};
}

/// The MPS2+ board with another core.
target::Board board_of(const Core& core) {
  target::Board board = target::load_board("mps2-an386");
  board.target = target::load_target(core.name);
  board.qemu_machine = core.qemu_machine;
  board.regions[0].address = core.code;
  board.regions[1].address = core.data;
  board.regions[1].alias.reset();
  return board;
}

class Cores : public testing::TestWithParam<Core> {};

TEST_P(Cores, RunAProgramAsQemuDoes) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  const Core& core = GetParam();
  const target::Board board = board_of(core);
  std::string text = kProgram;
  for (const auto& [mark, part] : {std::pair{"{more}", core.more}, std::pair{"{write_results}", kWriteResults}}) {
    text.replace(text.find(mark), std::strlen(mark), part);
  }
  const ScratchFolder folder;
  const bool floating = board.target.fpu;
  const std::string elf = link_firmware(folder, text, core.name, floating ? "fpv5-sp-d16" : "", core.code, core.data);
  const auto words = [](const Outcome& outcome) {
    std::vector<uint32_t> result(outcome.output.size() / 4);
    std::memcpy(result.data(), outcome.output.data(), result.size() * 4);
    return result;
  };
  const Outcome ours = run_on_board(elf, board);
  EXPECT_EQ(ours.exit_code, 0);
  EXPECT_EQ(words(ours), core.expected);
  if (const std::optional<Outcome> qemu = run_on_qemu(elf, board)) {
    EXPECT_EQ(words(*qemu), core.expected) << "QEMU's " << core.qemu_machine;
  }
}

TEST_P(Cores, SayThatTheirCyclesAreNoModels) {
  const target::Board board = board_of(GetParam());
  const Machine machine(board);
  EXPECT_FALSE(machine.timer().has_model());
  EXPECT_THAT(to_json(machine, profile(machine, {}), ""), testing::HasSubstr("\"timing_model\": false"));
}

INSTANTIATE_TEST_SUITE_P(WithoutATimingModel, Cores, testing::ValuesIn(cores()));

}  // namespace
}  // namespace mote::board_sim
