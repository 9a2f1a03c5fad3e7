// First every candidate's need for memory while its operator runs, all else being equal: that is nearly all that
// matters to the peak, because only one operator runs at a time. So the fastest candidates whose need is within the
// limit are taken; a plan of the whole network then tells the truth, and where it is above the limit, the selection
// starts again from the smallest candidates and takes a faster one wherever the plan allows it.

#include "deploy/optimize.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "deploy/arena.h"
#include "memory/plan.h"
#include "records/tradeoff.h"
#include "support/error.h"

namespace mote::deploy {
namespace {

using Picks = std::vector<size_t>;

constexpr memory::Effort kQuick{.hill_climbing = 400'000, .exact = 400'000};

class Selector {
 public:
  Selector(const ir::Graph& graph, const std::vector<std::vector<Candidate>>& candidates)
      : graph_(graph), candidates_(candidates), needs_(candidates.size()) {
    const Picks first(candidates.size(), 0);
    for (size_t i = 0; i < candidates.size(); ++i) {
      for (size_t k = 0; k < candidates[i].size(); ++k) needs_[i].push_back(need_of(first, i, k));
    }
  }

  /// The smallest of all, and of equals the fastest.
  Picks smallest() const {
    Picks picks(candidates_.size(), 0);
    for (size_t i = 0; i < picks.size(); ++i) {
      if (!needs_[i].empty()) picks[i] = index_of_least(needs_[i]);
    }
    return picks;
  }

  /// The fastest whose plan is within `limit`, or the smallest when none is. Among those allowed, `flash` restricts
  /// them further.
  Picks fastest_within(int64_t limit, std::optional<int64_t> flash, bool least_flash) const {
    Picks picks = pick_allowed(limit, flash, least_flash);
    if (peak_of(picks) <= limit) return picks;
    const Picks wanted = picks;
    picks = smallest();
    if (peak_of(picks) > limit) return picks;
    for (size_t i = 0; i < picks.size(); ++i) {
      Picks trial = picks;
      trial[i] = wanted[i];
      if (peak_of(trial) <= limit) picks = std::move(trial);
    }
    return picks;
  }

  int64_t peak_of(const Picks& picks) const {
    return memory::plan(lay_out(graph_, footprints_of(picks)).problem, kQuick).peak_bytes;
  }

  uint64_t flash_of(const Picks& picks) const {
    uint64_t bytes = 0;
    for (size_t i = 0; i < picks.size(); ++i)
      bytes += candidates_[i].empty() ? 0 : candidates_[i][picks[i]].flash_bytes;
    return bytes;
  }

 private:
  static size_t index_of_least(const std::vector<int64_t>& values) {
    return static_cast<size_t>(std::min_element(values.begin(), values.end()) - values.begin());
  }

  Footprints footprints_of(const Picks& picks) const {
    Footprints footprints(picks.size());
    for (size_t i = 0; i < picks.size(); ++i) {
      if (!candidates_[i].empty()) footprints[i] = candidates_[i][picks[i]].kernel.footprint;
    }
    return footprints;
  }

  /// Bytes in use while operator `step` runs with candidate `k`.
  int64_t need_of(Picks picks, size_t step, size_t k) const {
    picks[step] = k;
    const memory::Problem whole = lay_out(graph_, footprints_of(picks)).problem;
    memory::Problem now;
    std::vector<int> place(whole.buffers.size(), -1);
    for (size_t i = 0; i < whole.buffers.size(); ++i) {
      const memory::Buffer& b = whole.buffers[i];
      if (b.first > static_cast<int>(step) || b.last < static_cast<int>(step)) continue;
      place[i] = static_cast<int>(now.buffers.size());
      now.buffers.push_back({b.size, b.align, 0, 0});
    }
    for (memory::Overlap overlap : whole.overlaps) {
      overlap.upper = place[static_cast<size_t>(overlap.upper)];
      overlap.lower = place[static_cast<size_t>(overlap.lower)];
      if (overlap.upper >= 0 && overlap.lower >= 0) now.overlaps.push_back(overlap);
    }
    return memory::plan(now, kQuick).peak_bytes;
  }

