// Every kernel of every config equals the reference: as a loop program, and as C compiled for this computer.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "host_kernel.h"
#include "import/tflite/reader.h"
#include "kernels/kernel.h"
#include "loop/evaluate.h"
#include "reference/interpret.h"
#include "support/random.h"

namespace mote {
namespace {

std::vector<std::string> models() {
  std::vector<std::string> paths;
  const char* folder = std::getenv("MOTE_MODELS");
  if (folder == nullptr) return paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".tflite") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Bytes random_bytes(const ir::Tensor& tensor, Random* random) {
  if (tensor.dtype == ir::DType::kFloat32) {
    std::vector<float> values(static_cast<size_t>(ir::elements(tensor.shape)));
    for (float& v : values) v = static_cast<float>(random->normal() * 3);
    return to_bytes(values);
  }
  Bytes bytes(tensor.size_bytes());
  random->fill(bytes);
  return bytes;
}

void expect_equal(const ir::Tensor& tensor, const Bytes& got, const Bytes& expected, const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  if (tensor.dtype != ir::DType::kFloat32) {
    const auto different = std::mismatch(got.begin(), got.end(), expected.begin());
    EXPECT_TRUE(different.first == got.end()) << what << ": byte " << different.first - got.begin();
    return;
  }
  const std::vector<float> a = to_values<float>(got), b = to_values<float>(expected);
  float scale = 1;
  for (const float v : b) scale = std::max(scale, std::abs(v));
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-5 * scale) << what << ": element " << i;
}

/// The fallback and some random legal configs, of alternatives as often as of points.
std::vector<space::Config> some_configs(const kernels::Workload& w, const target::Target& target, Random* random) {
  const space::Space space = kernels::space_of(w, target);
  std::vector<space::Config> configs{kernels::fallback_of(w, target)};
  EXPECT_FALSE(space.why_illegal(configs.front()))
      << w.title << ": " << space.why_illegal(configs.front()).value_or("");
  for (int tries = 0; tries < 40 && configs.size() < 3; ++tries) {
    const space::Alternative& alternative = space.alternatives[random->below(space.alternatives.size())];
    const space::Config config = alternative.at(random->below(alternative.size()));
    if (!space.why_illegal(config)) configs.push_back(config);
  }
  return configs;
}

bool external(const loop::Program& p) {
  return !p.functions.empty();
}

class Kernels : public ::testing::TestWithParam<std::string> {};

TEST_P(Kernels, EqualTheReference) {
  const std::vector<std::string> paths = models();
  if (paths.empty()) GTEST_SKIP() << "MOTE_MODELS is not set";
  const target::Target target = target::load_target(GetParam());
  uint64_t seed = 1;
  for (const std::string& path : paths) {
    const ir::Graph graph = import::read_tflite(path);
    std::vector<loop::Program> programs;
    std::vector<kernels::Workload> workloads;
    std::vector<std::string> names;
    Random random(seed++);
    for (const ir::Operator& op : graph.operators) {
      const kernels::Workload w = kernels::make_workload(graph, op);
      for (const space::Config& config : some_configs(w, target, &random)) {
        const std::string name = fmt::format("kernel_{}", programs.size());
        try {
          programs.push_back(kernels::lower(w, config, target, name));
        } catch (const loop::ScheduleError& error) {
          // Legal by its space, impossible with these weights; the fallback never is.
          EXPECT_NE(config, kernels::fallback_of(w, target)) << w.title << ": " << error.what();
          continue;
        }
        names.push_back(fmt::format("{}: {} [{}]", path, w.title, kernels::space_of(w, target).text_of(config)));
        workloads.push_back(w);
      }
    }
    const testing::HostKernels host(programs);
    for (size_t i = 0; i < programs.size(); ++i) {
      const ir::Graph& one = workloads[i].graph;
      std::vector<Bytes> inputs;
      std::map<std::string, Bytes> named;
      size_t next = 0;
      for (const ir::TensorId id : one.inputs) inputs.push_back(random_bytes(one.tensor(id), &random));
      for (const loop::Buffer& b : programs[i].buffers) {
        if (b.kind == loop::Buffer::Kind::kInput) named[b.name] = inputs.at(next++);
      }
      const ir::TensorId output = one.outputs.front();
      const Bytes expected = reference::interpret(one, inputs).at(static_cast<size_t>(output));
      expect_equal(one.tensor(output), host.call(i, inputs), expected, names[i] + " in C");
      const bool small = ir::macs_of(one, workloads[i].op()) < 50000;
      if (small && !external(programs[i])) {
        const std::map<std::string, Bytes> outputs = loop::evaluate(programs[i], named);
        expect_equal(one.tensor(output), outputs.begin()->second, expected, names[i] + " as a program");
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Kernels, ::testing::Values("cortex-m7", "cortex-m4", "cortex-m0"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace mote
