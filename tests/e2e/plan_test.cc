// mote plan, and the picture it draws.
#include <fmt/format.h>

#include <map>

#include "e2e/mote.h"
#include "gmock/gmock.h"
#include "support/files.h"
#include "support/subprocess.h"

namespace mote::tests {

namespace {

using testing::HasSubstr;

const char* const kResNet = "examples/models/resnet_8.tflite";

TEST(Plan, NamesEveryTensorAndSaysHowGoodItIs) {
  const nlohmann::json plan = json_of(run_mote({"plan", source_file(kResNet), "--board", "nucleo-f746zg", "--json"}));
  const int64_t peak = plan.at("peak_bytes");
  EXPECT_TRUE(plan.at("optimal").get<bool>());
  EXPECT_EQ(plan.at("lower_bound_bytes"), peak);
  int64_t highest = 0, most_live = 0;
  for (const nlohmann::json& region : plan.at("regions")) {
    highest = std::max(highest, region.at("offset").get<int64_t>() + region.at("bytes").get<int64_t>());
    EXPECT_NE(region.at("tensors").empty(), region.at("scratch_of").is_null());
  }
  EXPECT_EQ(highest, peak);
  for (const nlohmann::json& op : plan.at("operators")) {
    most_live = std::max(most_live, op.at("live_bytes").get<int64_t>());
  }
  EXPECT_GE(most_live, peak);  // what overlaps counts twice
}

TEST(Plan, IsDrawn) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "plan.svg";
  const CommandResult result = run_mote({"plan", source_file(kResNet), "--board", "nucleo-f746zg", "--svg", file});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("proved to be the least"));
  const std::string svg = read_text(file);
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_THAT(svg, HasSubstr("class=\"tensor\""));
  EXPECT_THAT(svg, HasSubstr("class=\"scratch\""));
  EXPECT_THAT(svg, HasSubstr("conv_2d 1x32x32x3 to 1x32x32x16"));
}

/// A Cortex-M4 with two banks of RAM.
std::string two_banks(const TemporaryFolder& folder, int first_kib, int second_kib) {
  const std::string file = folder.path() / "two_banks.toml";
  write_file(file, fmt::format("description = \"two banks of RAM\"\ntarget = \"cortex-m4\"\nclock_hz = 100_000_000\n"
                               "stack = \"2K\"\n"
                               "[[memory]]\nname = \"flash\"\nkind = \"flash\"\naddress = 0x08000000\nsize = \"1M\"\n"
                               "[[memory]]\nname = \"sram1\"\nkind = \"ram\"\naddress = 0x20000000\nsize = \"{}K\"\n"
                               "[[memory]]\nname = \"sram2\"\nkind = \"ram\"\naddress = 0x20040000\nsize = \"{}K\"\n"
                               "[counter]\nkind = \"dwt\"\n",
                               first_kib, second_kib));
  return file;
}

TEST(Plan, DividesTheArenaAmongBanksWhereNoneHoldsItAndTheBoardComputesTheSame) {
  const TemporaryFolder folder;
  const std::string board = two_banks(folder, 40, 24), model = source_file(kResNet);
  const nlohmann::json plan = json_of(run_mote({"plan", model, "--board", board, "--json"}));
  ASSERT_EQ(plan.at("pools").size(), 2u);
  std::map<std::string, int64_t> highest;
  for (const nlohmann::json& region : plan.at("regions")) {
    int64_t& end = highest[region.at("pool").get<std::string>()];
    end = std::max(end, region.at("offset").get<int64_t>() + region.at("bytes").get<int64_t>());
  }
  int64_t total = 0;
  for (const nlohmann::json& pool : plan.at("pools")) {
    EXPECT_EQ(pool.at("bytes"), highest.at(pool.at("memory").get<std::string>()));
    total += pool.at("bytes").get<int64_t>();
  }
  EXPECT_EQ(plan.at("peak_bytes"), total);
  EXPECT_GT(total, 38 * 1024);
  const std::string svg = folder.path() / "plan.svg";
  EXPECT_THAT(run_mote({"plan", model, "--board", board, "--svg", svg}).out, HasSubstr("bytes in sram2"));
  EXPECT_THAT(read_text(svg), HasSubstr("sram2, "));
  if (find_own_program("mote-board")) {
    EXPECT_THAT(run_mote({"verify", model, "--board", board}).out, HasSubstr("bit-exact"));
  }
}

TEST(Plan, SaysWhatRamCosts) {
  const nlohmann::json plan = json_of(run_mote({"plan", source_file("examples/digits/digits.tflite"), "--board",
                                                "nucleo-f746zg", "--optimize", "ram", "--json"}));
  EXPECT_TRUE(plan.at("predicted_cycles").is_null()) << "there are no records";
  EXPECT_GT(plan.at("unmeasured_operators"), 0);
  EXPECT_GT(plan.at("fastest").at("arena_bytes"), plan.at("peak_bytes"));
}

}  // namespace

}  // namespace mote::tests
