// From a model to a library: the examples, untuned and tuned, on the boards.
#include <fmt/format.h>

#include <map>
#include <sstream>

#include "digits/quantized_digits.h"
#include "e2e/mote.h"
#include "gmock/gmock.h"
#include "import/tflite/reader.h"
#include "support/files.h"

namespace mote::tests {

namespace {

using testing::HasSubstr;

const char* const kM7 = "nucleo-f746zg";
const char* const kM4 = "nucleo-l4r5zi";
const char* const kDigits = "examples/digits/digits.tflite";

class EveryExample : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(EveryExample, IsBitExactOnTheBoard) {
  const auto [model, board] = GetParam();
  const nlohmann::json document = json_of(run_mote({"verify", source_file(model), "--board", board, "--json"}));
  EXPECT_TRUE(document.value("bit_exact", false)) << document.dump(1);
  EXPECT_FALSE(document.at("operators").empty());
}

INSTANTIATE_TEST_SUITE_P(
    Boards, EveryExample,
    testing::Combine(testing::Values(kDigits, "examples/models/article_cnn.tflite", "examples/models/ds_cnn.tflite",
                                     "examples/models/resnet_8.tflite", "examples/models/auto_encoder.tflite",
                                     "examples/models/mobilenet_v1.tflite", "tests/fuzz/corpus/tflite/parts.tflite"),
                     testing::Values(kM7, kM4)));

class FastMemory : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(FastMemory, IsBitExactWhateverMemoryCosts) {
  const auto [board, via] = GetParam();
  const std::vector<std::string> options = {source_file(kDigits), "--board", board, "--via", via, "--json",
                                            "--fast-ram"};
  const auto with = [&](const char* command, const char* bytes) {
    std::vector<std::string> arguments = options;
    arguments.insert(arguments.begin(), command);
    arguments.emplace_back(bytes);
    return json_of(run_mote(arguments));
  };
  EXPECT_TRUE(with("verify", "64K").value("bit_exact", false));
  const nlohmann::json none = with("profile", "0"), all = with("profile", "64K");
  const double ratio = all.at("total_cycles").get<double>() / none.at("total_cycles").get<double>();
  if (std::string(via) == "sim") {
    EXPECT_NEAR(ratio, 1, 0.002) << "where memory costs nothing, only calls from one to the other take longer";
  } else {
    EXPECT_LT(ratio, 0.9);
  }
  EXPECT_GT(all.at("ram_bytes"), none.at("ram_bytes"));
}

INSTANTIATE_TEST_SUITE_P(Boards, FastMemory,
                         testing::Combine(testing::Values(kM7, kM4), testing::Values("sim", "sim:flash")));

std::map<std::string, std::string> files_in(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files[entry.path().filename()] = read_text(entry.path());
  }
  return files;
}

TEST(Tune, ImprovesAndDeploysTheSameBytesEveryTime) {
  const TemporaryFolder folder;
  const std::string records = folder.path() / "tuning.db", model = source_file(kDigits);
  const nlohmann::json tuned =
      json_of(run_mote({"tune", model, "--board", kM7, "--records", records, "--trials", "24", "--json"}));
  EXPECT_FALSE(tuned.is_null());

  const nlohmann::json before = json_of(run_mote({"profile", model, "--board", kM7, "--json"}));
  const nlohmann::json after = json_of(run_mote({"profile", model, "--board", kM7, "--records", records, "--json"}));
  EXPECT_LT(after.at("total_cycles").get<int64_t>(), before.at("total_cycles").get<int64_t>());
  EXPECT_EQ(after.at("macs"), 149'408);
  int64_t sum = 0;
  for (const nlohmann::json& op : after.at("operators")) sum += op.at("cycles").get<int64_t>();
  EXPECT_LE(sum, after.at("total_cycles").get<int64_t>());

  const nlohmann::json verified = json_of(run_mote({"verify", model, "--board", kM7, "--records", records, "--json"}));
  EXPECT_TRUE(verified.value("bit_exact", false));

  const std::filesystem::path first = folder.path() / "first" / "digits", second = folder.path() / "second" / "digits";
  for (const std::filesystem::path& out : {first, second}) {
    std::filesystem::create_directory(out.parent_path());
    const CommandResult result = run_mote({"compile", model, "--board", kM7, "--records", records, "-o", out});
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  EXPECT_EQ(files_in(first), files_in(second));
}

/// The trials of a records file, each as a line, without the times it took.
std::vector<nlohmann::json> trials_of(const std::string& records) {
  std::istringstream lines(run_mote({"records", "export", records}).out);
  std::vector<nlohmann::json> trials;
  for (std::string line; std::getline(lines, line);) trials.push_back(nlohmann::json::parse(line));
  return trials;
}

TEST(Tune, OnTwoBoardsRecordsWhatItRecordsOnOne) {
  const TemporaryFolder folder;
  std::map<size_t, std::vector<nlohmann::json>> trials;
  for (const size_t boards : {1, 2}) {
    const std::string records = folder.path() / (std::to_string(boards) + ".db");
    std::vector<std::string> command = {"tune",  source_file(kDigits), "--board", kM7,     "--records",
                                        records, "--trials",           "32",      "--json"};
    for (size_t i = 0; i < boards; ++i) command.insert(command.end(), {"--via", "sim"});
    const nlohmann::json document = json_of(run_mote(command));
    EXPECT_EQ(document.value("trials", 0), 32);
    ASSERT_EQ(document.at("boards").size(), boards);
    for (const nlohmann::json& board : document.at("boards")) {
      EXPECT_GT(board.at("jobs"), 0);
      EXPECT_EQ(board.at("failures"), 0);
    }
    trials[boards] = trials_of(records);
  }
  ASSERT_EQ(trials[1].size(), 32u);
  ASSERT_EQ(trials[2].size(), 32u);
  for (size_t i = 0; i < 32; ++i) {
    EXPECT_EQ(trials[1][i].at("config"), trials[2][i].at("config"));
    EXPECT_EQ(trials[1][i].at("result")[0], trials[2][i].at("result")[0]);
  }
}

TEST(Tune, OnASmallBoardWhatDoesNotFitIsKeptAsTooLarge) {
  const TemporaryFolder folder;
  const std::string board = folder.path() / "small.toml", records = folder.path() / "tuning.db";
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
size = "20K"

[counter]
kind = "dwt"
)"));
  const nlohmann::json tuned = json_of(run_mote({"tune", source_file(kDigits), "--board", board, "--records", records,
                                                 "--trials", "40", "--in-turns", "--json"}));
  EXPECT_EQ(tuned.value("trials", 0), 40);
  int large = 0, ok = 0;
  for (const nlohmann::json& trial : trials_of(records)) {
    const nlohmann::json& mote = trial.at("mote");
    ok += mote.at("status") == "ok" ? 1 : 0;
    if (mote.at("status") != "too large") continue;
    ++large;
    EXPECT_THAT(mote.at("error").get<std::string>(), testing::HasSubstr("bytes"));
  }
  EXPECT_GT(large, 0);
  EXPECT_GT(ok, 0);
}

TEST(Tune, LearnsFromRecordsOfAnotherBoardAndSaysWhenThereIsNothingToLearn) {
  const TemporaryFolder folder;
  const std::string known = folder.path() / "known.db", records = folder.path() / "tuning.db";
  const std::vector<std::string> tune = {"tune", source_file(kDigits), "--trials", "16", "--json", "--quiet"};
  const auto with = [&](std::vector<std::string> options) {
    options.insert(options.begin(), tune.begin(), tune.end());
    return run_mote(options);
  };
  ASSERT_EQ(with({"--board", kM4, "--records", known}).exit_code, 0);
  const CommandResult taught = with({"--board", kM7, "--records", records, "--transfer-from", known});
  EXPECT_EQ(json_of(taught).value("trials", 0), 16);
  EXPECT_EQ(taught.err, "");
  // Records of operators that no model at hand has.
  const CommandResult other = run_mote({"tune", source_file("examples/models/auto_encoder.tflite"), "--trials", "1",
                                        "--records", records, "--transfer-from", known, "--quiet"});
  EXPECT_EQ(other.exit_code, 0);
  EXPECT_THAT(other.err, HasSubstr("no trial there is of an operator of this model"));
}

TEST(Tune, RefusesBoardsThatAreReachedInDifferentWays) {
  const TemporaryFolder folder;
  for (const char* const other : {"gdb:127.0.0.1:1", "sim:flash"}) {
    expect_refused(run_mote({"tune", source_file(kDigits), "--board", kM7, "--records", folder.path() / "r.db", "--via",
                             "sim", "--via", other}),
                   "not comparable");
  }
}

/// Reads 784-byte images from standard input and prints the library's answer to each, a digit a line.
const char* const kMain = R"(#include "digits.h"
#include <stdio.h>
#include <string.h>
int main(void) {
  static unsigned char image[DIGITS_INPUT_0_BYTES];
  digits_init();
  while (fread(image, 1, sizeof image, stdin) == sizeof image) {
    memcpy(digits_input(0), image, sizeof image);
    digits_run();
    const signed char *output = digits_output(0);
    int best = 0;
    for (int i = 1; i < 10; ++i) best = output[i] > output[best] ? i : best;
    printf("%d\n", best);
  }
  return 0;
}
)";

/// The library for the Cortex-M7, built for this computer, on all held-out digits.
TEST(DigitsLibrary, TellsHeldOutDigitsAsTheReferenceDoes) {
  const TemporaryFolder folder;
  const std::filesystem::path library = folder.path() / "digits";
  const CommandResult compiled = run_mote({"compile", source_file(kDigits), "--board", kM7, "-o", library});
  ASSERT_EQ(compiled.exit_code, 0) << compiled.err;
  write_file(folder.path() / "main.c", std::string_view(kMain));
  Command build;
  build.arguments = {"gcc",
                     "-std=c99",
                     "-O1",
                     "-Wall",
                     "-Wextra",
                     "-Werror",
                     "-I" + library.string(),
                     "-o",
                     folder.path() / "digits_main",
                     folder.path() / "main.c"};
  for (const auto& [name, text] : files_in(library)) {
    if (name.ends_with(".c") && name != "example_main.c") build.arguments.push_back(library / name);
  }
  const CommandResult built = run_command(build);
  ASSERT_TRUE(built.ok()) << built.err;

  const std::vector<examples::Digit> digits = examples::read_digits(source_file("examples/digits/held_out.bin"));
  const ir::Graph model = import::read_tflite(source_file(kDigits));
  Command run;
  run.arguments = {folder.path() / "digits_main"};
  std::string expected;
  int right = 0, count = 0;
  for (const examples::Digit& digit : digits) {
    const std::vector<int8_t> input = examples::model_input(digit);
    run.input.append(reinterpret_cast<const char*>(input.data()), input.size());
    const int answer = examples::most_probable(examples::probabilities(model, digit));
    expected += fmt::format("{}\n", answer);
    right += answer == digit.label;
    ++count;
  }
  const CommandResult result = run_command(run);
  EXPECT_TRUE(result.ok()) << result.err;
  EXPECT_EQ(result.out, expected);
  EXPECT_GE(right, 0.97 * count);
}

TEST(Run, GivesTheBytesOfTheReferenceForAGivenInput) {
  const TemporaryFolder folder;
  const std::vector<examples::Digit> digits = examples::read_digits(source_file("examples/digits/held_out.bin"));
  const ir::Graph model = import::read_tflite(source_file(kDigits));
  for (size_t i = 0; i < 3; ++i) {
    const std::string input = folder.path() / "in.bin", output = folder.path() / "out.bin";
    write_file(input, to_bytes(examples::model_input(digits.at(i))));
    const CommandResult result =
        run_mote({"run", source_file(kDigits), "--board", kM4, "--input", input, "--output", output});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(to_values<int8_t>(read_bytes(output)), examples::probabilities(model, digits[i]));
  }
}

}  // namespace

}  // namespace mote::tests
