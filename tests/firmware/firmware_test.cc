// The examples of examples/firmware, booted on the virtual board.
#include "deploy/firmware.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <memory>

#include "deploy/stack.h"
#include "device/device.h"
#include "import/tflite/reader.h"
#include "reference/interpret.h"
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
