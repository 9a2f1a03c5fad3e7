#include "deploy/arena.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace mote::deploy {
namespace {

constexpr int64_t kAlignment = 4;  // of every tensor: kernels may read them as words

/// Steps during which a tensor must exist.
struct Lifetime {
  int first = -1, last = -1;  // -1: never
  void include(int step) {
    first = first < 0 ? step : std::min(first, step);
    last = std::max(last, step);
  }
};

std::vector<Lifetime> lifetimes_of(const ir::Graph& graph) {
  std::vector<Lifetime> lifetimes(graph.tensors.size());
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const ir::Operator& op = graph.operators[i];
    const int step = static_cast<int>(i);
    lifetimes[static_cast<size_t>(op.output)].include(step);
    for (const ir::TensorId id : op.inputs) {
      if (id != ir::kNoTensor) lifetimes[static_cast<size_t>(id)].include(step);
    }
  }
  const int last = std::max(0, static_cast<int>(graph.operators.size()) - 1);
  for (const ir::TensorId id : graph.inputs) lifetimes[static_cast<size_t>(id)].include(0);
  for (const ir::TensorId id : graph.outputs) lifetimes[static_cast<size_t>(id)].include(last);
  return lifetimes;
}

/// The tensors of an operator that are parameters of its kernel, in their order.
std::vector<ir::TensorId> inputs_of(const ir::Graph& graph, const ir::Operator& op) {
  std::vector<ir::TensorId> inputs;
  for (const ir::TensorId id : op.inputs) {
    if (id == ir::kNoTensor || graph.tensor(id).is_constant()) continue;
    if (std::find(inputs.begin(), inputs.end(), id) == inputs.end()) inputs.push_back(id);
  }
  return inputs;
}

/// Builds the regions of a network, tensor by tensor.
class Builder {
 public:
  Builder(const ir::Graph& graph, const Footprints& footprints)
      : graph_(graph), footprints_(footprints), lifetimes_(lifetimes_of(graph)) {
    arena_.region_of_tensor.assign(graph_.tensors.size(), -1);
    arena_.region_of_scratch.assign(graph_.operators.size(), -1);
  }

  Arena build() {
    for (const ir::TensorId id : graph_.inputs) {
      if (arena_.region_of_tensor[static_cast<size_t>(id)] < 0) add_region(id);
    }
    for (size_t i = 0; i < graph_.operators.size(); ++i) {
      add_output(static_cast<int>(i));
      add_scratch(static_cast<int>(i));
    }
    for (size_t i = 0; i < graph_.operators.size(); ++i) add_overlaps(static_cast<int>(i));
    return std::move(arena_);
  }

 private:
  void add_region(ir::TensorId id) {
    const ir::Tensor& tensor = graph_.tensor(id);
    const Lifetime& lifetime = lifetimes_[static_cast<size_t>(id)];
    arena_.region_of_tensor[static_cast<size_t>(id)] = static_cast<int>(arena_.regions.size());
    const int64_t size = static_cast<int64_t>(tensor.size_bytes());
    arena_.regions.push_back({tensor.name, 0, size, lifetime.first, lifetime.last, {id}, -1});
    arena_.problem.buffers.push_back({size, kAlignment, lifetime.first, lifetime.last});
  }

  /// Lets `id` share the region of another tensor.
  void join_region(ir::TensorId id, int region) {
    Region& shared = arena_.regions[static_cast<size_t>(region)];
    shared.tensors.push_back(id);
    shared.last = std::max(shared.last, lifetimes_[static_cast<size_t>(id)].last);
    arena_.problem.buffers[static_cast<size_t>(region)].last = shared.last;
    arena_.region_of_tensor[static_cast<size_t>(id)] = region;
  }

  void add_output(int step) {
    const ir::Operator& op = graph_.operators[static_cast<size_t>(step)];
    if (is_alias(op)) {
      const int region = arena_.region_of_tensor[static_cast<size_t>(op.inputs[0])];
      if (region >= 0) join_region(op.output, region);
      return;
    }
    const int region = region_to_overwrite(step);
    if (region >= 0)
      join_region(op.output, region);
    else
      add_region(op.output);
  }

