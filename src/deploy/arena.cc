#include "deploy/arena.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "deploy/views.h"

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
      : graph_(graph), footprints_(footprints), views_(views_of(graph)), lifetimes_(lifetimes_of(graph)) {
    arena_.region_of_tensor.assign(graph_.tensors.size(), -1);
    arena_.offset_in_region.assign(graph_.tensors.size(), 0);
    arena_.region_of_scratch.assign(graph_.operators.size(), -1);
    region_of_root_.assign(graph_.tensors.size(), -1);
  }

  Arena build() {
    for (const ir::TensorId id : graph_.inputs) {
      if (arena_.region_of_tensor[static_cast<size_t>(id)] < 0) add_tensor(id);
    }
    for (size_t i = 0; i < graph_.operators.size(); ++i) {
      add_output(static_cast<int>(i));
      add_scratch(static_cast<int>(i));
    }
    return std::move(arena_);
  }

  Arena build_with_overlaps() {
    arena_ = build();
    for (size_t i = 0; i < arena_.regions.size(); ++i) {
      for (size_t k = 0; k < i; ++k) add_overlaps(static_cast<int>(i), static_cast<int>(k));
    }
    return std::move(arena_);
  }

 private:
  /// Puts `id` where it belongs: into the region of the tensor that it is part of, which may be new.
  void add_tensor(ir::TensorId id) {
    const Place& place = views_.places[static_cast<size_t>(id)];
    const ir::Tensor& root = graph_.tensor(place.root);
    if (root.is_constant()) return;
    int& region = region_of_root_[static_cast<size_t>(place.root)];
    if (region < 0) {
      region = static_cast<int>(arena_.regions.size());
      const int64_t size = static_cast<int64_t>(root.size_bytes());
      const Lifetime& lifetime = lifetimes_[static_cast<size_t>(id)];
      arena_.regions.push_back({root.name, 0, size, lifetime.first, lifetime.last, {}, -1});
      arena_.problem.buffers.push_back({size, kAlignment, lifetime.first, lifetime.last});
    }
    add_part(id, region, place.offset);
  }

  void add_part(ir::TensorId id, int index, int64_t offset) {
    const Lifetime& lifetime = lifetimes_[static_cast<size_t>(id)];
    Region& region = arena_.regions[static_cast<size_t>(index)];
    const int64_t size = static_cast<int64_t>(graph_.tensor(id).size_bytes());
    region.parts.push_back({id, offset, size, lifetime.first, lifetime.last});
    region.first = std::min(region.first, lifetime.first);
    region.last = std::max(region.last, lifetime.last);
    memory::Buffer& buffer = arena_.problem.buffers[static_cast<size_t>(index)];
    buffer.first = region.first;
    buffer.last = region.last;
    arena_.region_of_tensor[static_cast<size_t>(id)] = index;
    arena_.offset_in_region[static_cast<size_t>(id)] = offset;
  }

  void add_output(int step) {
    const ir::TensorId output = graph_.operators[static_cast<size_t>(step)].output;
    const bool is_own = views_.places[static_cast<size_t>(output)].root == output;
    const int region = is_own && region_of_root_[static_cast<size_t>(output)] < 0 ? region_to_overwrite(step) : -1;
    if (region < 0 && slides(step)) return slide(step);
    if (region < 0) return add_tensor(output);
    region_of_root_[static_cast<size_t>(output)] = region;
    add_part(output, region, 0);
  }

  /// Whether the operator copies the end of a tensor that dies to where another one begins: a window of rows that
  /// moves on. Both then have one region, because hardly any plan could do better, and there are many of them.
  bool slides(int step) const {
    const ir::Operator& op = graph_.operators[static_cast<size_t>(step)];
    const Place& place = views_.places[static_cast<size_t>(op.output)];
    const std::optional<Footprint>& kernel = footprints_[static_cast<size_t>(step)];
    if (!kernel || !std::holds_alternative<ir::Slice>(op.attributes) || !kernel->sharing.in_place.at(0)) return false;
    const int region = arena_.region_of_tensor[static_cast<size_t>(op.inputs[0])];
    return region >= 0 && place.root != op.output && place.offset == 0 &&
           region_of_root_[static_cast<size_t>(place.root)] < 0 &&
           arena_.offset_in_region[static_cast<size_t>(op.inputs[0])] == 0 && dies_at(region, step);
  }

  void slide(int step) {
    const ir::Operator& op = graph_.operators[static_cast<size_t>(step)];
    const ir::TensorId root = views_.places[static_cast<size_t>(op.output)].root;
    const int index = arena_.region_of_tensor[static_cast<size_t>(op.inputs[0])];
    region_of_root_[static_cast<size_t>(root)] = index;
    int64_t& size = arena_.regions[static_cast<size_t>(index)].size;
    size = std::max(size, static_cast<int64_t>(graph_.tensor(root).size_bytes()));
    arena_.problem.buffers[static_cast<size_t>(index)].size = size;
    add_part(op.output, index, 0);
  }

  /// The region of an operand that nobody needs after this step and over which the kernel can write its output, byte
  /// for byte. Where it can do so at a distance as well, the planner decides.
  int region_to_overwrite(int step) const {
    const size_t index = static_cast<size_t>(step);
    const ir::Operator& op = graph_.operators[index];
    if (!footprints_[index]) return -1;
    const std::vector<ir::TensorId> inputs = inputs_of(graph_, op);
    if (share_a_region(inputs)) return -1;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const int region = arena_.region_of_tensor[static_cast<size_t>(inputs[i])];
      if (region < 0 || !footprints_[index]->sharing.in_place.at(i)) continue;
      const int64_t size = static_cast<int64_t>(graph_.tensor(op.output).size_bytes());
      const bool is_whole = static_cast<int64_t>(graph_.tensor(inputs[i]).size_bytes()) == size &&
                            arena_.regions[static_cast<size_t>(region)].size == size;
      if (is_whole && dies_at(region, step)) return region;
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
    const std::vector<Part>& parts = arena_.regions[static_cast<size_t>(region)].parts;
    return std::all_of(parts.begin(), parts.end(),
                       [&](const Part& part) { return part.last <= step && !is_output(part.tensor); });
  }

  bool is_output(ir::TensorId id) const {
    return std::find(graph_.outputs.begin(), graph_.outputs.end(), id) != graph_.outputs.end();
  }

  void add_scratch(int step) {
    const std::optional<Footprint>& kernel = footprints_[static_cast<size_t>(step)];
    if (!kernel || kernel->scratch_bytes == 0) return;
    const int64_t alignment = std::max(kAlignment, kernel->alignment), size = kernel->scratch_bytes;
    arena_.alignment = std::max(arena_.alignment, alignment);
    arena_.region_of_scratch[static_cast<size_t>(step)] = static_cast<int>(arena_.regions.size());
    const Part all{ir::kNoTensor, 0, size, step, step};
    arena_.regions.push_back({fmt::format("scratch of {}", step), 0, size, step, step, {all}, step});
    arena_.problem.buffers.push_back({size, alignment, step, step});
  }

  /// Lets the planner overlap two regions as far as their parts allow it at every step.
  void add_overlaps(int a, int b) {
    const Region &x = arena_.regions[static_cast<size_t>(a)], &y = arena_.regions[static_cast<size_t>(b)];
    if (x.last < y.first || y.last < x.first) return;
    int64_t x_above = 0, y_above = 0;
    for (const Part& p : x.parts) {
      for (const Part& q : y.parts) {
        if (p.last < q.first || q.last < p.first) continue;
        x_above = std::max(x_above, distance(p, q, x, y) - p.offset + q.offset);
        y_above = std::max(y_above, distance(q, p, y, x) - q.offset + p.offset);
      }
    }
    if (x_above < y.size) arena_.problem.overlaps.push_back({a, b, x_above});
    if (y_above < x.size) arena_.problem.overlaps.push_back({b, a, y_above});
  }

  /// How far above the beginning of `lower` `upper` has to begin, if it does so.
  int64_t distance(const Part& upper, const Part& lower, const Region& of_upper, const Region& of_lower) const {
    const int step = std::max(upper.first, lower.first);
    const std::optional<Footprint>& kernel = footprints_[static_cast<size_t>(step)];
    if (!kernel) return lower.size;
    const std::optional<int> above = operand_of(upper, of_upper, step), below = operand_of(lower, of_lower, step);
    if (!above || !below) return lower.size;
    for (const Sharing::Pair& pair : kernel->sharing.pairs) {
      if (pair.upper == *above && pair.lower == *below) return pair.distance;
    }
    return lower.size;
  }

  /// What a part is to the operator of `step`, if that operator is the last to want it, or the first. Only then does
  /// it matter when exactly the kernel does what.
  std::optional<int> operand_of(const Part& part, const Region& region, int step) const {
    if (region.scratch_of >= 0) return kScratch;
    const ir::Operator& op = graph_.operators[static_cast<size_t>(step)];
    if (op.output == part.tensor) return kOutput;
    if (part.last != step || is_output(part.tensor)) return std::nullopt;
    const std::vector<ir::TensorId> inputs = inputs_of(graph_, op);
    const auto found = std::find(inputs.begin(), inputs.end(), part.tensor);
    if (found == inputs.end()) return std::nullopt;
    return static_cast<int>(found - inputs.begin());
  }

  const ir::Graph& graph_;
  const Footprints& footprints_;
  const Views views_;
  std::vector<Lifetime> lifetimes_;
  std::vector<int> region_of_root_;  // by tensor; -1: none yet
  Arena arena_;
};

}  // namespace

