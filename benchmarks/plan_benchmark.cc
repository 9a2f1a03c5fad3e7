// How long a memory plan takes, and how close it comes to what no plan can beat.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "memory/plan.h"
#include "support/random.h"

namespace mote::memory {
namespace {

/// Buffers of a made-up network: each lives for a few steps, some all along, and some may be written over others.
Problem network_like(int buffers, uint64_t seed) {
  Random random(seed);
  Problem problem;
  for (int i = 0; i < buffers; ++i) {
    const int last = random.below(20) == 0 ? buffers : i + 1 + static_cast<int>(random.below(6));
    problem.buffers.push_back({random.between(1, 20'000), 4, i, std::min(buffers, last)});
    if (i > 0 && random.below(3) == 0) problem.overlaps.push_back({i - 1, i, random.between(0, 2'000)});
  }
  return problem;
}

void plan_buffers(benchmark::State& state) {
  uint64_t seed = 0;
  double gap = 0;
  int64_t proved = 0;
  for (auto _ : state) {
    const Plan best = plan(network_like(static_cast<int>(state.range(0)), ++seed));
    gap += static_cast<double>(best.peak_bytes) / static_cast<double>(best.lower_bound_bytes) - 1;
    proved += best.optimal ? 1 : 0;
  }
  state.counters["proved"] = benchmark::Counter(static_cast<double>(proved), benchmark::Counter::kAvgIterations);
  state.counters["gap"] = benchmark::Counter(gap, benchmark::Counter::kAvgIterations);
}
BENCHMARK(plan_buffers)->Arg(20)->Arg(100)->Arg(500)->Iterations(20)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mote::memory
