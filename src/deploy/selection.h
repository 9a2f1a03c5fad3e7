// The kernels of one form of a graph, chosen within limits.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "deploy/arena.h"
#include "deploy/candidates.h"
#include "ir/graph.h"
#include "passes/stream.h"

namespace mote::deploy {

/// Operators that have one kernel between them: one operator, or all equal parts of one that is computed by rows.
struct Task {
  std::vector<size_t> operators;
  std::vector<Candidate> candidates;
};

/// The tasks of a form, in the order of their first operators. `before`: the graph that `form` was made of.
std::vector<Task> tasks_of(const passes::Streamed& form, const ir::Graph& before, const std::string& prefix,
                           const target::Target& target, const Choose& choose, Offer offer);

/// A candidate of each task.
struct Selection {
  std::vector<size_t> picks;
  int64_t ram_bytes = 0;     // of the arena
  int64_t bound_bytes = 0;   // no plan of these kernels takes less
  uint64_t flash_bytes = 0;  // kernels and constants, what is shared once, as far as known before compiling
  uint64_t cycles = 0;
};

/// Chooses for one form. What it is given must outlive it.
class Selector {
 public:
  Selector(const ir::Graph& graph, const std::vector<Task>& tasks);

  /// The least RAM that was found.
  int64_t least_ram() const { return selection(small_.front()).ram_bytes; }
  /// The fastest within `ram_bytes` and `flash_bytes`, or with the least flash; where both cannot be kept, the smallest
  /// of RAM, and within that the one that exceeds `flash_bytes` by least.
  Selection fastest_within(int64_t ram_bytes, std::optional<int64_t> flash_bytes, bool least_flash) const;

 private:
  using Picks = std::vector<size_t>;
  using Cost = std::pair<uint64_t, int64_t>;  // bytes of flash, cycles

  int64_t cycles_of(size_t task, size_t candidate) const;
  Footprints footprints_of(const Picks& picks) const;
  int64_t peak_of(const Picks& picks) const;
  bool fits(const Picks& picks, int64_t limit) const;
  std::vector<Picks> find_small() const;
  std::vector<std::vector<size_t>> allowed_within(int64_t limit) const;
  Picks pick_fastest(int64_t limit) const;
  uint64_t flash_of(const Picks& picks) const;
  Cost cost_of(const Picks& picks, std::optional<int64_t> flash) const;
  Selection smallest_first(int64_t limit, std::optional<int64_t> flash) const;
  Picks within_ram(const Picks& wanted, int64_t limit) const;
  void descend(Picks& picks, int64_t limit, std::optional<int64_t> flash) const;
  void improve(Picks& picks, size_t task, size_t wanted, int64_t limit, bool any) const;
  Selection improved(Picks picks, const Picks& wanted, int64_t limit, bool by_gain, bool any) const;
  Selection selection(Picks picks) const;

  const ir::Graph& graph_;
  const std::vector<Task>& tasks_;
  std::vector<std::vector<int64_t>> needs_;  // bytes while the task runs, all else being equal; by task and candidate
  std::vector<Picks> small_;                 // to begin with, the smallest first
};

}  // namespace mote::deploy
