// The examples of examples/firmware, booted on the virtual board.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "program.h"
#include "support/data_dir.h"
#include "support/files.h"
#include "support/subprocess.h"

namespace mote::tests {
namespace {

/// A program of examples/firmware with untuned libraries of its models.
Program example_program(const std::string& file, const std::vector<std::string>& models, const std::string& board_name,
                        const std::vector<std::string>& defines = {}, const deploy::Goal& goal = {}) {
  const target::Board board = target::load_board(board_name);
  std::vector<deploy::Library> libraries;
  for (const std::string& model : models) {
    libraries.push_back(deploy::make_library(model_of(model), model + ".tflite", model, board, {}, goal));
  }
  return Program(read_text(source_dir() / "examples" / "firmware" / file), libraries, board, defines);
}

class EveryCore : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!find_own_program("mote-board")) GTEST_SKIP() << "mote-board is not built";
  }
};

TEST_P(EveryCore, BareMetalLoopTellsWhatTheReferenceTells) {
  Program program = example_program("bare_metal.c", {"digits"}, GetParam());
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
    Program program =
        example_program("two_models.c", {"digits", "auto_encoder"}, GetParam(),
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
    uint32_t hash = hashed({});
    for (size_t run = 0; run < 1000; ++run) {
      for (size_t model = 0; model < 2; ++model) {
        hash = hashed(outputs[run % 4 * 2 + model], hash);
      }
    }
    EXPECT_EQ(program.word("example_hash"), hash);
    const uint32_t stack = program.word("example_stack_bytes");
    EXPECT_GT(stack, 64u);
    EXPECT_LE(stack, program.stack_bound("Reset_Handler"));
  }
}

TEST_P(EveryCore, AStreamIsLookedAtFrameByFrame) {
  Program program = example_program("streaming.c", {"auto_encoder"}, GetParam());
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
}  // namespace mote::tests
