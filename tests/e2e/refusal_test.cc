// What is wrong outside the model: boards, tools, folders, records.
#include <sqlite3.h>

#include "e2e/mote.h"
#include "gmock/gmock.h"
#include "support/files.h"

namespace mote::tests {

namespace {

using testing::HasSubstr;

const char* const kM7 = "nucleo-f746zg";

std::string digits() {
  return source_file("examples/digits/digits.tflite");
}

/// Expects a job to have failed: exit code 1, a message that holds `part`, nothing on standard output.
void expect_failed(const CommandResult& result, const std::string& part) {
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, testing::StartsWith("mote: error: "));
  EXPECT_THAT(result.err, HasSubstr(part));
}

TEST(Refusal, UnknownBoardListsTheKnownOnes) {
  const TemporaryFolder folder;
  expect_refused(run_mote({"compile", digits(), "--board", "no-such-board", "-o", folder.path() / "x"}), kM7);
}

TEST(Refusal, MissingToolchainNamesThePackage) {
  Command command;
  command.arguments = {MOTE_PROGRAM, "profile", digits(), "--board", kM7};
  command.environment = {{"PATH", "/nonexistent"}};
  expect_failed(run_command(command), "gcc-arm-none-eabi");
}

TEST(Refusal, OutputThatCannotBeWrittenIsNamed) {
  expect_failed(run_mote({"compile", digits(), "--board", kM7, "-o", "/dev/null/library"}), "/dev/null/library");
  expect_failed(run_mote({"run", digits(), "--board", kM7, "--output", "/dev/null/out.bin"}), "/dev/null/out.bin");
}

TEST(Refusal, APlotWithoutAPlaceIsNamedBeforeTheFirstTrial) {
  const TemporaryFolder folder;
  const std::filesystem::path records = folder.path() / "tuning.db";
  for (const std::filesystem::path& plot : {folder.path() / "missing" / "plot.svg", folder.path()}) {
    expect_refused(run_mote({"tune", digits(), "--records", records, "--trials", "4", "--plot", plot}), plot.string());
    EXPECT_FALSE(std::filesystem::exists(records));
  }
}

TEST(Refusal, ABudgetIsNotNegative) {
  const TemporaryFolder folder;
  for (const char* const budget : {"--ram", "--flash", "--fast-ram"}) {
    expect_refused(run_mote({"compile", digits(), "--board", kM7, budget, "-5", "-o", folder.path() / "x"}),
                   std::string(budget) + ": -5 is negative");
  }
}

TEST(Refusal, InputOfTheWrongSizeIsNamed) {
  const TemporaryFolder folder;
  const std::string input = folder.path() / "in.bin";
  expect_refused(run_mote({"run", digits(), "--board", kM7, "--input", input}), "in.bin");
  write_file(input, std::string_view("short"));
  expect_refused(run_mote({"run", digits(), "--board", kM7, "--input", input}), "784");
}

TEST(Refusal, ModelThatIsTooLargeSaysByHowMuch) {
  const TemporaryFolder folder;
  const std::string board = folder.path() / "small.toml", out = folder.path() / "library";
  write_file(board, std::string_view(R"(description = "A small board"
target = "cortex-m4"
clock_hz = 16_000_000
stack = "1K"

[[memory]]
name = "flash"
kind = "flash"
address = 0x08000000
size = "1M"

[[memory]]
name = "sram"
kind = "ram"
address = 0x20000000
size = "16K"

[counter]
kind = "dwt"
)"));
  const CommandResult result =
      run_mote({"compile", source_file("examples/models/article_cnn.tflite"), "--board", board, "-o", out});
  expect_refused(result, "bytes too many");
  EXPECT_THAT(result.err, HasSubstr("RAM (sram)"));
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST(Refusal, ForeignRecordsAreLeftAlone) {
  const TemporaryFolder folder;
  const std::string text = folder.path() / "text.db", database = folder.path() / "foreign.db";
  write_file(text, std::string_view("not a database"));
  expect_refused(run_mote({"tune", digits(), "--board", kM7, "--records", text, "--trials", "1"}), "text.db");
  EXPECT_EQ(read_text(text), "not a database");

  sqlite3* foreign = nullptr;
  ASSERT_EQ(sqlite3_open(database.c_str(), &foreign), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(foreign, "CREATE TABLE recipes(title)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(foreign);
  const std::string before = read_text(database);
  expect_refused(run_mote({"tune", digits(), "--board", kM7, "--records", database, "--trials", "1"}), "foreign.db");
  expect_refused(run_mote({"profile", digits(), "--board", kM7, "--records", database}), "foreign.db");
  EXPECT_EQ(read_text(database), before);
}

TEST(Refusal, LockedRecordsAreAFailureThatSaysSo) {
  const TemporaryFolder folder;
  const std::string records = folder.path() / "tuning.db";
  ASSERT_EQ(run_mote({"tune", digits(), "--board", kM7, "--records", records, "--trials", "1"}).exit_code, 0);
  sqlite3* holder = nullptr;
  ASSERT_EQ(sqlite3_open(records.c_str(), &holder), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(holder, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", nullptr, nullptr, nullptr),
            SQLITE_OK);
  const CommandResult result = run_mote({"tune", digits(), "--board", kM7, "--records", records, "--trials", "1"});
  sqlite3_close(holder);
  expect_failed(result, "tuning.db");
  EXPECT_THAT(result.err, HasSubstr("lock"));
}

}  // namespace

}  // namespace mote::tests
