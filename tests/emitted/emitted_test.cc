// The C that mote writes: no compiler warns, no checker and no sanitizer finds anything, and it computes what it
// should.
//
// A few libraries by default. MOTE_SWEEP=100 takes 100 random graphs and every model of the examples and of
// MOTE_MODELS.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "deploy/choose.h"
#include "folder.h"
#include "import/tflite/reader.h"
#include "ir/random_graph.h"
#include "ir/random_model.h"
#include "records/database.h"
#include "reference/interpret.h"
#include "support/data_dir.h"
#include "support/models.h"

namespace mote::tests {

namespace {

using Optimize = deploy::Goal::Optimize;

struct Case {
  std::string model;  // a file; "" for a random graph
  uint64_t seed = 0;
  std::string board;
  Optimize optimize = Optimize::kSpeed;
  std::string records = "";
  int operators = 10;  // of a random graph, about
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << (c.model.empty() ? fmt::format("random graph {}", c.seed) : c.model) << " for " << c.board
             << (c.optimize == Optimize::kSpeed ? ""
                 : c.optimize == Optimize::kRam ? ", ram"
                                                : ", flash")
             << (c.records.empty() ? "" : ", tuned");
}

constexpr const char* kBoards[] = {"nucleo-f746zg", "nucleo-l4r5zi", "nucleo-u575zi", "stm32f4-discovery"};
constexpr Optimize kGoals[] = {Optimize::kSpeed, Optimize::kRam, Optimize::kFlash};

Case random_case(uint64_t seed) {
  return {"", seed, kBoards[seed % std::size(kBoards)], kGoals[seed % std::size(kGoals)]};
}

std::vector<Case> all_cases(uint64_t random_graphs) {
  std::vector<Case> cases;
  for (uint64_t seed = 1; seed <= random_graphs; ++seed) cases.push_back(random_case(seed));
  const std::string records = source_dir() / "benchmarks" / "records.db";
  for (const std::string& model : all_models()) {
    cases.push_back({model, 0, "nucleo-f746zg", Optimize::kSpeed, records});
    cases.push_back({model, 0, "nucleo-l4r5zi", Optimize::kRam, records});
  }
  return cases;
}

std::vector<Case> cases() {
  if (const char* const graphs = std::getenv("MOTE_SWEEP")) return all_cases(std::strtoull(graphs, nullptr, 10));
  return {random_case(1),
          random_case(2),
          random_case(8),
          {source_dir() / "examples/digits/digits.tflite", 0, "nucleo-f746zg", Optimize::kSpeed}};
}

ir::Graph graph_of(const Case& c) {
  if (!c.model.empty()) return import::read_tflite(c.model);
  return ir::random_model(
      c.seed, {.dtype = c.seed % 4 == 0 ? ir::DType::kFloat32 : ir::DType::kInt8, .operators = c.operators});
}

deploy::Library library_of(const Case& c, const ir::Graph& graph) {
  const target::Board board = target::load_board(c.board);
  std::optional<records::Database> records;
  deploy::Choose choose;
  if (!c.records.empty()) {
    records.emplace(c.records, records::Database::Mode::kRead);
    choose = deploy::choose_from(*records, board);
  }
  return deploy::make_library(graph, c.model.empty() ? "model.tflite" : c.model, "", board, choose,
                              {c.optimize, {}, {}});
}

/// int8 bit for bit, float within 1e-4 of the largest value of the tensor.
void expect_equal(const ir::Tensor& tensor, const Bytes& actual, const Bytes& expected) {
  if (tensor.dtype != ir::DType::kFloat32) {
    EXPECT_EQ(actual, expected);
    return;
  }
  const std::vector<float> a = to_values<float>(actual), b = to_values<float>(expected);
  float largest = 1;
  for (const float value : b) largest = std::max(largest, std::abs(value));
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < b.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-4f * largest) << "at " << i;
}

class Emitted : public testing::TestWithParam<Case> {};

TEST_P(Emitted, IsCleanAndRight) {
  const ir::Graph graph = graph_of(GetParam());
  const deploy::Library library = library_of(GetParam(), graph);
  const LibraryFolder folder(library);

  std::vector<std::string> gcc = {"arm-none-eabi-gcc"},
                           clang = {"clang-19", "--target=arm-none-eabi", "-isystem", "/usr/lib/arm-none-eabi/include"};
  for (std::vector<std::string>* compiler : {&gcc, &clang}) {
    compiler->insert(compiler->end(), library.origin.cpu_flags.begin(), library.origin.cpu_flags.end());
  }
  for (const std::vector<std::string>& compiler : {gcc, clang, {"gcc"}, {"clang-19"}}) {
    EXPECT_EQ(folder.compile(compiler), "") << compiler.front();
  }
  EXPECT_EQ(folder.include_in_cpp(), "");
  EXPECT_EQ(folder.check(), "");

  ASSERT_EQ(folder.build_sanitized(), "");
  Random random(7);
  for (int run = 0; run < 2; ++run) {
    const std::vector<Bytes> inputs = ir::random_inputs(graph, random);
    const std::vector<Bytes> outputs = folder.run(inputs), tensors = reference::interpret(graph, inputs);
    for (size_t i = 0; i < outputs.size(); ++i) {
      SCOPED_TRACE(fmt::format("run {}, output {}", run, i));
      const ir::TensorId id = graph.outputs[i];
      expect_equal(graph.tensor(id), outputs[i], tensors.at(static_cast<size_t>(id)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Libraries, Emitted, testing::ValuesIn(cases()));

}  // namespace

}  // namespace mote::tests
