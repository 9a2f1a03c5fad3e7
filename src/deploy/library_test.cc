#include "deploy/library.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "deploy/firmware.h"
#include "deploy/fit.h"
#include "deploy/host_library_test.h"
#include "import/tflite/reader.h"
#include "ir/build.h"
#include "ir/random_graph.h"
#include "ir/random_model.h"
#include "ir/verify.h"
#include "reference/interpret.h"
#include "support/random.h"
#include "support/subprocess.h"

namespace mote::deploy {
namespace {

using testing::HasSubstr;

std::vector<Bytes> reference_outputs(const ir::Graph& graph, const std::vector<Bytes>& inputs) {
  const std::vector<Bytes> tensors = reference::interpret(graph, inputs);
  std::vector<Bytes> outputs;
  for (const ir::TensorId id : graph.outputs) outputs.push_back(tensors.at(static_cast<size_t>(id)));
  return outputs;
}

/// int8 bit for bit, float within 1e-4 of the largest value of the tensor.
void expect_equal_outputs(const ir::Graph& graph, const std::vector<Bytes>& actual,
                          const std::vector<Bytes>& expected) {
  for (size_t i = 0; i < expected.size(); ++i) {
    if (graph.tensor(graph.outputs[i]).dtype != ir::DType::kFloat32) {
      EXPECT_EQ(actual[i], expected[i]) << "output " << i;
      continue;
    }
    const std::vector<float> a = to_values<float>(actual[i]), b = to_values<float>(expected[i]);
    float largest = 1;
    for (const float value : b) largest = std::max(largest, std::abs(value));
    for (size_t k = 0; k < b.size(); ++k) ASSERT_NEAR(a[k], b[k], 1e-4 * largest) << "output " << i << " at " << k;
  }
}

/// The library of `graph`, built and run on the host, equals the reference, several times over.
void expect_same_as_reference(const ir::Graph& graph, uint64_t seed, const std::string& board = "nucleo-f746zg") {
  const Library library = make_library(graph, "model.tflite", "", target::load_board(board));
  EXPECT_THAT(memory::violations(library.arena.problem, library.arena.plan.offsets), testing::IsEmpty());
  HostLibrary host(library);
  host.init();
  Random random(seed);
  for (int run = 0; run < 3; ++run) {
    const std::vector<Bytes> inputs = ir::random_inputs(graph, random);
    expect_equal_outputs(graph, host.run(inputs), reference_outputs(graph, inputs));
  }
}

TEST(Library, RandomModelsEqualTheReference) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    expect_same_as_reference(ir::random_model(seed, {.dtype = seed % 4 == 0 ? ir::DType::kFloat32 : ir::DType::kInt8}),
                             seed, seed % 2 == 0 ? "nucleo-f746zg" : "host");
    if (HasFailure()) return;
  }
}

TEST(Library, RealModelsEqualTheReference) {
  if (std::getenv("MOTE_MODELS") == nullptr) GTEST_SKIP() << "MOTE_MODELS is not set";
  for (const char* name : {"kws", "ic", "ad", "hello_world_int8", "hello_world_float"}) {
    SCOPED_TRACE(name);
    const std::filesystem::path folder = std::getenv("MOTE_MODELS");
    expect_same_as_reference(import::read_tflite((folder / name).string() + ".tflite"), 1);
  }
}

TEST(Library, IsTheSameEveryTime) {
  const ir::Graph graph = ir::random_model(3);
  const target::Board board = target::load_board("nucleo-l4r5zi");
  const Library once = make_library(graph, "m.tflite", "", board);
  EXPECT_EQ(files_of(once, std::nullopt), files_of(make_library(graph, "m.tflite", "", board), std::nullopt));
}

TEST(Library, PassesAnInputThroughAndTakesConstantOutputs) {
  ir::GraphBuilder builder("odd", 1);
  const ir::TensorId x = builder.input({1, 4});
  const ir::TensorId c = builder.constant({6});
  builder.output(builder.reshape(x, {2, 2}));
  builder.output(builder.reshape(c, {2, 3}));
  builder.output(builder.tanh(x));
  expect_same_as_reference(builder.finish(), 1);
}

TEST(Library, NamesFromOutsideCannotBreakTheCode) {
  ir::GraphBuilder builder("9 lives */ int x; /*", 1);
  const ir::TensorId x = builder.input({1, 4, 4, 3});
  builder.output(builder.conv_2d(x, 5, {3, 3}));
  ir::Graph graph = builder.finish();
  for (ir::Tensor& tensor : graph.tensors)
    tensor.name =
        "*/ #error \"\\\n?"
        "?/ %s \xff";
  const Library library = make_library(graph, "evil */ \" \n.tflite", "", target::load_board("host"));
  for (const File& file : files_of(library, std::nullopt)) {
    EXPECT_THAT(file.text, testing::Not(HasSubstr("#error"))) << file.path;
    EXPECT_THAT(file.text, testing::Not(HasSubstr("lives */"))) << file.path;
    EXPECT_THAT(file.text, testing::Not(HasSubstr("evil */"))) << file.path;
  }
  HostLibrary host(library);
}

