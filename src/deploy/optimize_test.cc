#include "deploy/optimize.h"

#include <gtest/gtest.h>

#include <map>

#include "deploy/library.h"
#include "ir/build.h"

namespace mote::deploy {
namespace {

/// Records of a fast kernel that needs a little more scratch memory than the one that needs the least, and of that one,
/// which takes `times_slower` as long.
Choose records_of(const target::Target& target, uint64_t times_slower) {
  return [&target, times_slower](const kernels::Workload& workload, const space::Space& space) {
    constexpr uint64_t kCycles = 1'000'000;
    std::map<size_t, space::Config> by_scratch;
    for (const space::Alternative& alternative : space.alternatives) {
      for (const space::Knob& knob : alternative.knobs) {
        for (const int64_t value : knob.values) {
          const space::Config config = alternative.with({{knob.name, value}});
          if (space.why_illegal(config)) continue;
          try {
            by_scratch.emplace(kernels::lower(workload, config, target, "f").workspace_bytes(), config);
          } catch (const loop::ScheduleError&) {
          }
        }
      }
    }
    const auto least = by_scratch.begin(), more = by_scratch.lower_bound(least->first + 128);
    check(more != by_scratch.end(), "only one kernel");
    return std::vector<Known>{{more->second, kCycles, 0}, {least->second, times_slower * kCycles, 0}};
  };
}

int64_t ram_when_slower(uint64_t times_slower) {
  ir::GraphBuilder builder("small", 1);
  const ir::TensorId x = builder.input({1, 8, 8, 8});
  builder.output(builder.conv_2d(x, 16, {3, 3}));
  const target::Board board = target::load_board("nucleo-f746zg");
  Goal goal;
  goal.optimize = Goal::Optimize::kRam;
  return make_library(builder.finish(), "m", "", board, records_of(board.target, times_slower), goal).arena.bytes();
}

TEST(OptimizeForRam, TakesALittleMoreThanTheLeastWhereThatSavesManyCycles) {
  const int64_t least = ram_when_slower(1), worthwhile = ram_when_slower(100);
  EXPECT_LT(least, worthwhile);
  EXPECT_LE(worthwhile, least * 3 / 2);
}

}  // namespace
}  // namespace mote::deploy
