// What mote says of itself.
#include <sstream>

#include "e2e/mote.h"
#include "gmock/gmock.h"
#include "support/golden.h"

namespace mote::tests {

namespace {

/// The commands that `mote --help` lists.
std::vector<std::string> commands() {
  std::istringstream help(run_mote({"--help"}).out);
  std::vector<std::string> names;
  std::string line;
  while (std::getline(help, line) && line != "Subcommands:" && line != "Commands:") {
  }
  while (std::getline(help, line) && line.starts_with("  ")) {
    if (line[2] != ' ') names.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  return names;
}

std::string golden(const std::string& name) {
  return source_file("tests/e2e/golden/" + name + ".txt");
}

TEST(Help, IsAsReviewed) {
  const CommandResult result = run_mote({"--help"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "");
  expect_golden(golden("help"), result.out);
}

TEST(Help, OfEveryCommandIsAsReviewed) {
  ASSERT_FALSE(commands().empty());
  for (const std::string& command : commands()) {
    const CommandResult result = run_mote({command, "--help"});
    EXPECT_EQ(result.exit_code, 0) << command;
    expect_golden(golden("help_" + command), result.out);
  }
}

TEST(Help, VersionIsPrinted) {
  EXPECT_EQ(run_mote({"--version"}).out, "mote " MOTE_VERSION "\n");
}

TEST(WrongUse, IsRefusedWithAHint) {
  expect_refused(run_mote({}), "mote --help");
  expect_refused(run_mote({"cook"}), "cook");
  for (const std::string& command : commands()) {
    expect_refused(run_mote({command, "--no-such-option"}), "mote " + command + " --help");
  }
}

}  // namespace

}  // namespace mote::tests
