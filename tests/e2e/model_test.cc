// Models, good and bad, as every command that takes one meets them.
#include <string_view>

#include "e2e/mote.h"
#include "gmock/gmock.h"
#include "support/files.h"

namespace mote::tests {

namespace {

TEST(Inspect, DescribesAModelInJson) {
  const nlohmann::json document =
      json_of(run_mote({"inspect", source_file("examples/digits/digits.tflite"), "--json"}));
  EXPECT_EQ(document.value("macs", 0), 149'408);
  EXPECT_EQ(document.at("operators").size(), 6u);
}

TEST(Inspect, RefusesWhatIsNoModel) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "model.tflite";
  expect_refused(run_mote({"inspect", path}), "model.tflite");
  write_file(path, std::string_view(""));
  expect_refused(run_mote({"inspect", path}), "model.tflite");
  write_file(path, std::string_view("this is no model, whatever it is called"));
  expect_refused(run_mote({"inspect", path}), "model.tflite");
  expect_refused(run_mote({"inspect", folder.path()}), "");
  const Bytes good = read_bytes(source_file("examples/digits/digits.tflite"));
  write_file(path, std::span(good).first(good.size() / 2));
  expect_refused(run_mote({"inspect", path}), "model.tflite");
}

TEST(Inspect, FullDiskIsAFailure) {
  Command command;
  command.arguments = {"/bin/sh", "-c", "exec \"$0\" --help >/dev/full", MOTE_PROGRAM};
  const CommandResult result = run_command(command);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, testing::HasSubstr("cannot write"));
}

}  // namespace

}  // namespace mote::tests
