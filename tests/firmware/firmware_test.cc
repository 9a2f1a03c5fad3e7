// The examples of examples/firmware, booted on the virtual board.
#include "deploy/firmware.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <sstream>

#include "deploy/stack.h"
#include "device/device.h"
#include "execute/painted_stack.h"
#include "import/tflite/reader.h"
#include "reference/interpret.h"
#include "schedule/stack_use.h"
#include "support/data_dir.h"
#include "support/files.h"
#include "support/subprocess.h"

namespace mote {
namespace {

std::filesystem::path example(const std::string& name) {
  return source_dir() / "examples" / name;
}

ir::Graph model_of(const std::string& name) {
  return import::read_tflite((example(name == "digits" ? "digits" : "models") / (name + ".tflite")).string());
}

/// A program on the virtual board, which stops at example_done().
class Program {
 public:
  Program(const std::string& file, const std::vector<std::string>& models, const std::string& board_name,
          const std::vector<std::string>& defines = {}, const deploy::Goal& goal = {})
      : board_(target::load_board(board_name)), toolchain_(board_), device_(device::open_device("sim", board_)) {
    std::vector<deploy::Library> libraries;
    for (const std::string& model : models) {
      libraries.push_back(deploy::make_library(model_of(model), model + ".tflite", model, board_, {}, goal));
    }
    std::vector<std::string> flags = deploy::kKernelFlags;
    flags.insert(flags.end(), defines.begin(), defines.end());
    image_ = deploy::build_program(libraries, read_text(example("firmware") / file), board_, toolchain_, flags);
    for (const toolchain::Segment& segment : image_.segments) {
      if (!segment.bytes.empty()) device_->program(segment.load_address, segment.bytes);
    }
    device_->reset();
    const uint32_t vectors = address_of("mote_vectors");
    registers_.r[13] = read_word(*device_, vectors);
    registers_.r[14] = 0xFFFFFFFFu;
    registers_.r[15] = read_word(*device_, vectors + 4) & ~1u;
    registers_.xpsr = 1u << 24;
  }

  /// Until example_done() is called (once more).
  void run() {
    if (started_) registers_.r[15] = registers_.r[14] & ~1u;
    started_ = true;
    const device::Stop stop = device_->run(registers_, address_of("example_done"), std::chrono::minutes(10));
    ASSERT_EQ(stop.kind, device::Stop::Kind::kBreakpoint) << stop.text << image_.describe(stop.registers.r[15]);
    registers_ = stop.registers;
  }

  /// What a function and everything it calls take at most.
  uint32_t stack_bound(const std::string& function) const {
    const std::optional<uint32_t> bound = deploy::stack_bound(image_, function);
    check(bound.has_value(), "no bound is known of " + function);
    return *bound;
  }

  uint32_t word(const std::string& symbol) { return read_word(*device_, address_of(symbol)); }

 private:
  uint32_t address_of(const std::string& symbol) const {
    const toolchain::Symbol* const found = image_.find(symbol);
    check(found != nullptr, "the firmware has no symbol " + symbol);
    return found->address();
  }

  target::Board board_;
  toolchain::Toolchain toolchain_;
  std::unique_ptr<device::Device> device_;
  toolchain::Image image_;
  device::Registers registers_;
  bool started_ = false;
};

/// The examples' pseudo-random values.
Bytes filled(size_t size, uint32_t seed) {
  Bytes bytes(size);
  for (std::byte& value : bytes) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<std::byte>(seed >> 24);
  }
  return bytes;
}

Bytes reference_output(const ir::Graph& graph, const Bytes& input) {
  return reference::interpret(graph, {input}).at(static_cast<size_t>(graph.outputs.front()));
}

class EveryCore : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!find_own_program("mote-board")) GTEST_SKIP() << "mote-board is not built";
  }
};

TEST_P(EveryCore, BareMetalLoopTellsWhatTheReferenceTells) {
  Program program("bare_metal.c", {"digits"}, GetParam());
  const ir::Graph graph = model_of("digits");
  for (uint32_t number = 0; number < 3; ++number) {
    program.run();
    Bytes image(graph.tensor(graph.inputs.front()).size_bytes(), static_cast<std::byte>(-128));
    for (size_t row = 4; row < 24; ++row) image[row * 28 + 4 + number % 20] = static_cast<std::byte>(127);
    const std::vector<int8_t> scores = to_values<int8_t>(reference_output(graph, image));
    EXPECT_EQ(program.word("example_digit"),
              static_cast<uint32_t>(std::max_element(scores.begin(), scores.end()) - scores.begin()));
    EXPECT_EQ(program.word("example_runs"), number + 1);
  }
}

