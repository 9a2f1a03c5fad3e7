#include "deploy/network.h"

#include <gmock/gmock.h>

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