TEST(Fit, SaysHowManyBytesOfWhatAreTooMany) {
  ir::GraphBuilder builder("large", 1);
  const ir::TensorId x = builder.input({1, 32, 32, 8});
  builder.output(builder.conv_2d(x, 8, {1, 1}));
  const ir::Graph graph = builder.finish();
  target::Board board = target::load_board("nucleo-f746zg");
  for (target::MemoryRegion& region : board.regions) region.size = 64;
  try {
    make_library(graph, "large.tflite", "", board);
    FAIL() << "it cannot fit";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("large.tflite: too large for nucleo-f746zg"));
    EXPECT_THAT(error.what(), HasSubstr("of RAM (sram1) and there are 64"));
    EXPECT_THAT(error.what(), HasSubstr("of flash (flash)"));
    EXPECT_THAT(error.what(), HasSubstr("conv_2d 1x32x32x8 -> 1x32x32x8"));
  }
}

TEST(Fit, SaysWhatWouldHelp) {
  ir::GraphBuilder builder("wide", 1);
  builder.output(builder.depthwise_conv_2d(builder.input({1, 40, 40, 8}), 1, {3, 3}));
  const ir::Graph graph = builder.finish();
  target::Board board = target::load_board("nucleo-f746zg");
  const auto complaint = [&](const Goal& goal) -> std::string {
    for (target::MemoryRegion& region : board.regions) region.size = 6000;
    try {
      make_library(graph, "wide.tflite", "", board, {}, goal);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(complaint({}), testing::ContainsRegex("; --optimize ram saves [0-9]+ bytes of RAM"));
  EXPECT_THAT(complaint({Goal::Optimize::kRam, {}, {}}), HasSubstr("a smaller model or another board would"));
}

TEST(Fit, LooksAtWhatACompilerMade) {
  const target::Board board = target::load_board("nucleo-f746zg");
  const Library library = make_library(ir::random_model(2), "model.tflite", "", board);
  Measured measured;
  measured.code_bytes = 2'000'000;
  measured.stack_bytes = 1'000'000;
  const std::vector<Excess> found = check_fit(library, board, measured);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].over(), 1'000'000 - board.ram().size);
  EXPECT_EQ(found[1].over(), 2'000'000 - board.flash().size);
  EXPECT_THAT(found[1].detail, HasSubstr("code 2000000"));
}

TEST(Fit, CountsInTheMainRamOnlyWhatIsThere) {
  target::Board board = target::load_board("nucleo-f746zg");
  Library library = make_library(ir::random_model(2), "model.tflite", "", board);
  const uint32_t arena = static_cast<uint32_t>(library.arena.bytes());
  Measured measured;
  measured.bss_bytes = arena + 100;
  measured.copied_bytes = 5000;
  for (target::MemoryRegion& region : board.regions) {
    if (region.name == board.ram().name) region.size = board.stack_bytes + 100;
  }
  library.placement.data_memory = "dtcm";
  library.placement.arena = true;
  EXPECT_TRUE(check_fit(library, board, measured).empty()) << "the arena and the copies are in other memories";
  library.placement.arena = false;
  std::vector<Excess> found = check_fit(library, board, measured);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].over(), arena);
  library.placement.data_memory = board.ram().name;
  found = check_fit(library, board, measured);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].over(), arena + 5000);
  EXPECT_THAT(found[0].detail, HasSubstr("copies of weights 5000"));
}

TEST(Labels, AreInTheLibraryAndCannotBreakItsCode) {
  ir::GraphBuilder builder("named", 1);
  builder.output(builder.softmax(builder.input({1, 3})));
  Library library = make_library(builder.finish(), "named.tflite", "", target::load_board("host"));
  EXPECT_THROW(set_labels(library, {"one", "two"}, "labels.txt"), InputError);
  set_labels(library, {"cat", "\"\\\n?\?/", "caf\xC3\xA9"}, "labels.txt");
  EXPECT_THAT(library.sources[0].text, HasSubstr("#define NAMED_LABEL_COUNT 3\n"));
  EXPECT_THAT(library.sources[1].text, HasSubstr("    \"cat\",\n    \"\\\"\\\\_\\?\\?/\",\n    \"caf__\",\n"));
  HostLibrary host(library);
}