TEST_P(EveryCore, TwoModelsTakeTurnsInOneArenaAThousandTimes) {
  for (const deploy::Goal::Optimize optimize : {deploy::Goal::Optimize::kSpeed, deploy::Goal::Optimize::kRam}) {
    Program program("two_models.c", {"digits", "auto_encoder"}, GetParam(),
                    {"-DDIGITS_NO_STATIC_ARENA", "-DAUTO_ENCODER_NO_STATIC_ARENA"}, {optimize, {}, {}});
    program.run();
    EXPECT_EQ(program.word("example_runs"), 1000u);
    std::vector<Bytes> outputs;  // of four inputs each
    for (uint32_t seed = 0; seed < 4; ++seed) {
      for (const char* name : {"digits", "auto_encoder"}) {
        const ir::Graph graph = model_of(name);
        outputs.push_back(reference_output(graph, filled(graph.tensor(graph.inputs.front()).size_bytes(), seed)));
      }
    }
    uint32_t hash = 2166136261u;
    for (size_t run = 0; run < 1000; ++run) {
      for (size_t model = 0; model < 2; ++model) {
        for (const std::byte b : outputs[run % 4 * 2 + model]) hash = (hash ^ static_cast<uint8_t>(b)) * 16777619u;
      }
    }
    EXPECT_EQ(program.word("example_hash"), hash);
    const uint32_t stack = program.word("example_stack_bytes");
    EXPECT_GT(stack, 64u);
    EXPECT_LE(stack, program.stack_bound("Reset_Handler"));
  }
}

/// The bound of the machine code against what a pattern in memory shows: nothing is missed, and little is too much.
TEST_P(EveryCore, TheStatedStackIsEnoughAndNotFarFromTheTruth) {
  const target::Board board = target::load_board(GetParam());
  toolchain::Toolchain toolchain(board);
  const std::unique_ptr<device::Device> device = device::open_device("sim", board);
  for (const char* name : {"digits", "auto_encoder"}) {
    for (const deploy::Goal::Optimize optimize : {deploy::Goal::Optimize::kSpeed, deploy::Goal::Optimize::kRam}) {
      const deploy::Library library = deploy::make_library(model_of(name), name, name, board, {}, {optimize, {}, {}});
      const deploy::Measured measured = deploy::measure(library, board, toolchain);
      ASSERT_TRUE(measured.stack_bytes.has_value());
      const uint32_t painted = execute::painted_stack(*device, board, library, toolchain, board.stack_bytes);
      std::printf("%s on %s: %u bytes of stack, stated %u\n", name, GetParam(), painted, *measured.stack_bytes);
      EXPECT_GT(painted, 32u);
      EXPECT_LE(painted, *measured.stack_bytes);
      EXPECT_LE(*measured.stack_bytes, painted + 64);
    }
  }
}

/// Bytes that each function of a library takes by itself, from -fstack-usage.
std::map<std::string, uint32_t> stack_usage_of(const deploy::Library& library, const toolchain::Toolchain& toolchain) {
  const TemporaryFolder folder;
  Command command;
  command.folder = folder.path();
  command.arguments = {"arm-none-eabi-gcc"};
  for (const std::vector<std::string>& flags : {toolchain.base_flags(), library.origin.flags}) {
    command.arguments.insert(command.arguments.end(), flags.begin(), flags.end());
  }
  command.arguments.insert(command.arguments.end(), {"-fstack-usage", "-c"});
  for (const deploy::File& file : library.sources) {
    write_file(folder.path() / file.path, file.text);
    if (file.path.ends_with(".c")) command.arguments.push_back(file.path);
  }
  const CommandResult result = run_command(command);
  EXPECT_TRUE(result.ok()) << result.err;
  std::map<std::string, uint32_t> usage;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().extension() != ".su") continue;
    std::istringstream lines(read_text(entry.path()));  // file.c:line:column:function <tab> bytes <tab> static
    for (std::string place, bytes, kind; lines >> place >> bytes >> kind;) {
      EXPECT_EQ(kind, "static");
      usage[place.substr(place.rfind(':') + 1)] = static_cast<uint32_t>(std::stoul(bytes));
    }
  }
  return usage;
}

