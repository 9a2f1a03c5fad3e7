// Models on boards, in every way in which they can be run there.
#include <cstdlib>
#include <filesystem>
#include <map>

#include "e2e/mote.h"
#include "gmock/gmock.h"
#include "support/files.h"

namespace mote::tests {

namespace {

using testing::HasSubstr;

const char* const kM7 = "nucleo-f746zg";
const char* const kDigits = "examples/digits/digits.tflite";

/// The models of the examples, and those with one operator each where they are at hand.
std::vector<std::string> models() {
  std::vector<std::string> files = {source_file(kDigits)};
  std::vector<std::filesystem::path> folders = {source_file("examples/models")};
  if (const char* more = std::getenv("MOTE_MODELS")) folders.push_back(std::filesystem::path(more) / "ops");
  for (const std::filesystem::path& folder : folders) {
    if (!std::filesystem::is_directory(folder)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".tflite") files.push_back(entry.path());
    }
  }
  return files;
}

nlohmann::json outputs_of(const std::string& model, const std::vector<std::string>& options) {
  std::vector<std::string> command = {"run", model, "--json", "--seed", "7"};
  command.insert(command.end(), options.begin(), options.end());
  return json_of(run_mote(command)).at("outputs");
}

TEST(Hosted, EqualsTheDeployedLibraryByteForByte) {
  for (const std::string& model : models()) {
    SCOPED_TRACE(model);
    EXPECT_EQ(outputs_of(model, {"--board", kM7, "--hosted"}), outputs_of(model, {"--board", kM7}));
  }
}

TEST(Hosted, RunsWithRepeatsAndOnThisComputer) {
  const std::string model = source_file(kDigits);
  const nlohmann::json deployed = outputs_of(model, {"--board", kM7});
  EXPECT_EQ(outputs_of(model, {"--board", kM7, "--hosted", "--repeats", "5"}), deployed);
  EXPECT_EQ(outputs_of(model, {"--board", "host", "--via", "host", "--hosted"}), deployed);
  expect_refused(run_mote({"run", model, "--board", kM7, "--repeats", "5"}), "--hosted");
  expect_refused(run_mote({"run", model, "--board", "host", "--via", "host"}), "--hosted");
}

TEST(Hosted, VerifiesAndProfilesEveryOperator) {
  const std::string model = source_file(kDigits);
  const nlohmann::json verified = json_of(run_mote({"verify", model, "--board", kM7, "--hosted", "--json"}));
  EXPECT_TRUE(verified.at("bit_exact"));
  EXPECT_EQ(verified.at("operators").size(), 5u);
  const nlohmann::json booted = json_of(run_mote({"profile", model, "--board", kM7, "--json"}));
  const nlohmann::json hosted = json_of(run_mote({"profile", model, "--board", kM7, "--hosted", "--json"}));
  // The same code elsewhere in memory, and timed by another piece of code.
  EXPECT_NEAR(hosted.at("total_cycles"), booted.at("total_cycles"), 0.01 * booted.at("total_cycles").get<double>());
}

// The reference here is the 32-bit counter of the same core.
TEST(Profile, SysTickGoesOnBeyondItsTwentyFourBits) {
  const TemporaryFolder folder;
  std::map<std::string, nlohmann::json> profiles;
  for (const std::string counter : {"dwt", "systick"}) {
    const std::string file = folder.path() / (counter + ".toml");
    write_file(file,
               std::string_view("description = \"a large Cortex-M3\"\ntarget = \"cortex-m3\"\nclock_hz = 80_000_000\n"
                                "[[memory]]\nname = \"flash\"\nkind = \"flash\"\naddress = 0x08000000\nsize = \"2M\"\n"
                                "[[memory]]\nname = \"ram\"\nkind = \"ram\"\naddress = 0x20000000\nsize = \"640K\"\n"
                                "[counter]\nkind = \"" +
                                counter + "\"\n"));
    profiles[counter] =
        json_of(run_mote({"profile", source_file("examples/models/article_cnn.tflite"), "--board", file, "--json"}));
  }
  const nlohmann::json& expected = profiles["dwt"].at("operators");
  const nlohmann::json& got = profiles["systick"].at("operators");
  ASSERT_EQ(got.size(), expected.size());
  uint64_t total = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double cycles = expected[i].at("cycles");
    EXPECT_NEAR(got[i].at("cycles"), cycles, 200 + 1e-4 * cycles) << "operator " << i;
    total += expected[i].at("cycles").get<uint64_t>();
  }
  EXPECT_GT(total, uint64_t{1} << 24) << "the model is too small to show anything";
}

class DebugAt : public testing::TestWithParam<std::tuple<const char*, int>> {};

// The real gdb-multiarch finds the core at the kernel's first instruction, with its name, its source and its caller.
TEST_P(DebugAt, StopsAtTheKernelWithSymbols) {
  if (!find_program("gdb-multiarch")) GTEST_SKIP() << "gdb-multiarch is not installed";
  const auto [via, index] = GetParam();
  if (via != std::string("sim") && !find_program("openocd")) GTEST_SKIP() << "openocd is not installed";
  const std::string number = std::to_string(index);
  const CommandResult result = run_mote({"debug",      source_file(kDigits),
                                         "--board",    kM7,
                                         "--via",      via,
                                         "--operator", number,
                                         "--",         "-batch",
                                         "-ex",        "info symbol $pc",
                                         "-ex",        "info source",
                                         "-ex",        "bt",
                                         "-ex",        "stepi",
                                         "-ex",        "info symbol $pc"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::string kernel = "digits_0" + number + "_conv_2d";
  EXPECT_THAT(result.out, HasSubstr("halted at " + kernel + "\n"));
  EXPECT_THAT(result.out, HasSubstr("gdb-multiarch -q "));
  EXPECT_THAT(result.out, HasSubstr(kernel + " in section .text"));
  EXPECT_THAT(result.out, HasSubstr("Current source file is " + kernel + ".c"));
  EXPECT_THAT(result.out, HasSubstr("in digits_run ()"));
  EXPECT_THAT(result.out, HasSubstr("in main ()"));
  EXPECT_THAT(result.out, HasSubstr(kernel + " + "));  // it can be stepped
}

INSTANTIATE_TEST_SUITE_P(Operators, DebugAt,
                         testing::Combine(testing::Values("sim", "sim:st-link"), testing::Values(0, 2)));

TEST(Debug, WithoutATerminalItSaysHowToAttach) {
  const nlohmann::json document =
      json_of(run_mote({"debug", source_file(kDigits), "--board", kM7, "--operator", "4", "--json"}));
  EXPECT_THAT(document.at("kernel").get<std::string>(), HasSubstr("dense"));
  EXPECT_EQ(document.at("command")[0], "gdb-multiarch");
}

TEST(Debug, RefusesOperatorsWithoutAKernel) {
  expect_refused(run_mote({"debug", source_file(kDigits), "--board", kM7, "--operator", "17"}), "3+4");
  expect_refused(run_mote({"debug", source_file(kDigits), "--board", "host", "--operator", "0"}), "host");
}

}  // namespace

}  // namespace mote::tests
