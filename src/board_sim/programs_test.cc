// Programs of the kind that people judge a core by, built as they come: each checks its own result.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "board_sim/elf_file.h"
#include "board_sim/firmware_test.h"
#include "support/data_dir.h"
#include "support/files.h"

namespace mote::board_sim {
namespace {

struct Program {
  std::string source, define;
  friend void PrintTo(const Program& program, std::ostream* out) { *out << program.source << program.define; }
};

class Programs : public testing::TestWithParam<Program> {};

/// Cycles of the whole run.
uint64_t run(const std::string& board, const std::string& elf, MemoryProfile memory) {
  Rig rig(board);
  rig.machine = std::make_unique<Machine>(rig.board, memory);
  rig.machine->print = [&](std::string_view text) { rig.output += text; };
  for (const ElfSegment& segment : read_elf(elf).segments) {
    EXPECT_TRUE(rig.machine->write(segment.address, segment.bytes));
  }
  rig.machine->reset();
  const Halt halt = rig.machine->run();
  EXPECT_EQ(halt.reason, Halt::Reason::kExit);
  EXPECT_EQ(halt.exit_code, 0) << rig.output;
  EXPECT_THAT(rig.output, testing::HasSubstr(" cycles for "));
  return rig.machine->cycles();
}

TEST_P(Programs, ComputeWhatTheyShouldInTheSameCyclesEachTime) {
  if (!find_program("arm-none-eabi-gcc")) GTEST_SKIP() << "no arm-none-eabi-gcc";
  const std::string folder = source_dir() / "benchmarks/programs";
  const TemporaryFolder work;
  const std::string elf = work.path() / "program.elf";
  for (const auto& [cpu, fpu, board] : {std::array{"cortex-m4", "fpv4-sp-d16", "nucleo-l4r5zi"},
                                        std::array{"cortex-m7", "fpv5-sp-d16", "nucleo-f746zg"}}) {
    SCOPED_TRACE(board);
    Command command;
    command.arguments = {"arm-none-eabi-gcc",
                         "-mcpu=" + std::string(cpu),
                         "-mfpu=" + std::string(fpu),
                         "-mfloat-abi=hard",
                         "-mthumb",
                         "-std=gnu11",
                         "-Wall",
                         "-Wextra",
                         "-O3",
                         "-nostartfiles",
                         "--specs=nosys.specs",
                         "-T",
                         folder + "/program.ld",
                         "-o",
                         elf,
                         folder + "/start.c",
                         folder + "/" + GetParam().source};
    if (!GetParam().define.empty()) command.arguments.push_back(GetParam().define);
    const CommandResult built = run_command(command);
    ASSERT_TRUE(built.ok()) << built.err;
    const uint64_t cycles = run(board, elf, MemoryProfile::kZeroWait);
    EXPECT_EQ(run(board, elf, MemoryProfile::kZeroWait), cycles);
    EXPECT_GT(run(board, elf, MemoryProfile::kFlash), cycles) << "waiting for flash costs something";
  }
}

INSTANTIATE_TEST_SUITE_P(All, Programs,
                         testing::Values(Program{"chacha20.c", ""}, Program{"sha256.c", ""}, Program{"keccak.c", ""},
                                         Program{"aes.c", ""}, Program{"aes.c", "-DTABLE"}, Program{"mix.c", ""},
                                         Program{"conv.c", ""}));

}  // namespace
}  // namespace mote::board_sim
