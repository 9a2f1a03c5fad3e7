#include "deploy/network.h"

#include <fmt/format.h>

#include "deploy/views.h"
#include "support/error.h"

namespace mote::deploy {
namespace {

/// The program of the first of `configs` that can be lowered.
std::optional<Kernel> lower_first(const kernels::Workload& workload, const space::Space& space,
                                  const std::vector<Known>& configs, const target::Target& target,
                                  const std::string& function) {
  for (const auto& [config, cycles, flash] : configs) {
    try {
      return Kernel{
          kernels::lower(workload, config, target, function), space.text_of(config), false, config, {}, cycles};
    } catch (const loop::ScheduleError&) {
      // It was measured with other constants, for which it was legal. The next one, then.
    }
  }
  return std::nullopt;
}

Kernel make_kernel(const kernels::Workload& workload, const target::Target& target, const Choose& choose,
                   const std::string& function) {
  const space::Space space = kernels::space_of(workload, target);
  if (choose) {
    std::optional<Kernel> kernel = lower_first(workload, space, choose(workload, space), target, function);
    if (kernel) {
      kernel->tuned = true;
      return std::move(*kernel);
    }
  }
  const space::Config fallback = kernels::fallback_of(workload, target);
  return {kernels::lower(workload, fallback, target, function), space.text_of(fallback), false, fallback};
}

}  // namespace

std::string function_of(const std::string& prefix, const ir::Graph& graph, size_t index) {
  return fmt::format("{}_{:02}_{}", prefix, index, ir::kind_of(graph.operators[index].attributes));
}

Network make_network(ir::Graph graph, const std::string& prefix, const target::Target& target, const Choose& choose,
                     bool search_requantisation) {
  Network network{prefix, std::move(graph), {}, search_requantisation};
  const Views views = views_of(network.graph);
  for (size_t i = 0; i < network.graph.operators.size(); ++i) {
    const ir::Operator& op = network.graph.operators[i];
    network.kernels.emplace_back();
    if (views.takes_no_code[i]) continue;
    kernels::Workload workload = kernels::make_workload(network.graph, op);
    workload.search_requantisation = search_requantisation;
    network.kernels.back() = make_kernel(workload, target, choose, function_of(prefix, network.graph, i));
    network.kernels.back()->footprint = footprint_of(network.kernels.back()->program);
  }
  return network;
}

}  // namespace mote::deploy