/// Every stored value comes back; what lies between and beyond is rounded and limited.
const char* const kConversions = R"(#include "net.h"
#include <math.h>
int main(void)
{
    const float scale = NET_INPUT_0_SCALE, zero = (float)NET_INPUT_0_ZERO_POINT;
    for (int v = -128; v <= 127; v++) {
        if (net_quantize_input_0(net_dequantize_input_0((int8_t)v)) != v) return 1;
        if (net_quantize_output_0(net_dequantize_output_0((int8_t)v)) != v) return 2;
    }
    if (net_quantize_input_0(1e30f) != 127 || net_quantize_input_0(INFINITY) != 127) return 3;
    if (net_quantize_input_0(-1e30f) != -128 || net_quantize_input_0(NAN) != -128) return 4;
    if (net_quantize_input_0(scale * (3.4f - zero)) != 3 || net_quantize_input_0(scale * (3.6f - zero)) != 4) return 5;
    if (net_quantize_input_0(scale * (-7.4f - zero)) != -7 || net_quantize_input_0(scale * (-7.6f - zero)) != -8) return 6;
    return 0;
}
)";

TEST(Conversions, RoundLimitAndComeBack) {
  ir::GraphBuilder builder("net", 1);
  builder.output(builder.tanh(builder.input({1, 4})));
  const Library library = make_library(builder.finish(), "net.tflite", "", target::load_board("host"));
  const TemporaryFolder folder;
  write_file(folder.path() / library.sources[0].path, library.sources[0].text);
  write_file(folder.path() / "main.c", std::string_view(kConversions));
  for (const std::vector<std::string>& step :
       {std::vector<std::string>{"cc", "-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror",
                                 "-fsanitize=undefined", "-fno-sanitize-recover=all", "-o", "main", "main.c"},
        std::vector<std::string>{folder.path() / "main"}}) {
    Command command;
    command.arguments = step;
    command.folder = folder.path();
    const CommandResult result = run_command(command);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
}

TEST(Weights, AreOneObjectOnRequest) {
  const target::Board board = target::load_board("host");
  const Library library = make_library(ir::random_model(2), "model.tflite", "net", board);
  toolchain::Toolchain toolchain(board);
  const File object = weights_object(library, toolchain);
  const std::vector<File> files = files_of(library, std::nullopt, object);
  const TemporaryFolder folder;
  for (const File& file : files) {
    EXPECT_FALSE(holds_weights(library, file)) << file.path;
    write_file(folder.path() / file.path, file.text);
  }
  for (const std::vector<std::string>& step :
       {std::vector<std::string>{"cmake", "-B", "build", "-DNET_EXAMPLE=ON", "-DCMAKE_EXE_LINKER_FLAGS=-no-pie"},
        std::vector<std::string>{"cmake", "--build", "build"},
        std::vector<std::string>{folder.path() / "build/net_example"}}) {
    Command command;
    command.arguments = step;
    command.folder = folder.path();
    const CommandResult result = run_command(command);
    ASSERT_TRUE(result.ok()) << step.front() << result.out << result.err.substr(0, 2000);
  }
}

TEST(Folder, ThatCannotBeWrittenLeavesNothing) {
  const TemporaryFolder temporary;
  const std::filesystem::path folder = temporary.path() / "library";
  write_folder(folder, {{"a.c", "1"}});
  EXPECT_THROW(write_folder(folder, {{"b", "2"}, {"b/c.c", "3"}}), JobError);
  EXPECT_EQ(read_text(folder / "a.c"), "1");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(temporary.path()), {}), 1);
}

TEST(Folder, IsReplacedAsAWholeAndSparesWhatIsNotOurs) {
  const TemporaryFolder temporary;
  const std::filesystem::path folder = temporary.path() / "out" / "library";
  write_folder(folder, {{"a.c", "1"}, {"b.c", "2"}});
  write_folder(folder.string() + "/", {{"a.c", "3"}});
  EXPECT_EQ(read_text(folder / "a.c"), "3");
  EXPECT_FALSE(std::filesystem::exists(folder / "b.c"));
  write_file(folder / "mine.txt", std::string_view("precious"));
  EXPECT_THROW(write_folder(folder, {{"a.c", "4"}}), InputError);
  EXPECT_EQ(read_text(folder / "a.c"), "3");
  EXPECT_EQ(read_text(folder / "mine.txt"), "precious");
  EXPECT_THROW(write_folder(folder / "a.c", {{"a.c", "4"}}), InputError);
  for (const auto& entry : std::filesystem::directory_iterator(folder.parent_path())) {
    EXPECT_EQ(entry.path().filename(), "library") << "nothing is left over";
  }
}

}  // namespace
}  // namespace mote::deploy
