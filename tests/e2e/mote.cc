#include "e2e/mote.h"

#include "gmock/gmock.h"
#include "support/data_dir.h"

namespace mote::tests {

CommandResult run_mote(const std::vector<std::string>& arguments) {
  Command command;
  command.arguments = {MOTE_PROGRAM};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  command.limit = std::chrono::minutes(2);
  CommandResult result = run_command(command);
  EXPECT_FALSE(result.timed_out) << "mote " << testing::PrintToString(arguments) << " did not end";
  EXPECT_EQ(result.signal, 0) << "mote " << testing::PrintToString(arguments) << " crashed";
  return result;
}

nlohmann::json json_of(const CommandResult& result) {
  EXPECT_EQ(result.exit_code, 0) << result.err;
  try {
    return nlohmann::json::parse(result.out);
  } catch (const nlohmann::json::exception& error) {
    ADD_FAILURE() << error.what() << " in: " << result.out;
    return {};
  }
}

void expect_refused(const CommandResult& result, const std::string& part) {
  EXPECT_EQ(result.exit_code, 2) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, testing::StartsWith("mote: error: "));
  EXPECT_THAT(result.err, testing::HasSubstr(part));
}

std::string source_file(const std::string& path) {
  return (mote::source_dir() / path).string();
}

}  // namespace mote::tests
