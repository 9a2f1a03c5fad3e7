// mote inspect on a model that is supported and on one that is not: small.tflite with an operator that mote does not
// know, a custom one, and a fused activation it cannot express.
#include "e2e/mote.h"
#include "gmock/gmock.h"
#include "support/golden.h"

namespace mote::tests {

namespace {

CommandResult inspect(const std::string& model, const std::vector<std::string>& options = {}) {
  Command command;
  command.arguments = {MOTE_PROGRAM, "inspect", model};
  command.arguments.insert(command.arguments.end(), options.begin(), options.end());
  command.folder = source_file("tests/e2e/models");
  return run_command(command);
}

std::string golden(const std::string& name) {
  return source_file("tests/e2e/golden/" + name + ".txt");
}

TEST(Inspect, ReportIsAsReviewed) {
  const CommandResult result = inspect("small.tflite");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  expect_golden(golden("inspect_small"), result.out);
}

TEST(Inspect, SaysWhatIsNotComputed) {
  const CommandResult result = inspect(source_file("examples/models/mobilenet_v1.tflite"), {"--json"});
  const nlohmann::json compiled = json_of(result).at("compiled");
  EXPECT_LT(compiled.at("macs"), 4'100'000);
  EXPECT_GT(compiled.at("removed_channels"), 1'000);
  EXPECT_EQ(json_of(inspect("small.tflite", {"--json"})).at("compiled").at("removed_channels"), 0);
}

TEST(Inspect, ShowsTheGraphPassByPass) {
  const CommandResult passes = inspect("small.tflite", {"--passes"});
  EXPECT_EQ(passes.exit_code, 0);
  EXPECT_THAT(passes.out, testing::HasSubstr("remove_constant_channels"));
  const CommandResult after = inspect("small.tflite", {"--after", "fuse_pad"});
  EXPECT_EQ(after.exit_code, 0);
  EXPECT_THAT(after.out, testing::StartsWith("graph \"small\""));
  const CommandResult unknown = inspect("small.tflite", {"--after", "magic"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, testing::HasSubstr("'magic' is none of fold_constants, "));
}

TEST(Inspect, ListsEverythingThatIsNotSupported) {
  const CommandResult result = inspect("unsupported.tflite");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err, "mote: error: unsupported.tflite: mote cannot take this model: 3 problems\n");
  expect_golden(golden("inspect_unsupported"), result.out);
}

TEST(Inspect, DocumentSaysWhatIsNotSupported) {
  const CommandResult result = inspect("unsupported.tflite", {"--json"});
  EXPECT_EQ(result.exit_code, 2);
  const nlohmann::json document = nlohmann::json::parse(result.out);
  EXPECT_EQ(document.at("supported"), false);
  EXPECT_EQ(document.at("problems").size(), 3u);
  ASSERT_EQ(document.at("operators").size(), 7u);
  std::vector<int> unsupported;
  for (const nlohmann::json& op : document.at("operators")) {
    if (!op.at("supported")) unsupported.push_back(op.at("index"));
  }
  EXPECT_EQ(unsupported, (std::vector<int>{2, 3, 5}));
}

TEST(Inspect, DocumentOfASupportedModelIsComplete) {
  const CommandResult result = inspect("small.tflite", {"--json"});
  const nlohmann::json document = json_of(result);
  EXPECT_EQ(document.at("supported"), true);
  const int64_t conv = 4 * 4 * 4 * 27, dense = 5 * 4;
  EXPECT_EQ(document.at("macs"), conv + dense);
  EXPECT_EQ(document.at("weight_bytes"), (4 * 27 + 4 * 4) + (5 * 4 + 5 * 4));
  EXPECT_EQ(document.at("operators").at(0).at("macs"), conv);
  EXPECT_EQ(document.at("operators").at(0).at("kind"), "conv_2d");
  EXPECT_EQ(document.at("tensors").at(0).at("shape"), (std::vector<int>{1, 8, 8, 3}));
}

}  // namespace

}  // namespace mote::tests
