#include "deploy/network.h"

#include <gmock/gmock.h>

#include "deploy/optimize.h"
#include "ir/build.h"
#include "ir/random_model.h"
#include "passes/pipeline.h"
#include "target/board.h"

namespace mote::deploy {
namespace {

TEST(Network, EveryOperatorHasALegalFallback) {
  for (const char* name : {"host", "cortex-m0", "cortex-m4", "cortex-m7"}) {
    const target::Target target = target::load_target(name);
    for (uint64_t seed = 1; seed <= 150; ++seed) {
      SCOPED_TRACE(testing::Message() << name << ", seed " << seed);
      const ir::DType dtype = seed % 4 == 0 ? ir::DType::kFloat32 : ir::DType::kInt8;
      const ir::Graph graph = passes::run_passes(ir::random_model(seed, {.dtype = dtype}));
      for (const ir::Operator& op : graph.operators) {
        const kernels::Workload workload = kernels::make_workload(graph, op);
        const space::Space space = kernels::space_of(workload, target);
        const space::Config fallback = kernels::fallback_of(workload, target);
        EXPECT_EQ(space.why_illegal(fallback), std::nullopt) << workload.title << ": " << space.text_of(fallback);
        EXPECT_NO_THROW(kernels::lower(workload, fallback, target, "f")) << workload.title;
      }
    }
  }
}

/// All of these run in place, one behind the other in one region of memory.
TEST(Network, AChainInPlaceKeepsItsFastKernelsWhereRamIsScarce) {
  ir::GraphBuilder builder("chain", 1);
  ir::TensorId x = builder.conv_2d(builder.input({1, 24, 10, 4}), 32, {3, 3});
  for (int i = 0; i < 3; ++i) x = builder.conv_2d(builder.depthwise_conv_2d(x, 1, {3, 3}), 32, {1, 1});
  builder.output(builder.mean(x, {1, 2}, false));
  const target::Target target = target::load_target("cortex-m7");
  const int64_t largest = 24 * 10 * 32;
  Goal goal;
  goal.ram_bytes = largest * 3 / 2;
  const Network network = make_network(passes::run_passes(builder.finish()), "n", target, {}, goal, "chain.tflite");
  int depthwise = 0;
  for (size_t i = 0; i < network.kernels.size(); ++i) {
    const bool is_depthwise = std::holds_alternative<ir::DepthwiseConv2D>(network.graph.operators[i].attributes);
    if (!is_depthwise || !network.kernels[i]) continue;
    ++depthwise;
    EXPECT_THAT(network.kernels[i]->knobs, testing::Not(testing::HasSubstr("algorithm=loops")));
  }
  EXPECT_EQ(depthwise, 3);
}

TEST(Network, TakesTheFirstConfigThatCanBeLowered) {
  const target::Target target = target::load_target("cortex-m4");
  const ir::Graph graph = passes::run_passes(ir::random_model(2));
  size_t asked = 0;
  const Network network = make_network(graph, "n", target, [&](const kernels::Workload&, const space::Space& space) {
    ++asked;
    return std::vector<Known>{{space.at(0)}};
  });
  EXPECT_GT(asked, 0u);
  for (size_t i = 0; i < network.kernels.size(); ++i) {
    if (!network.kernels[i]) continue;
    const space::Space space = kernels::space_of(kernels::make_workload(graph, graph.operators[i]), target);
    if (!network.kernels[i]->tuned) continue;
    EXPECT_EQ(network.kernels[i]->knobs, space.text_of(space.at(0)));
  }
}

}  // namespace
}  // namespace mote::deploy