  /// Of each operator the fastest candidate whose need is within `limit` (or the smallest), all of them together within
  /// `flash`.
  Picks pick_allowed(int64_t limit, std::optional<int64_t> flash, bool least_flash) const {
    std::vector<std::vector<size_t>> allowed(candidates_.size());
    std::vector<std::vector<records::Option>> groups;
    for (size_t i = 0; i < candidates_.size(); ++i) {
      for (size_t k = 0; k < needs_[i].size(); ++k) {
        if (needs_[i][k] <= limit) allowed[i].push_back(k);
      }
      if (allowed[i].empty() && !needs_[i].empty()) allowed[i].push_back(index_of_least(needs_[i]));
      std::vector<records::Option> group;
      for (const size_t k : allowed[i]) group.push_back({candidates_[i][k].cycles, candidates_[i][k].flash_bytes});
      if (!group.empty()) groups.push_back(std::move(group));
    }
    if (groups.empty()) return Picks(candidates_.size(), 0);
    const records::Tradeoff tradeoff(groups);
    size_t total = tradeoff.totals().size() - 1;  // the fastest
    if (least_flash) total = 0;
    if (flash) total = std::min(total, tradeoff.best_within(static_cast<uint64_t>(*flash)).value_or(0));
    const std::vector<size_t> choice = tradeoff.choice(total);
    Picks picks(candidates_.size(), 0);
    for (size_t i = 0, group = 0; i < picks.size(); ++i) {
      if (!allowed[i].empty()) picks[i] = allowed[i][choice[group++]];
    }
    return picks;
  }

  const ir::Graph& graph_;
  const std::vector<std::vector<Candidate>>& candidates_;
  std::vector<std::vector<int64_t>> needs_;  // bytes, by operator and candidate
};

}  // namespace

Selection select(const ir::Graph& graph, const std::vector<std::vector<Candidate>>& candidates, const Goal& goal) {
  const Selector selector(graph, candidates);
  int64_t limit = goal.ram_bytes.value_or(std::numeric_limits<int64_t>::max());
  if (goal.optimize == Goal::Optimize::kRam) limit = std::min(limit, selector.peak_of(selector.smallest()));
  Selection selection;
  selection.picks = selector.fastest_within(limit, goal.flash_bytes, goal.optimize == Goal::Optimize::kFlash);
  selection.ram_bytes = selector.peak_of(selection.picks);
  selection.flash_bytes = selector.flash_of(selection.picks);
  return selection;
}

Network make_network(ir::Graph graph, const std::string& prefix, const target::Target& target, const Choose& choose,
                     const Goal& goal, const std::string& model) {
  if (goal.is_speed_alone()) return make_network(std::move(graph), prefix, target, choose);
  std::vector<std::vector<Candidate>> candidates(graph.operators.size());
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (is_alias(graph.operators[i])) continue;
    candidates[i] =
        candidates_of(kernels::make_workload(graph, graph.operators[i]), target, choose, function_of(prefix, graph, i));
  }
  const Selection selection = select(graph, candidates, goal);
  const auto require = [&](const char* memory, int64_t needed, std::optional<int64_t> budget, const char* option) {
    if (!budget || needed <= *budget) return;
    throw InputError(model, fmt::format("needs {} bytes of {} at least, and {} allows {}: {} bytes too many", needed,
                                        memory, option, *budget, needed - *budget));
  };
  require("RAM for activations and scratch", selection.ram_bytes, goal.ram_bytes, "--ram");
  require("flash for kernels and constants", static_cast<int64_t>(selection.flash_bytes), goal.flash_bytes, "--flash");
  Network network{prefix, std::move(graph), {}};
  for (size_t i = 0; i < candidates.size(); ++i) {
    network.kernels.emplace_back();
    if (!candidates[i].empty()) network.kernels.back() = std::move(candidates[i][selection.picks[i]].kernel);
  }
  return network;
}

}  // namespace mote::deploy
