#include "deploy/arena.h"

#include <algorithm>

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

/// Builds the regions of a network, tensor by tensor.
class Builder {
 public:
  explicit Builder(const Network& network)
      : network_(network), graph_(network.graph), lifetimes_(lifetimes_of(network.graph)) {
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

  /// The region of an operand that nobody needs after this step and that the kernel can write its output over.
  int region_to_overwrite(int step) const {
    const size_t index = static_cast<size_t>(step);
    const ir::Operator& op = graph_.operators[index];
    if (!network_.kernels[index]->program.may_alias) return -1;
    for (const ir::TensorId id : op.inputs) {
      const int region = id == ir::kNoTensor ? -1 : arena_.region_of_tensor[static_cast<size_t>(id)];
      if (region < 0 || graph_.tensor(id).size_bytes() != graph_.tensor(op.output).size_bytes()) continue;
      const std::vector<ir::TensorId>& sharing = arena_.regions[static_cast<size_t>(region)].tensors;
      const bool dies = std::all_of(sharing.begin(), sharing.end(), [&](ir::TensorId other) {
        return lifetimes_[static_cast<size_t>(other)].last <= step && !is_output(other);
      });
      if (dies) return region;
    }
    return -1;
  }

  bool is_output(ir::TensorId id) const {
    return std::find(graph_.outputs.begin(), graph_.outputs.end(), id) != graph_.outputs.end();
  }

  void add_scratch(int step) {
    const std::optional<Kernel>& kernel = network_.kernels[static_cast<size_t>(step)];
    if (!kernel || kernel->program.workspace_bytes() == 0) return;
    int64_t alignment = kAlignment;
    for (const loop::Buffer& buffer : kernel->program.buffers) {
      if (buffer.kind == loop::Buffer::Kind::kWorkspace) alignment = std::max<int64_t>(alignment, buffer.alignment);
    }
    const int64_t size = static_cast<int64_t>(kernel->program.workspace_bytes());
    arena_.alignment = std::max(arena_.alignment, alignment);
    arena_.region_of_scratch[static_cast<size_t>(step)] = static_cast<int>(arena_.regions.size());
    arena_.regions.push_back({kernel->program.name, 0, size, step, step, {}, step});
    arena_.problem.buffers.push_back({size, alignment, step, step});
  }

  const Network& network_;
  const ir::Graph& graph_;
  std::vector<Lifetime> lifetimes_;
  Arena arena_;
};

}  // namespace

int64_t Arena::live_bytes(size_t step) const {
  int64_t bytes = 0;
  for (const Region& region : regions) {
    if (region.first <= static_cast<int>(step) && static_cast<int>(step) <= region.last) bytes += region.size;
  }
  return bytes;
}

Arena plan_arena(const Network& network, const memory::Effort& effort) {
  Arena arena = Builder(network).build();
  arena.plan = memory::plan(arena.problem, effort);
  for (size_t i = 0; i < arena.regions.size(); ++i) arena.regions[i].offset = arena.plan.offsets[i];
  return arena;
}

ir::TensorId constant_behind(const Network& network, ir::TensorId id) {
  for (size_t i = network.graph.operators.size(); i-- > 0;) {
    const ir::Operator& op = network.graph.operators[i];
    if (op.output == id && is_alias(op)) id = op.inputs[0];
  }
  return network.graph.tensor(id).is_constant() ? id : ir::kNoTensor;
}

}  // namespace mote::deploy
