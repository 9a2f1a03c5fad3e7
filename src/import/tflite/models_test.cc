// Real models: everything in MOTE_MODELS is read, and survives being written and read again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "import/tflite/reader.h"
#include "import/tflite/writer.h"
#include "support/files.h"

namespace mote::import {
namespace {

std::vector<std::filesystem::path> model_files() {
  std::vector<std::filesystem::path> files;
  const char* folder = std::getenv("MOTE_MODELS");
  if (folder == nullptr) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".tflite") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// What the format cannot carry.
ir::Graph without_sources(ir::Graph graph) {
  for (ir::Tensor& tensor : graph.tensors) tensor.source_index = -1;
  for (ir::Operator& op : graph.operators) op.source.clear();
  return graph;
}

int64_t total_macs(const ir::Graph& graph) {
  int64_t total = 0;
  for (const ir::Operator& op : graph.operators) total += op.source_macs;
  return total;
}

class Models : public testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("MOTE_MODELS") == nullptr) GTEST_SKIP() << "MOTE_MODELS is not set";
  }
  static ir::Graph read(const std::string& name) {
    return read_tflite(std::filesystem::path(std::getenv("MOTE_MODELS")) / name);
  }
};

TEST_F(Models, SurviveWritingAndReading) {
  const std::vector<std::filesystem::path> files = model_files();
  ASSERT_GE(files.size(), 81u);
  for (const std::filesystem::path& file : files) {
    SCOPED_TRACE(file);
    const ir::Graph graph = read_tflite(file);
    EXPECT_EQ(without_sources(graph), without_sources(read_tflite(write_tflite(graph), file)));
  }
}

TEST_F(Models, HaveTheKnownNumberOfMacs) {
  EXPECT_EQ(total_macs(read("kws.tflite")), 2656768);
  EXPECT_EQ(total_macs(read("ic.tflite")), 12501632);
  EXPECT_EQ(total_macs(read("ad.tflite")), 264192);
}

TEST_F(Models, KeepTheIndicesOfTensorsAndOperators) {
  const ir::Graph kws = read("kws.tflite");
  EXPECT_EQ(kws.name, "kws");
  EXPECT_EQ(kws.operators.size(), 13u);
  int last = -1;
  for (const ir::Tensor& tensor : kws.tensors) {
    EXPECT_GT(tensor.source_index, last);
    last = tensor.source_index;
  }
  for (size_t i = 0; i < kws.operators.size(); ++i) {
    EXPECT_EQ(kws.operators[i].source, std::vector<int32_t>{static_cast<int32_t>(i)});
  }
}

// Cutting a model anywhere, or damaging any byte of its structure, gives an error or a model, never a crash.
TEST_F(Models, AreRefusedWhenCutShort) {
  const Bytes whole = read_bytes(std::filesystem::path(std::getenv("MOTE_MODELS")) / "hello_world_int8.tflite");
  for (size_t size = 0; size < whole.size(); ++size) {
    try {
      read_tflite(std::span(whole).first(size), "cut.tflite");
      ADD_FAILURE() << "the first " << size << " of " << whole.size() << " bytes pass for a model";
    } catch (const InputError& error) {
      EXPECT_EQ(std::string(error.what()).substr(0, 12), "cut.tflite: ");
    }
  }
}

}  // namespace
}  // namespace mote::import