TEST(Stack, OfEachFunctionIsWhatGccSays) {
  const target::Board board = target::load_board("nucleo-f746zg");
  toolchain::Toolchain toolchain(board);
  for (const deploy::Goal::Optimize optimize : {deploy::Goal::Optimize::kSpeed, deploy::Goal::Optimize::kRam}) {
    const deploy::Library library =
        deploy::make_library(model_of("digits"), "digits", "", board, {}, {optimize, {}, {}});
    const toolchain::Image image = deploy::build_firmware(library, board, toolchain, deploy::FirmwareKind::kPlain);
    size_t compared = 0;
    for (const auto& [function, bytes] : stack_usage_of(library, toolchain)) {
      const toolchain::Symbol* const symbol = image.find(function);
      if (symbol == nullptr) continue;  // not linked, because nothing calls it
      const toolchain::Segment& code = *std::find_if(image.segments.begin(), image.segments.end(), [&](const auto& s) {
        return s.executable && symbol->address() >= s.address && symbol->address() < s.address + s.bytes.size();
      });
      const std::optional<schedule::StackUse> use = schedule::stack_use(
          symbol->address(), std::span(code.bytes).subspan(symbol->address() - code.address, symbol->size));
      ASSERT_TRUE(use.has_value()) << function;
      EXPECT_EQ(use->bytes, bytes) << function;
      ++compared;
    }
    EXPECT_GT(compared, 5u);
  }
}

TEST(Stack, IsNotStatedWhenItCannotBeKnown) {
  const target::Board board = target::load_board("nucleo-f746zg");
  toolchain::Toolchain toolchain(board);
  const char* const kProgram =
      "int again(int n);\nint again(int n) { return n < 2 ? 1 : n * again(n - 1) + again(n - 2); }\n"
      "int (*volatile pointer)(int);\nint through(int n);\nint through(int n) { return pointer(n) + 1; }\n"
      "int fine(int n);\n__attribute__((noinline)) int fine(int n) { volatile int a[25]; a[n] = n; return a[3]; }\n"
      "volatile int x;\nint main(void) { x = again(x) + through(x) + fine(x); return 0; }\n";
  const toolchain::Image image = deploy::build_program({}, kProgram, board, toolchain, {"-O1"});
  EXPECT_FALSE(deploy::stack_bound(image, "again").has_value());
  EXPECT_FALSE(deploy::stack_bound(image, "through").has_value());
  EXPECT_FALSE(deploy::stack_bound(image, "main").has_value());
  EXPECT_FALSE(deploy::stack_bound(image, "nobody").has_value());
  EXPECT_EQ(deploy::stack_bound(image, "fine"), 104u);
}

TEST_P(EveryCore, AStreamIsLookedAtFrameByFrame) {
  Program program("streaming.c", {"auto_encoder"}, GetParam());
  const ir::Graph graph = model_of("auto_encoder");
  const ir::Tensor& in = graph.tensor(graph.inputs.front());
  const ir::Tensor& out = graph.tensor(graph.outputs.front());
  for (uint32_t run = 1; run <= 2; ++run) {
    program.run();
    EXPECT_EQ(program.word("example_runs"), run);
    std::vector<int8_t> input;
    for (uint32_t frame = run - 1; frame < run + 4; ++frame) {
      for (uint32_t i = 0; i < 128; ++i)
        input.push_back(static_cast<int8_t>(static_cast<int>(i * (frame + 3) % 101) - 50));
    }
    const std::vector<int8_t> output = to_values<int8_t>(reference_output(graph, to_bytes(input)));
    float sum = 0;
    for (size_t i = 0; i < input.size(); ++i) {
      const float difference = out.scale() * static_cast<float>(output[i] - out.zero_point()) -
                               in.scale() * static_cast<float>(input[i] - in.zero_point());
      sum += difference * difference;
    }
    const float expected = sum / static_cast<float>(input.size());
    EXPECT_NEAR(std::bit_cast<float>(program.word("example_error")), expected, 1e-4f * expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Boards, EveryCore, testing::Values("nucleo-f746zg", "nucleo-l4r5zi"));

}  // namespace
}  // namespace mote
