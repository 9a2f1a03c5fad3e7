// The kernels of one form of a graph, chosen within limits.
#pragma once

#include <cstdint>
#include <optional>
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
                           const target::Target& target, const Choose& choose);

/// A candidate of each task.
struct Selection {
  std::vector<size_t> picks;
  int64_t ram_bytes = 0;     // of the arena
  uint64_t flash_bytes = 0;  // kernels and constants, as far as it is known before compiling
  uint64_t cycles = 0;
};

/// Chooses for one form. What it is given must outlive it.
class Selector {
 public:
  Selector(const ir::Graph& graph, const std::vector<Task>& tasks);

  /// The least RAM that was found.
  int64_t least_ram() const { return selection(small_.front()).ram_bytes; }
  /// The fastest within `ram_bytes` and `flash_bytes`, or with the least flash; the smallest when `ram_bytes` is below
  /// what that takes.
  Selection fastest_within(int64_t ram_bytes, std::optional<int64_t> flash_bytes, bool least_flash) const;

 private:
  using Picks = std::vector<size_t>;

  int64_t cycles_of(size_t task, size_t candidate) const;
  Footprints footprints_of(const Picks& picks) const;
  int64_t peak_of(const Picks& picks) const;
  std::vector<Picks> find_small() const;
  Picks pick_allowed(int64_t limit, std::optional<int64_t> flash, bool least_flash) const;
  void improve(Picks& picks, size_t task, size_t wanted, int64_t limit, bool any) const;
  Selection improved(Picks picks, const Picks& wanted, int64_t limit, bool by_gain, bool any) const;
  Selection selection(Picks picks) const;

  const ir::Graph& graph_;
  const std::vector<Task>& tasks_;
  std::vector<std::vector<int64_t>> needs_;  // bytes while the task runs, all else being equal; by task and candidate
  std::vector<Picks> small_;                 // to begin with, the smallest first
};

}  // namespace mote::deploy
