#include "deploy/cycles.h"

#include <variant>

namespace mote::deploy {
namespace {

// Measured on the virtual board's two cores, roughly.
constexpr uint64_t kCallCycles = 100;
constexpr uint64_t kCyclesPerElement = 12;  // of an elementwise loop in compiled C
constexpr uint64_t kBytesPerCycle = 1;      // of a copy

/// What a kernel without multiplications takes, roughly.
uint64_t estimate(const ir::Graph& graph, const ir::Operator& op) {
  const ir::Tensor& output = graph.tensor(op.output);
  const bool copies =
      std::holds_alternative<ir::Slice>(op.attributes) || std::holds_alternative<ir::Concat>(op.attributes);
  if (copies) return kCallCycles + output.size_bytes() / kBytesPerCycle;
  int64_t elements = ir::elements(output.shape);
  for (const ir::TensorId id : op.inputs) {
    if (id != ir::kNoTensor) elements = std::max(elements, ir::elements(graph.tensor(id).shape));
  }
  return kCallCycles + static_cast<uint64_t>(elements) * kCyclesPerElement;
}

}  // namespace

Prediction predict_cycles(const Network& network) {
  Prediction prediction;
  uint64_t cycles = 0;
  for (size_t i = 0; i < network.kernels.size(); ++i) {
    const std::optional<Kernel>& kernel = network.kernels[i];
    if (!kernel) continue;
    const ir::Operator& op = network.graph.operators[i];
    const bool multiplies = ir::macs_of(network.graph, op) > 0;
    if (multiplies && !kernel->cycles) ++prediction.unknown;
    if (multiplies && kernel->cycles && !kernel->tuned) ++prediction.estimated;
    cycles += kernel->cycles ? *kernel->cycles : estimate(network.graph, op);
  }
  if (prediction.unknown == 0) prediction.cycles = cycles;
  return prediction;
}

}  // namespace mote::deploy
