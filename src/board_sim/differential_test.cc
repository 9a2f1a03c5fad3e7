// Random instruction sequences, on the virtual board and on QEMU: every register, the flags and memory must be equal.
#include <gtest/gtest.h>

#include <cstring>

#include "board_sim/firmware_test.h"
#include "board_sim/random_code_test.h"
#include "board_sim/twin_test.h"
#include "support/random.h"

namespace mote::board_sim {
namespace {

constexpr int kSequences = 3000, kLength = 16;
constexpr size_t kMemoryWords = 32, kInputWords = kMemoryWords + 32 + 2 + 11, kOutputWords = 13 + 3 + 32 + kMemoryWords;

// Gives each sequence its registers and memory from `inputs`, runs it, and writes what it left to the console.
constexpr const char* kHarness = R"(
    .section .vectors, "a"
    .word 0x20300000, start + 1, failed + 1, failed + 1, failed + 1, failed + 1, failed + 1
    .data
  variables: .word inputs, 0
  write: .word 0, result, 4 * 80
  open: .word console, 4, 3
  memory: .space 128
  result: .space 4 * 80
    .text
  console: .asciz ":tt"
    .balign 4
    .thumb_func
  failed:
    movs r0, #0x18
    movs r1, #1
    bkpt 0xab
    .thumb_func
  start:
    ldr r0, =0xE000ED88
    ldr r1, =0x00F00000
    str r1, [r0]
    dsb
    isb
    movs r0, #1
    ldr r1, =open
    bkpt 0xab
    ldr r1, =write
    str r0, [r1]
  next:
    ldr r0, =0x20300000
    mov sp, r0
    ldr r0, =variables
    ldr r1, [r0]
    ldr r11, =memory
    movs r2, #32
  1:
    ldr r3, [r1], #4
    str r3, [r11], #4
    subs r2, #1
    bne 1b
    mov r10, r11
    sub r11, #128
    vldmia r1!, {s0-s31}
    ldr r2, [r1], #4
    vmsr fpscr, r2
    ldr r2, [r1], #4
    add r3, r1, #44
    str r3, [r0]
    ldr r3, [r0, #4]
    add r4, r3, #1
    str r4, [r0, #4]
    ldr lr, =table
    ldr lr, [lr, r3, lsl #2]
    msr apsr_nzcvqg, r2
    ldmia r1, {r0-r9, r12}
    bx lr
  done:
    ldr lr, =result
    stmia lr!, {r0-r12}
    mrs r0, apsr
    vmrs r1, fpscr
    mov r2, sp
    stmia lr!, {r0-r2}
    vstmia lr!, {s0-s31}
    ldr r1, =memory
    movs r2, #32
  1:
    ldr r3, [r1], #4
    str r3, [lr], #4
    subs r2, #1
    bne 1b
    movs r0, #5
    ldr r1, =write
    bkpt 0xab
    ldr r0, =variables
    ldr r1, [r0, #4]
    ldr r2, =count
    cmp r1, r2
    bne next
    movs r0, #0x18
    ldr r1, =0x20026
    bkpt 0xab
    .ltorg
)";

/// A core register: often at an edge of its range, or two small halves.
uint32_t core_value(Random& random) {
  static constexpr uint32_t kEdges[] = {0,      1,          0xFFFFFFFF, 0x80000000, 0x7FFFFFFF,
                                        0x8000, 0xFFFF8000, 0x80808080, 31,         32};
  switch (random.below(4)) {
    case 0:
      return kEdges[random.below(std::size(kEdges))];
    case 1:
      return static_cast<uint32_t>(random.between(-40, 40));
    default:
      return static_cast<uint32_t>(random.bits());
  }
}

/// A float as bits: zeros, infinities, quiet and signalling NaNs, denormals, and numbers near and far from 1.
uint32_t float_value(Random& random) {
  static constexpr uint32_t kEdges[] = {0x00000000, 0x80000000, 0x7F800000, 0xFF800000, 0x7FC00001, 0x7F800001,
                                        0xFFA00000, 0x00000001, 0x807FFFFF, 0x00800000, 0x7F7FFFFF, 0x3F800000,
                                        0xBF800000, 0x4F000000, 0xCF000000, 0x4F800000, 0x3F000000, 0x47000000};
  switch (random.below(4)) {
    case 0:
      return kEdges[random.below(std::size(kEdges))];
    case 1:
      return static_cast<uint32_t>(random.bits());
    default:  // exponents from -10 to 40
      return static_cast<uint32_t>((random.bits() & 0x807FFFFF) | static_cast<uint64_t>(random.between(117, 167))
                                                                      << 23);
  }
}

std::string make_inputs(Random& random) {
  std::vector<uint32_t> words;
  for (size_t i = 0; i < kMemoryWords; ++i) words.push_back(core_value(random));
  for (int i = 0; i < 32; ++i) words.push_back(float_value(random));
  words.push_back(static_cast<uint32_t>(random.bits()) & 0x03C00000);  // DN, FZ, rounding mode
  words.push_back(static_cast<uint32_t>(random.bits()) & 0xF80F0000);  // NZCVQ, GE
  for (int i = 0; i < 11; ++i) words.push_back(core_value(random));
  return std::string(reinterpret_cast<const char*>(words.data()), words.size() * sizeof(uint32_t));
}

std::string name_of_word(size_t i) {
  if (i < 13) return fmt::format("r{}", i);
  if (i < 16) return std::array{"apsr", "fpscr", "sp"}[i - 13];
  return i < 48 ? fmt::format("s{}", i - 16) : fmt::format("memory + {}", 4 * (i - 48));
}

class Differential : public testing::TestWithParam<const char*> {};

TEST_P(Differential, RandomSequencesLeaveTheSameState) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  if (!find_program("qemu-system-arm")) GTEST_SKIP() << "no qemu-system-arm";
  const target::Board board = target::load_board(GetParam());
  const bool m7 = board.target.name == "cortex-m7";
  const char* const chosen = std::getenv("MOTE_SEED");
  const uint64_t seed = chosen != nullptr ? std::strtoull(chosen, nullptr, 0) : 20240611;
  RandomCode code(seed, m7);
  Random random(seed ^ 0x5EED);

  ScratchFolder folder;
  std::vector<std::string> sequences;
  std::string text = kHarness, table = "table:\n", inputs;
  for (int i = 0; i < kSequences; ++i) {
    sequences.push_back(code.sequence(kLength));
    text += fmt::format("sequence{}:\n{}b.w done\n", i, sequences.back());
    table += fmt::format(".word sequence{} + 1\n", i);
    inputs += make_inputs(random);
  }
  text += fmt::format(".balign 4\n{}inputs: .incbin \"inputs.bin\"\n.equ count, {}\n", table, kSequences);
  write_file(folder.file("inputs.bin"), inputs);
  const std::string elf =
      link_firmware(folder, text, m7 ? "cortex-m7" : "cortex-m4", m7 ? "fpv5-sp-d16" : "fpv4-sp-d16");

  const Outcome ours = run_on_board(elf, board);
  const std::optional<Outcome> qemu = run_on_qemu(elf, board);
  ASSERT_TRUE(qemu);
  EXPECT_EQ(ours.exit_code, 0);
  ASSERT_EQ(qemu->exit_code, 0);
  constexpr size_t kBytes = kOutputWords * 4;
  ASSERT_EQ(qemu->output.size(), kBytes * kSequences);
  ASSERT_EQ(ours.output.size(), kBytes * kSequences);
  int reported = 0;
  for (size_t i = 0; i < kSequences && reported < 5; ++i) {
    std::array<uint32_t, kOutputWords> a, b;
    std::memcpy(a.data(), ours.output.data() + i * kBytes, kBytes);
    std::memcpy(b.data(), qemu->output.data() + i * kBytes, kBytes);
    if (a == b) continue;
    ++reported;
    std::string difference;
    for (size_t w = 0; w < kOutputWords; ++w) {
      if (a[w] != b[w]) difference += fmt::format("{}: {:#010x}, QEMU {:#010x}\n", name_of_word(w), a[w], b[w]);
    }
    ADD_FAILURE() << "MOTE_SEED=" << seed << ", sequence " << i << ":\n" << sequences[i] << difference;
  }
}

INSTANTIATE_TEST_SUITE_P(Cores, Differential, testing::Values("mps2-an386", "mps2-an500"),
                         [](const auto& info) { return std::string(info.param).substr(5); });

}  // namespace
}  // namespace mote::board_sim
