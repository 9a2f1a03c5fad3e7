// mote plan, and the picture it draws.
#include "e2e/mote.h"
#include "gmock/gmock.h"
#include "support/files.h"

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

}  // namespace

}  // namespace mote::tests
