#include "bench/run.h"

#include "deploy/choose.h"
#include "deploy/firmware.h"
#include "deploy/library.h"
#include "execute/booted.h"
#include "execute/verify.h"

namespace mote::bench {

Build build(const ir::Graph& graph, const std::string& model, const target::Board& board,
            const std::vector<Bytes>& inputs, device::Device& device, toolchain::Toolchain& toolchain,
            const deploy::Choose& choose, const deploy::SwitchedOff& off, std::optional<int64_t> fast_bytes) {
  deploy::Library library = deploy::make_library(graph, model, "", board, choose, {}, off);
  if (fast_bytes) library.placement = deploy::place(library, board, toolchain, *fast_bytes);
  const deploy::Measured sizes = deploy::measure(library, board, toolchain);
  execute::Booted booted(device, board, library, toolchain);
  // Measured without the stops that the comparison makes after every operator.
  const execute::Inference inference = booted.run(inputs);
  const execute::RunModel again = [&](const std::vector<Bytes>& values, const execute::Observer& observer) {
    return booted.run(values, observer);
  };
  const execute::Verification verification = execute::verify(again, library, graph, inputs);
  Build result;
  result.cycles = inference.total_cycles();
  result.flash_bytes = sizes.flash_bytes();
  result.ram_bytes = sizes.ram_bytes();
  result.exact = verification.bit_exact();
  result.acceptable = verification.ok();
  const ir::Graph& deployed = library.network.graph;
  for (size_t i = 0; i < deployed.operators.size(); ++i) {
    const ir::Operator& op = deployed.operators[i];
    result.operators.push_back({op.source, deploy::title_of(deployed, op), op.source_macs, inference.cycles[i]});
  }
  return result;
}

Result run(const ir::Graph& graph, const std::string& model, const target::Board& board,
           const std::vector<Bytes>& inputs, device::Device& device, toolchain::Toolchain& toolchain,
           const records::Database* records, std::optional<int64_t> fast_bytes) {
  Result result;
  const deploy::Choose choose = records != nullptr ? deploy::choose_from(*records, board) : deploy::Choose();
  for (const ir::Operator& op : graph.operators) result.macs += op.source_macs;
  result.untuned = build(graph, model, board, inputs, device, toolchain, {});
  if (records != nullptr) {
    result.tuned = build(graph, model, board, inputs, device, toolchain, choose);
  }
  if (fast_bytes) result.placed = build(graph, model, board, inputs, device, toolchain, choose, {}, fast_bytes);
  return result;
}

std::optional<int64_t> published_cycles(const std::vector<int64_t>& operators, const OperatorCycles& of) {
  int64_t sum = 0;
  for (const int32_t source : of.source) {
    if (source < 0 || static_cast<size_t>(source) >= operators.size()) return std::nullopt;
    sum += operators[static_cast<size_t>(source)];
  }
  return sum;
}

}  // namespace mote::bench
