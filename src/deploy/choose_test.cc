#include "deploy/choose.h"

#include <gmock/gmock.h>

#include <array>

#include "ir/build.h"
#include "passes/pipeline.h"
#include "support/files.h"

namespace mote::deploy {
namespace {

/// Wants its inner loop written out as far as the budget for code goes: 64 x 64 products.
ir::Graph wide_layer() {
  ir::GraphBuilder builder("wide", 1);
  builder.output(builder.conv_2d(builder.input({1, 6, 6, 64}), 64, {1, 1}));
  return passes::run_passes(builder.finish());
}

class Choosing : public testing::Test {
 protected:
  /// The budgets for code of the points that two trials, of `large` cycles with 8 KB of it and 1000 with 2 KB, give for
  /// a board with an instruction cache of `cache_bytes`.
  std::vector<int64_t> budgets(uint64_t large, uint32_t cache_bytes) const {
    target::Board board = target::load_board("nucleo-f746zg", {});
    board.instruction_cache.size = cache_bytes;
    const ir::Graph graph = wide_layer();
    const kernels::Workload workload = kernels::make_workload(graph, graph.operators.front());
    const space::Space space = kernels::space_of(workload, board.target);
    records::Database records(folder_.path() / "records.db", records::Database::Mode::kWrite);
    for (const auto& [budget, cycles] : std::array<std::pair<int64_t, uint64_t>, 2>{{{8192, large}, {2048, 1000}}}) {
      const space::Config config = space.alternative("gemm")->with({{"code_budget", budget}});
      records::Trial trial{workload.key,
                           kernels::template_name(workload),
                           {board.target.name, board.name, "sim", "gcc", "-O2"},
                           space.text_of(config),
                           {},
                           0};
      trial.outcome.cycles = cycles;
      trial.outcome.all_cycles = {cycles};
      records.add(std::array{trial});
    }
    std::vector<int64_t> result;
    for (const Known& known : choose_from(records, board)(workload, space)) {
      result.push_back(known.config.at("code_budget"));
    }
    return result;
  }

  TemporaryFolder folder_;
};

TEST_F(Choosing, TheFastestComesFirst) {
  EXPECT_THAT(budgets(990, 16 << 10), testing::ElementsAre(8192, 2048));
  EXPECT_THAT(budgets(990, 0), testing::ElementsAre(8192, 2048));
}

TEST_F(Choosing, ALoopBeyondTheInstructionCacheHasToWinByMore) {
  EXPECT_THAT(budgets(990, 4 << 10), testing::ElementsAre(2048, 8192));
}

TEST_F(Choosing, ALoopBeyondTheInstructionCacheThatWinsByMuchIsChosen) {
  EXPECT_THAT(budgets(890, 4 << 10), testing::ElementsAre(8192, 2048));
}

}  // namespace
}  // namespace mote::deploy