  /// The region of an operand that nobody needs after this step and over which the kernel can write its output, byte
  /// for byte. Where it can do so at a distance as well, the planner decides.
  int region_to_overwrite(int step) const {
    const size_t index = static_cast<size_t>(step);
    const ir::Operator& op = graph_.operators[index];
    const std::vector<ir::TensorId> inputs = inputs_of(graph_, op);
    if (share_a_region(inputs)) return -1;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const int region = arena_.region_of_tensor[static_cast<size_t>(inputs[i])];
      if (region < 0 || !footprints_[index]->sharing.in_place.at(i)) continue;
      if (graph_.tensor(inputs[i]).size_bytes() != graph_.tensor(op.output).size_bytes()) continue;
      if (dies_at(region, step)) return region;
    }
    return -1;
  }

  /// Whether two of the tensors are views of one another. What is known of one alone is then not enough.
  bool share_a_region(const std::vector<ir::TensorId>& ids) const {
    std::set<int> regions;
    return std::any_of(ids.begin(), ids.end(), [&](ir::TensorId id) {
      const int region = arena_.region_of_tensor[static_cast<size_t>(id)];
      return region >= 0 && !regions.insert(region).second;
    });
  }

  /// Whether nothing in the region is needed after `step`.
  bool dies_at(int region, int step) const {
    const std::vector<ir::TensorId>& sharing = arena_.regions[static_cast<size_t>(region)].tensors;
    return std::all_of(sharing.begin(), sharing.end(), [&](ir::TensorId other) {
      return lifetimes_[static_cast<size_t>(other)].last <= step && !is_output(other);
    });
  }

  bool is_output(ir::TensorId id) const {
    return std::find(graph_.outputs.begin(), graph_.outputs.end(), id) != graph_.outputs.end();
  }

  void add_scratch(int step) {
    const std::optional<Footprint>& kernel = footprints_[static_cast<size_t>(step)];
    if (!kernel || kernel->scratch_bytes == 0) return;
    const int64_t alignment = std::max(kAlignment, kernel->alignment);
    arena_.alignment = std::max(arena_.alignment, alignment);
    arena_.region_of_scratch[static_cast<size_t>(step)] = static_cast<int>(arena_.regions.size());
    arena_.regions.push_back({fmt::format("scratch of {}", step), 0, kernel->scratch_bytes, step, step, {}, step});
    arena_.problem.buffers.push_back({kernel->scratch_bytes, alignment, step, step});
  }

  /// Lets the planner overlap what the kernel of `step` allows.
  void add_overlaps(int step) {
    const std::optional<Footprint>& kernel = footprints_[static_cast<size_t>(step)];
    if (!kernel) return;
    const std::vector<ir::TensorId> inputs = inputs_of(graph_, graph_.operators[static_cast<size_t>(step)]);
    if (share_a_region(inputs)) return;
    // An operand's region, if this step is the only one for which the other operands matter to it.
    const auto region_of = [&](int operand) {
      if (operand == kScratch) return arena_.region_of_scratch[static_cast<size_t>(step)];
      const ir::TensorId id = operand == kOutput ? graph_.operators[static_cast<size_t>(step)].output
                                                 : inputs[static_cast<size_t>(operand)];
      const int region = arena_.region_of_tensor[static_cast<size_t>(id)];
      if (region < 0) return -1;
      // An output that lies in the region of an operand has moved into memory that is wanted before it.
      const bool alone = operand == kOutput ? arena_.regions[static_cast<size_t>(region)].tensors.front() == id
                                            : dies_at(region, step);
      return alone ? region : -1;
    };
    for (const Sharing::Pair& pair : kernel->sharing.pairs) {
      const int upper = region_of(pair.upper), lower = region_of(pair.lower);
      if (upper >= 0 && lower >= 0 && upper != lower) arena_.problem.overlaps.push_back({upper, lower, pair.distance});
    }
  }

  const ir::Graph& graph_;
  const Footprints& footprints_;
  std::vector<Lifetime> lifetimes_;
  Arena arena_;
};

}  // namespace

Arena lay_out(const ir::Graph& graph, const Footprints& footprints) {
  return Builder(graph, footprints).build();
}

int64_t Arena::live_bytes(size_t step) const {
  int64_t bytes = 0;
  for (const Region& region : regions) {
    if (region.first <= static_cast<int>(step) && static_cast<int>(step) <= region.last) bytes += region.size;
  }
  return bytes;
}

Arena plan_arena(const Network& network, const memory::Effort& effort) {
  Footprints footprints(network.kernels.size());
  for (size_t i = 0; i < footprints.size(); ++i) {
    if (network.kernels[i]) footprints[i] = network.kernels[i]->footprint;
  }
  Arena arena = lay_out(network.graph, footprints);
  arena.plan = memory::plan(arena.problem, effort);
  for (size_t i = 0; i < arena.regions.size(); ++i) arena.regions[i].offset = arena.plan.offsets[i];
  return arena;
}

void mark_overlaps(Network* network, const Arena& arena) {
  for (size_t i = 0; i < network->kernels.size(); ++i) {
    if (!network->kernels[i]) continue;
    const ir::Operator& op = network->graph.operators[i];
    std::vector<const Region*> operands;
    std::vector<ir::TensorId> ids = inputs_of(network->graph, op);
    ids.push_back(op.output);
    for (const ir::TensorId id : ids) {
      const int region = arena.region_of_tensor[static_cast<size_t>(id)];
      if (region >= 0) operands.push_back(&arena.regions[static_cast<size_t>(region)]);
    }
    if (arena.region_of_scratch[i] >= 0)
      operands.push_back(&arena.regions[static_cast<size_t>(arena.region_of_scratch[i])]);
    bool overlap = false;
    for (size_t a = 0; a < operands.size(); ++a) {
      for (size_t b = 0; b < a; ++b) {
        overlap = overlap || (operands[a]->offset < operands[b]->offset + operands[b]->size &&
                              operands[b]->offset < operands[a]->offset + operands[a]->size);
      }
    }
    network->kernels[i]->program.may_alias = overlap;
  }
}

ir::TensorId constant_behind(const Network& network, ir::TensorId id) {
  for (size_t i = network.graph.operators.size(); i-- > 0;) {
    const ir::Operator& op = network.graph.operators[i];
    if (op.output == id && is_alias(op)) id = op.inputs[0];
  }
  return network.graph.tensor(id).is_constant() ? id : ir::kNoTensor;
}

}  // namespace mote::deploy
