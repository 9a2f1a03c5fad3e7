// Real models and single operators against the bytes that TensorFlow Lite Micro's reference kernels gave for them. The
// data lies outside the repository, in the folder MOTE_MODELS names.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "import/tflite/reader.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "reference/interpret.h"
#include "support/files.h"

namespace mote::reference {
namespace {

namespace fs = std::filesystem;

/// The files of `folder` whose names begin and end so, in order.
std::vector<fs::path> files_of(const fs::path& folder, const std::string& start, const std::string& end) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(start) && name.ends_with(end)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// int8 is exact, and so is what Dequantize makes of it; other floats differ by the order of summation and libm.
bool is_exact(const ir::Graph& graph, ir::TensorId id) {
  for (const ir::Operator& op : graph.operators) {
    if (op.output == id && std::holds_alternative<ir::Dequantize>(op.attributes)) return true;
  }
  return graph.tensor(id).dtype != ir::DType::kFloat32;
}

void expect_alike(const ir::Graph& graph, ir::TensorId id, const Bytes& actual, const Bytes& wanted) {
  SCOPED_TRACE("tensor " + graph.tensor(id).name);
  ASSERT_EQ(actual.size(), wanted.size());
  if (is_exact(graph, id)) {
    const size_t at =
        static_cast<size_t>(std::mismatch(actual.begin(), actual.end(), wanted.begin()).first - actual.begin());
    if (at < actual.size()) {
      FAIL() << "byte " << at << " is " << std::to_integer<int>(actual[at]) << ", not "
             << std::to_integer<int>(wanted[at]);
    }
    return;
  }
  const std::vector<float> a = to_values<float>(actual);
  const std::vector<float> w = to_values<float>(wanted);
  float greatest = 1;
  for (float value : w) greatest = std::max(greatest, std::abs(value));
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], w[i], 1e-5f * greatest) << "element " << i;
}

/// Removes the first tensor's bytes from `rest` and returns them.
Bytes take(std::span<const std::byte>& rest, size_t size) {
  EXPECT_LE(size, rest.size());
  const Bytes bytes(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(std::min(size, rest.size())));
  rest = rest.subspan(bytes.size());
  return bytes;
}

void expect_every_tensor(const ir::Graph& graph, const std::vector<Bytes>& actual, const fs::path& folder) {
  size_t compared = 0;
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const fs::path file = folder / fmt::format("t{:03}.bin", graph.tensors[i].source_index);
    if (!fs::exists(file)) continue;
    expect_alike(graph, static_cast<ir::TensorId>(i), actual[i], read_bytes(file));
    ++compared;
  }
  EXPECT_EQ(compared, files_of(folder, "t", ".bin").size()) << "tensors of " << folder << " that the graph lacks";
}

/// Runs one model on every input that lies beside it; an input file may hold several runs. Returns the number of runs.
size_t expect_model_matches(const fs::path& model) {
  SCOPED_TRACE(model.filename());
  const ir::Graph graph = import::read_tflite(model);
  EXPECT_EQ(ir::verify(graph), std::vector<std::string>{});
  EXPECT_TRUE(ir::parse(ir::print(graph, true), "printed") == graph) << "the text form does not round-trip";
  size_t runs = 0;
  const std::string name = model.stem();
  for (const fs::path& input_file : files_of(model.parent_path(), name + ".", ".in.bin")) {
    SCOPED_TRACE(input_file.filename());
    std::string prefix = input_file;
    prefix.resize(prefix.size() - std::string(".in.bin").size());
    const Bytes all_inputs = read_bytes(input_file);
    const Bytes all_outputs = read_bytes(prefix + ".out.bin");
    std::span<const std::byte> inputs_left = all_inputs;
    std::span<const std::byte> outputs_left = all_outputs;
    while (!inputs_left.empty() && !testing::Test::HasFatalFailure()) {
      std::vector<Bytes> inputs;
      for (ir::TensorId id : graph.inputs) inputs.push_back(take(inputs_left, graph.tensor(id).size_bytes()));
      const std::vector<Bytes> actual = interpret(graph, inputs);
      for (ir::TensorId id : graph.outputs) {
        expect_alike(graph, id, actual.at(static_cast<size_t>(id)), take(outputs_left, graph.tensor(id).size_bytes()));
      }
      if (fs::exists(prefix + ".tensors")) expect_every_tensor(graph, actual, prefix + ".tensors");
      ++runs;
    }
    EXPECT_TRUE(outputs_left.empty()) << "outputs left over";
  }
  return runs;
}

void expect_folder_matches(const std::string& subfolder) {
  const char* models = std::getenv("MOTE_MODELS");
  if (models == nullptr) GTEST_SKIP() << "MOTE_MODELS is not set";
  const std::vector<fs::path> files = files_of(fs::path(models) / subfolder, "", ".tflite");
  EXPECT_FALSE(files.empty());
  size_t runs = 0;
  for (const fs::path& model : files) {
    const size_t runs_of_model = expect_model_matches(model);
    EXPECT_GT(runs_of_model, 0u) << model;
    runs += runs_of_model;
  }
  std::cout << files.size() << " models, " << runs << " runs\n";
}

TEST(Golden, EveryOperatorModel) {
  expect_folder_matches("ops");
}
TEST(Golden, EveryTensorOfEveryRealModel) {
  expect_folder_matches("");
}

}  // namespace
}  // namespace mote::reference