Arena lay_out(const ir::Graph& graph, const Footprints& footprints) {
  return Builder(graph, footprints).build_with_overlaps();
}

Arena regions_of(const ir::Graph& graph) {
  return Builder(graph, Footprints(graph.operators.size())).build();
}

const Region& Arena::region_of(ir::TensorId id) const {
  return regions.at(static_cast<size_t>(region_of_tensor.at(static_cast<size_t>(id))));
}

int64_t Arena::offset_of(ir::TensorId id) const {
  return region_of(id).offset + offset_in_region[static_cast<size_t>(id)];
}

std::string Arena::suffix_of(const Region& region) const {
  return pools.empty() ? std::string() : pools.at(region.pool).suffix;
}

int64_t Arena::live_bytes(size_t step) const {
  int64_t bytes = 0;
  for (const Region& region : regions) {
    std::vector<std::pair<int64_t, int64_t>> live;
    for (const Part& part : region.parts) {
      const bool is_live = part.first <= static_cast<int>(step) && static_cast<int>(step) <= part.last;
      if (is_live) live.emplace_back(part.offset, part.offset + part.size);
    }
    std::sort(live.begin(), live.end());
    int64_t counted = 0;  // up to here
    for (const auto& [from, to] : live) {
      bytes += std::max<int64_t>(0, to - std::max(from, counted));
      counted = std::max(counted, to);
    }
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
    struct Extent {
      size_t pool;
      int64_t from, to;
    };
    std::vector<Extent> operands;
    std::vector<ir::TensorId> ids = inputs_of(network->graph, op);
    ids.push_back(op.output);
    for (const ir::TensorId id : ids) {
      if (arena.region_of_tensor[static_cast<size_t>(id)] < 0) continue;
      const int64_t from = arena.offset_of(id);
      const int64_t bytes = static_cast<int64_t>(network->graph.tensor(id).size_bytes());
      operands.push_back({arena.region_of(id).pool, from, from + bytes});
    }
    if (arena.region_of_scratch[i] >= 0) {
      const Region& scratch = arena.regions[static_cast<size_t>(arena.region_of_scratch[i])];
      operands.push_back({scratch.pool, scratch.offset, scratch.offset + scratch.size});
    }
    bool overlap = false;
    for (size_t a = 0; a < operands.size(); ++a) {
      for (size_t b = 0; b < a; ++b) {
        const Extent &x = operands[a], &y = operands[b];
        overlap = overlap || (x.pool == y.pool && x.from < y.to && y.from < x.to);
      }
    }
    network->kernels[i]->program.may_alias = overlap;
  }
}

ir::TensorId constant_behind(const Network& network, ir::TensorId id) {
  const ir::TensorId root = views_of(network.graph).places[static_cast<size_t>(id)].root;
  return network.graph.tensor(root).is_constant() ? root : ir::kNoTensor;
}

}  // namespace mote::deploy
