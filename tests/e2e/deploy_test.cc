// A model on the virtual board: compile, run, profile, verify.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "e2e/mote.h"
#include "gmock/gmock.h"
#include "import/tflite/reader.h"
#include "import/tflite/writer.h"
#include "ir/build.h"
#include "ir/random_model.h"
#include "reference/interpret.h"
#include "support/files.h"

namespace mote::tests {

namespace {

using nlohmann::json;
using testing::HasSubstr;

const char* const kBoards[] = {"nucleo-f746zg", "nucleo-l4r5zi"};

std::string digits() {
  return source_file("examples/digits/digits.tflite");
}

/// `mote verify` finds no difference.
void expect_verified(const std::string& model, const std::string& board) {
  SCOPED_TRACE(model + " on " + board);
  const CommandResult result = run_mote({"verify", model, "--board", board, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err << result.out;
  const json document = json::parse(result.out);
  EXPECT_TRUE(document.at("ok").get<bool>());
  EXPECT_FALSE(document.at("operators").empty());
  for (const json& op : document.at("operators")) {
    if (document.at("bit_exact").get<bool>()) {
      EXPECT_EQ(op.at("max_abs_diff").get<double>(), 0);
    }
  }
}

TEST(Verify, ExampleIsBitExact) {
  for (const char* board : kBoards) {
    expect_verified(digits(), board);
    const json document = json_of(run_mote({"verify", digits(), "--board", board, "--seed", "7", "--json"}));
    EXPECT_TRUE(document.value("bit_exact", false));
  }
}

TEST(Verify, RandomModelsAreRight) {
  const TemporaryFolder folder;
  for (uint64_t seed = 100; seed < 106; ++seed) {
    const ir::DType dtype = seed % 3 == 0 ? ir::DType::kFloat32 : ir::DType::kInt8;
    const std::filesystem::path model = folder.path() / ("random_" + std::to_string(seed) + ".tflite");
    write_file(model, import::write_tflite(ir::random_model(seed, {.dtype = dtype, .operators = 6})));
    expect_verified(model, kBoards[seed % 2]);
  }
}

TEST(Verify, RealModelsAreBitExact) {
  if (std::getenv("MOTE_MODELS") == nullptr) GTEST_SKIP() << "MOTE_MODELS is not set";
  for (const char* name : {"kws", "ad", "hello_world_int8"}) {
    expect_verified(std::filesystem::path(std::getenv("MOTE_MODELS")) / (std::string(name) + ".tflite"), kBoards[0]);
  }
}

TEST(Run, GivesTheReferencesBytes) {
  const TemporaryFolder folder;
  const ir::Graph graph = import::read_tflite(digits());
  const ir::Tensor& input = graph.tensor(graph.inputs[0]);
  Bytes values(input.size_bytes());
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::byte>(i * 31);
  const std::string in = folder.path() / "in.bin", out = folder.path() / "out.bin";
  write_file(in, values);
  const json document =
      json_of(run_mote({"run", digits(), "--board", "nucleo-f746zg", "--input", in, "--output", out, "--json"}));
  const Bytes expected = reference::interpret(graph, {values}).at(static_cast<size_t>(graph.outputs[0]));
  EXPECT_EQ(read_bytes(out), expected);
  EXPECT_GT(document.value("cycles", 0), 1000);
  EXPECT_EQ(document.at("outputs").at(0).at("values").get<std::vector<int8_t>>(), to_values<int8_t>(expected));
}

TEST(Run, RefusesInputsThatDoNotFit) {
  const TemporaryFolder folder;
  const std::string in = folder.path() / "in.bin";
  write_file(in, std::string_view("short"));
  expect_refused(run_mote({"run", digits(), "--board", "nucleo-f746zg", "--input", in}), "in.bin: has 5 bytes");
  expect_refused(run_mote({"run", digits(), "--board", "nucleo-f746zg", "--input", in, "--input", in}), "--input");
  expect_refused(run_mote({"run", digits(), "--board", "no-such-board"}), "no-such-board");
  expect_refused(run_mote({"run", digits(), "--board", "host"}), "host");
}

TEST(Profile, AccountsForEveryCycleAndMac) {
  const json document = json_of(run_mote({"profile", digits(), "--board", "nucleo-l4r5zi", "--json"}));
  int64_t cycles = 0, macs = 0;
  for (const json& op : document.at("operators")) {
    EXPECT_GT(op.at("cycles").get<int64_t>(), 0);
    cycles += op.at("cycles").get<int64_t>();
    macs += op.at("macs").get<int64_t>();
  }
  EXPECT_EQ(cycles, document.at("total_cycles").get<int64_t>());
  EXPECT_EQ(macs, document.at("macs").get<int64_t>());
  EXPECT_GT(document.at("ram_bytes").get<int64_t>(), 0);
  EXPECT_GT(document.at("flash_bytes").get<int64_t>(), document.at("ram_bytes").get<int64_t>());
}

/// Every file of a folder, by name.
std::map<std::string, std::string> files_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files[entry.path().filename()] = read_text(entry.path());
  }
  return files;
}

TEST(Compile, WritesTheSameFilesEveryTime) {
  const TemporaryFolder folder;
  const std::string one = folder.path() / "one", two = folder.path() / "two";
  const json document = json_of(run_mote({"compile", digits(), "--board", "nucleo-f746zg", "-o", one, "--json"}));
  ASSERT_EQ(run_mote({"compile", digits(), "--board", "nucleo-f746zg", "-o", two}).exit_code, 0);
  EXPECT_EQ(files_of(one), files_of(two));
  const std::map<std::string, std::string> files = files_of(one);
  for (const json& file : document.at("files")) EXPECT_EQ(files.count(file.get<std::string>()), 1u) << file;
  const std::string& readme = files.at("README.md");
  EXPECT_THAT(readme, HasSubstr(std::to_string(document.at("flash_bytes").get<int64_t>())));
  EXPECT_THAT(readme, HasSubstr(std::to_string(document.at("ram_bytes").get<int64_t>())));
}

TEST(Compile, TheExampleProgramBuildsAndRuns) {
  const TemporaryFolder folder;
  const std::string library = folder.path() / "library", build = folder.path() / "build";
  ASSERT_EQ(run_mote({"compile", digits(), "--board", "host", "-o", library}).exit_code, 0);
  Command configure;
  configure.arguments = {"cmake", "-S", library, "-B", build, "-DDIGITS_EXAMPLE=ON"};
  const CommandResult configured = run_command(configure);
  ASSERT_TRUE(configured.ok()) << configured.err;
  Command make;
  make.arguments = {"cmake", "--build", build};
  const CommandResult built = run_command(make);
  ASSERT_TRUE(built.ok()) << built.out << built.err;
  Command example;
  example.arguments = {build + "/digits_example"};
  const CommandResult ran = run_command(example);
  EXPECT_TRUE(ran.ok());
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 10) << ran.out;
}

TEST(Compile, RefusesWhatDoesNotFitBeforeCompiling) {
  const TemporaryFolder folder;
  ir::GraphBuilder builder("wide", 1);
  const ir::TensorId x = builder.input({1, 512, 512, 4});
  builder.output(builder.conv_2d(x, 4, {1, 1}));
  const std::string model = folder.path() / "wide.tflite";
  write_file(model, import::write_tflite(builder.finish()));
  const std::string out = folder.path() / "out";
  expect_refused(run_mote({"compile", model, "--board", "nucleo-f746zg", "-o", out}), "bytes too many");
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST(Compile, LeavesOtherPeoplesFoldersAlone) {
  const TemporaryFolder folder;
  write_file(folder.path() / "thesis.tex", std::string_view("precious"));
  expect_refused(run_mote({"compile", digits(), "--board", "nucleo-f746zg", "-o", folder.path()}), "thesis.tex");
  const CommandResult result =
      run_mote({"compile", digits(), "--board", "nucleo-f746zg", "-o", "/proc/nowhere/library"});
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("/proc/nowhere"));
}

}  // namespace

}  // namespace mote::tests
