#include "deploy/arena.h"

#include <gtest/gtest.h>

#include "ir/build.h"
#include "passes/pipeline.h"
#include "target/target.h"

namespace mote::deploy {
namespace {

/// Whether two tensors have bytes in common.
bool meet(const Arena& arena, ir::TensorId a, ir::TensorId b) {
  const auto region_of = [&](ir::TensorId id) {
    return arena.regions.at(static_cast<size_t>(arena.region_of_tensor.at(static_cast<size_t>(id))));
  };
  const Region x = region_of(a), y = region_of(b);
  return x.offset < y.offset + y.size && y.offset < x.offset + x.size;
}

TEST(Arena, InputsOfOneOperatorStayApartWhenItsOutputOverwritesOne) {
  for (const bool first_step : {true, false}) {
    ir::GraphBuilder builder("two", 1);
    ir::TensorId a = builder.input({1, 5, 7, 4}), b = builder.input({1, 5, 7, 4});
    if (!first_step) {
      a = builder.max_pool_2d(a, {2, 2}, {.same = true});
      b = builder.max_pool_2d(b, {3, 3}, {.same = true});
    }
    builder.output(builder.add(a, b));
    const Network network = make_network(passes::run_passes(builder.finish()), "two", target::load_target("cortex-m7"));
    const Arena arena = plan_arena(network);
    const ir::Operator& sum = network.graph.operators.back();
    EXPECT_FALSE(meet(arena, sum.inputs[0], sum.inputs[1]));
    EXPECT_TRUE(meet(arena, sum.inputs[0], sum.output) || meet(arena, sum.inputs[1], sum.output));
  }
}

}  // namespace
}  // namespace mote::deploy
