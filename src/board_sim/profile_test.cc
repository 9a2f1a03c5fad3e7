#include "board_sim/profile.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "board_sim/firmware_test.h"

namespace mote::board_sim {
namespace {

TEST(Profile, CyclesAddUpAndFunctionsAreTold) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  Rig rig;
  rig.load(
      "bl work\n bl work\n bkpt 0\n .balign 16\nwork: movs r0, #100\n1: mul r1, r1, r0\n mul r1, r1, r0\n"
      "subs r0, #1\n bne 1b\n bx lr");
  rig.machine->debugger = true;
  ASSERT_EQ(rig.machine->run().reason, Halt::Reason::kBreakpoint);
  const std::vector<ElfSymbol> symbols = {
      {"main", kCode, 16, true}, {"data", kCode + 4, 0, false}, {"work", kCode + 16, 64, true}};
  const Profile result = profile(*rig.machine, symbols);
  ASSERT_EQ(result.functions.size(), 2u);
  EXPECT_EQ(result.functions[0].name, "work");
  EXPECT_EQ(result.functions[1].name, "main");
  EXPECT_EQ(result.functions[0].cycles + result.functions[1].cycles, rig.machine->cycles());
  EXPECT_EQ(result.functions[0].instructions + result.functions[1].instructions, rig.machine->instructions());
  EXPECT_EQ(result.blocks[0].executions, 198u) << "the loop's later rounds";
  EXPECT_GE(result.blocks[0].stalls.dependency, 198 * 2) << "each multiply waits for the one before";
  EXPECT_GT(result.functions[0].stalls.mispredict, 0);
  EXPECT_EQ(result.functions[0].stalls.memory, 0);

  const nlohmann::json document = nlohmann::json::parse(to_json(*rig.machine, result, ""));
  EXPECT_EQ(document["cycles"], rig.machine->cycles());
  EXPECT_EQ(document["functions"][0]["name"], "work");
  EXPECT_EQ(document["blocks"].size(), result.blocks.size());
  EXPECT_NE(to_text(result, 5).find("work"), std::string::npos);
}

struct Reckoned {
  const char* board;
  MemoryProfile memory;
  friend void PrintTo(const Reckoned& how, std::ostream* out) { *out << how.board << static_cast<int>(how.memory); }
};

class ProfileOfInstructions : public testing::TestWithParam<Reckoned> {};

// Loads that miss, that are not aligned, that are used at once; a branch that the predictor cannot learn.
TEST_P(ProfileOfInstructions, AddsUpToTheBlocksAndNamesTheReasons) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  const target::Board board = target::load_board(GetParam().board);
  Machine machine(board, GetParam().memory);
  const uint32_t vectors[2] = {kStack, kCode | 1};
  machine.write(board.flash().address, std::as_bytes(std::span(vectors)));
  const std::vector<std::byte> code = assemble(
      "ldr r1, =0x08001001\n ldr r5, =0x9E3779B9\n movs r0, #200\n 1: ldr r2, [r1], #64\n add r3, r2, #1\n"
      "adds r6, r5\n bpl 2f\n mul r3, r3, r3\n mul r3, r3, r3\n 2: subs r0, #1\n bne 1b\n bkpt 0\n .ltorg");
  machine.write(kCode, code);
  machine.reset();
  machine.debugger = true;
  ASSERT_EQ(machine.run().reason, Halt::Reason::kBreakpoint);
  const Profile result = profile(machine, {});
  double cycles = 0, memory = 0, mispredict = 0;
  for (const InsnProfile& insn : result.insns) {
    cycles += insn.cycles;
    memory += insn.stalls.memory;
    mispredict += insn.stalls.mispredict;
    EXPECT_GE(insn.cycles, insn.stalls.dependency + insn.stalls.conflict + insn.stalls.memory + insn.stalls.mispredict);
  }
  EXPECT_NEAR(cycles, static_cast<double>(machine.cycles()), 1) << "half a cycle may be left over";
  EXPECT_EQ(memory, static_cast<double>(machine.memory_cycles()));
  const bool dual = machine.timer().model()->dual();
  EXPECT_EQ(mispredict, dual ? 8.0 * static_cast<double>(machine.timer().mispredicts()) : 0);
  const auto at = [&](size_t number) { return result.insns[number]; };  // in program order
  EXPECT_EQ(at(3).executions, 200u);
  // Where the address is made, in the first round, it is taken to be aligned.
  EXPECT_GE(at(3).stalls.memory, 199.0 * (GetParam().memory == MemoryProfile::kFlash ? 5 : 2)) << "the unaligned load";
  EXPECT_GT(at(4).stalls.dependency, 0) << "its user";
  EXPECT_EQ(at(6).stalls.mispredict > 100, dual) << "the branch";
  EXPECT_EQ(at(5).stalls.mispredict, 0);
}

INSTANTIATE_TEST_SUITE_P(Boards, ProfileOfInstructions,
                         testing::Values(Reckoned{"nucleo-f746zg", MemoryProfile::kZeroWait},
                                         Reckoned{"nucleo-f746zg", MemoryProfile::kFlash},
                                         Reckoned{"nucleo-l4r5zi", MemoryProfile::kZeroWait},
                                         Reckoned{"nucleo-l4r5zi", MemoryProfile::kFlash}));

TEST(Profile, WithoutSymbolsBlocksGoByAddress) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  Rig rig;
  rig.load("nop\n bkpt 0");
  rig.machine->debugger = true;
  rig.machine->run();
  EXPECT_EQ(profile(*rig.machine, {}).functions[0].name, "0x08000400");
}

}  // namespace
}  // namespace mote::board_sim
