#include "measure/program_features.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "measure/tasks.h"
#include "records/testing.h"
#include "tune/loop_features.h"

namespace mote::measure {
namespace {

/// A dense layer of 16 inputs and 8 outputs, with weights up to `greatest` and down to -greatest.
kernels::Workload dense_workload(int greatest) {
  ir::Graph graph;
  graph.name = "layer";
  const ir::Quantization quant{{0.05F}, {0}, 0};
  std::vector<int8_t> weights(8 * 16);
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = static_cast<int8_t>(static_cast<int>(7 * i) % (2 * greatest + 1) - greatest);
  }
  graph.tensors.push_back({.name = "x", .dtype = ir::DType::kInt8, .shape = {1, 16}, .quant = quant});
  graph.tensors.push_back(
      {.name = "w", .dtype = ir::DType::kInt8, .shape = {8, 16}, .quant = quant, .data = to_bytes(weights)});
  graph.tensors.push_back({.name = "b",
                           .dtype = ir::DType::kInt32,
                           .shape = {8},
                           .quant = ir::Quantization{{0.0025F}, {0}, 0},
                           .data = to_bytes(std::vector<int32_t>(8, 3))});
  graph.tensors.push_back({.name = "y", .dtype = ir::DType::kInt8, .shape = {1, 8}, .quant = quant});
  ir::Operator op;
  op.attributes = ir::Dense{ir::Clamp{-128, 127}};
  op.inputs = {0, 1, 2};
  op.output = 3;
  graph.operators = {op};
  graph.inputs = {0};
  graph.outputs = {3};
  return workloads_of(graph).front();
}

struct DenseTask {
  explicit DenseTask(int greatest = 5) : workload(dense_workload(greatest)) {}

  kernels::Workload workload;
  target::Target target = target::load_target("cortex-m7");
  tune::Task task = tasks_of({workload}, target).at(0);

  records::Trial trial(uint64_t point, uint64_t cycles) const {
    records::Trial t = records::ok_trial(task.space.text_of(task.space.at(point)), cycles);
    t.workload = workload.key;
    return t;
  }
};

TEST(ProgramFeatures, AreAsManyForEveryPointAndAlwaysTheSame) {
  const DenseTask s;
  const tune::FeatureFn features = program_features({s.workload}, s.target);
  const std::vector<float> fallback = features(s.task, s.task.fallback);
  EXPECT_EQ(fallback.size(), tune::loop_feature_names().size());
  EXPECT_EQ(features(s.task, s.task.fallback), fallback);
  int different = 0;
  for (uint64_t point = 0; point < s.task.space.size(); ++point) {
    const space::Config config = s.task.space.at(point);
    if (s.task.space.why_illegal(config)) continue;
    const std::vector<float> other = features(s.task, config);
    ASSERT_EQ(other.size(), fallback.size());
    different += other != fallback ? 1 : 0;
  }
  EXPECT_GT(different, 10);
}

TEST(ProgramFeatures, OfAProgramThatCannotBeAreNotNumbers) {
  const DenseTask s(127);  // whose sums of two do not fit int8, as some points want them to
  const tune::FeatureFn features = program_features({s.workload}, s.target);
  int missing = 0;
  for (const space::Config& config : {s.task.space.alternative("gemm")->with({{"weights", 0}}),
                                      s.task.space.alternative("gemm")->with({{"weights", 1}}),
                                      s.task.space.alternative("gemm")->with({{"weights", 2}})}) {
    const std::vector<float> all = features(s.task, config);
    const int64_t here = std::count_if(all.begin(), all.end(), [](float f) { return std::isnan(f); });
    EXPECT_TRUE(here == 0 || here == static_cast<int64_t>(all.size()));
    missing += here > 0 ? 1 : 0;
  }
  EXPECT_EQ(missing, 1);
}

TEST(ExamplesFrom, MeritsAreMultiplyAccumulatesPerCycle) {
  const DenseTask s;
  records::Trial failed = s.trial(2, 0), elsewhere = s.trial(0, 5000);
  failed.outcome.status = records::Status::kWrongResult;
  elsewhere.setting.board = "another";
  const std::vector<tune::Example> examples =
      examples_from({s.trial(0, 1000), s.trial(1, 4000), failed, elsewhere}, {s.workload}, 100);
  ASSERT_EQ(examples.size(), 4u);
  std::map<uint32_t, std::vector<float>> merits;
  for (const tune::Example& e : examples) {
    EXPECT_GT(e.group, 0u);
    merits[e.group].push_back(e.merit);
  }
  ASSERT_EQ(merits.size(), 2u);
  for (auto& [group, values] : merits) std::sort(values.begin(), values.end());
  constexpr float kMacs = 8 * 16;
  const std::vector<float> alone{kMacs / 5000}, together{0, kMacs / 4000, kMacs / 1000};
  EXPECT_TRUE((merits[1] == alone && merits[2] == together) || (merits[2] == alone && merits[1] == together));
}

TEST(ExamplesFrom, LeavesOutWhatSaysNothing) {
  const DenseTask s;
  records::Trial lost = s.trial(0, 0), unknown = s.trial(0, 100), gone = s.trial(0, 100), foreign = s.trial(0, 100);
  lost.outcome.status = records::Status::kConnection;
  unknown.workload = "of another model";
  gone.knobs = "algorithm=retired";
  foreign.setting.target = "cortex-z9";
  EXPECT_TRUE(examples_from({lost, unknown, gone, foreign}, {s.workload}, 100).empty());
}

TEST(ExamplesFrom, KeepsTheFastestAndTheFirstOfTheOthers) {
  const DenseTask s;
  std::vector<records::Trial> trials;
  for (uint64_t point = 0; point < 12; ++point) trials.push_back(s.trial(point, 1200 - 100 * point));
  const std::vector<tune::Example> examples = examples_from(trials, {s.workload}, 6);
  std::vector<float> merits;
  for (const tune::Example& e : examples) merits.push_back(e.merit);
  constexpr float kMacs = 8 * 16;
  const std::vector<float> expected{kMacs / 100, kMacs / 200, kMacs / 300, kMacs / 1200, kMacs / 1100, kMacs / 1000};
  EXPECT_EQ(merits, expected);
}

}  // namespace
}  // namespace mote::measure
