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
