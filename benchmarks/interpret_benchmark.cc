// The reference interpreter: every trial of the tuner waits for it once per workload, so it must not be slower than
// obvious.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "ir/random_graph.h"
#include "ir/text.h"
#include "reference/interpret.h"

namespace mote {
namespace {

/// Interprets the one operator of a graph in text form, whose weights are zeros.
void interpret_one(benchmark::State& state, const std::string& op, const std::string& x, const std::string& w,
                   size_t weights, const std::string& y) {
  const ir::Graph graph = ir::parse(
      fmt::format("inputs 0\noutputs 2\ntensor 0 \"x\" i8 {} quant=0.1:3\ntensor 1 \"w\" i8 {} quant=0.1:0 data={}\n"
                  "tensor 2 \"y\" i8 {} quant=0.2:-1\nop 0 {}\n",
                  x, w, std::string(2 * weights, '0'), y, op),
      "benchmark");
  Random random(1);
  const std::vector<Bytes> inputs = ir::random_inputs(graph, random);
  for (auto _ : state) benchmark::DoNotOptimize(reference::interpret(graph, inputs));
  state.counters["MACs/s"] = benchmark::Counter(static_cast<double>(ir::macs_of(graph, graph.operators[0])),
                                                benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK_CAPTURE(interpret_one, conv_3x3_32x32x16, "conv_2d 0 1 -> 2 padding=1,1,1,1", "1x32x32x16", "16x3x3x16", 2304,
                  "1x32x32x16");
BENCHMARK_CAPTURE(interpret_one, conv_1x1_25x5x64, "conv_2d 0 1 -> 2", "1x25x5x64", "64x1x1x64", 4096, "1x25x5x64");
BENCHMARK_CAPTURE(interpret_one, depthwise_3x3_25x5x64, "depthwise_conv_2d 0 1 -> 2 padding=1,1,1,1", "1x25x5x64",
                  "1x3x3x64", 576, "1x25x5x64");
BENCHMARK_CAPTURE(interpret_one, dense_640_128, "dense 0 1 -> 2", "1x640", "128x640", 81920, "1x128");

}  // namespace
}  // namespace mote
