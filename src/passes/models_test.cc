// All passes on the real models of MOTE_MODELS: each keeps every bit of the outputs and of each tensor that survives.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "import/tflite/reader.h"
#include "passes/pipeline.h"
#include "passes/test_graphs.h"

namespace mote::passes {
namespace {

std::vector<std::filesystem::path> model_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(std::getenv("MOTE_MODELS"))) {
    if (entry.path().extension() == ".tflite") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(Models, KeepTheirMeaning) {
  if (std::getenv("MOTE_MODELS") == nullptr) GTEST_SKIP() << "MOTE_MODELS is not set";
  for (const std::filesystem::path& file : model_files()) {
    SCOPED_TRACE(file);
    const ir::Graph graph = import::read_tflite(file);
    const std::vector<Bytes> inputs = random_inputs(graph, 1);
    const std::vector<Bytes> outputs = outputs_of(graph, inputs);
    const ir::Graph result = run_passes(graph);
    EXPECT_EQ(outputs_of(result, inputs), outputs);
    expect_source_tensors_kept(graph, result, inputs);
    int64_t macs = 0, macs_before = 0;
    for (const ir::Operator& op : graph.operators) macs_before += op.source_macs;
    for (const ir::Operator& op : result.operators) macs += op.source_macs;
    EXPECT_EQ(macs, macs_before) << "no source operator is lost or counted twice";
  }
}

}  // namespace
}  // namespace mote::passes
