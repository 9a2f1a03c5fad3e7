#include "deploy/optimize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "deploy/arena.h"
#include "deploy/concatenations.h"
#include "deploy/selection.h"
#include "deploy/streaming.h"
#include "support/error.h"

namespace mote::deploy {
namespace {

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();
constexpr int32_t kMostStrips = 4;

/// With Optimize::kRam a per cent more RAM is taken only where it saves three per cent of the cycles or more: the very
/// least byte would often cost several times the cycles of a few per cent more.
double worth(const Selection& s) {
  return 3 * std::log(static_cast<double>(std::max<int64_t>(1, s.ram_bytes))) +
         std::log(static_cast<double>(std::max<uint64_t>(1, s.cycles)));
}

/// A form of the graph with its best kernels.
struct Solution {
  passes::Streamed form;
  std::vector<Task> tasks;
  Selection selection;
  bool is_best = false;  // more RAM would not help
};

class Optimizer {
 public:
  Optimizer(const ir::Graph& graph, const std::string& prefix, const target::Target& target, const Choose& choose,
            const Goal& goal)
      : graph_(graph), prefix_(prefix), target_(target), choose_(choose), goal_(goal) {}

  Solution best() const {
    Solution best = solve(unstreamed(graph_));
    if (for_ram()) {
      try_forms(std::nullopt, 1, best);
      const int64_t least = guess_ram(best.form.graph);
      try_forms(least + least / 4, 1, best);
      // More strips are for budgets: each costs more calls, columns computed twice and time here than the one before.
      try_strips(2, best);
      return best;
    }
    // Only a limit on RAM is a reason to compute by rows, and only one that costs something otherwise.
    if (!goal_.ram_bytes || best.is_best) return best;
    try_forms(goal_.ram_bytes, 2, best);
    // Which forms keep a budget was an estimate.
    if (!within_budgets(best.selection)) try_forms(std::nullopt, 2, best);
    if (!best.is_best) try_strips(kMostStrips, best);
    return best;
  }

  bool is_better(const Selection& a, const Selection& b) const {
    if (within_budgets(a) != within_budgets(b)) return within_budgets(a);
    if (!within_budgets(a) && a.ram_bytes != b.ram_bytes) return a.ram_bytes < b.ram_bytes;
    if (goal_.optimize == Goal::Optimize::kFlash && a.flash_bytes != b.flash_bytes)
      return a.flash_bytes < b.flash_bytes;
    return for_ram() ? worth(a) < worth(b) : a.cycles < b.cycles;
  }

 private:
  bool for_ram() const { return goal_.optimize == Goal::Optimize::kRam; }

  /// At most `most` forms by rows for a limit on RAM, or for as little as possible: `best` is replaced by one that is
  /// better.
  void try_forms(std::optional<int64_t> ram_bytes, size_t most, Solution& best) const {
    for (passes::Streamed& form : streamed_forms(graph_, 1, ram_bytes, most)) try_form(std::move(form), best);
  }

  /// The same for a form in two strips, and for ones in more, to `most`, as long as another strip seems to save RAM.
  void try_strips(int32_t most, Solution& best) const {
    int64_t ram_before = kNoLimit;
    for (int32_t strips = 2; strips <= most; ++strips) {
      std::vector<passes::Streamed> forms = streamed_forms(graph_, strips, std::nullopt, 1);
      const int64_t ram = forms.empty() ? kNoLimit : guess_ram(forms.front().graph);
      if (ram >= ram_before) return;
      ram_before = ram;
      try_form(std::move(forms.front()), best);
    }
  }

  void try_form(passes::Streamed form, Solution& best) const {
    Solution other = solve(std::move(form));
    if (is_better(other.selection, best.selection)) best = std::move(other);
  }

  Solution solve(passes::Streamed form) const {
    Solution solution{std::move(form), {}, {}, false};
    const bool least_flash = goal_.optimize == Goal::Optimize::kFlash;
    const Offer offer = least_flash || goal_.flash_bytes ? Offer::kSmallCode : Offer::kUsual;
    solution.tasks = tasks_of(solution.form, graph_, prefix_, target_, choose_, offer);
    const ir::Graph& graph = solution.form.graph;
    const Selector selector(graph, solution.tasks);
    const int64_t limit = goal_.ram_bytes.value_or(kNoLimit);
    if (for_ram()) {
      solution.selection = small(selector, limit);
      return solution;
    }
    solution.selection = selector.fastest_within(limit, goal_.flash_bytes, least_flash);
    if (limit == kNoLimit || solution.selection.ram_bytes > limit) {
      solution.is_best = limit == kNoLimit;
      return solution;
    }
    const Selection unlimited = selector.fastest_within(kNoLimit, goal_.flash_bytes, least_flash);
    solution.is_best =
        unlimited.cycles == solution.selection.cycles && unlimited.flash_bytes == solution.selection.flash_bytes;
    return solution;
  }

  /// What is worth most (see worth()) of the least RAM and some steps above it.
  Selection small(const Selector& selector, int64_t most_ram) const {
    Selection best = selector.fastest_within(std::min(most_ram, selector.least_ram()), goal_.flash_bytes, false);
    if (best.ram_bytes > most_ram) return best;
    const uint64_t fewest_cycles = selector.fastest_within(kNoLimit, goal_.flash_bytes, false).cycles;
    const int64_t least = best.ram_bytes;
    for (const int64_t parts : {33, 34, 36, 40, 48}) {
      const int64_t limit = std::min(most_ram, least * parts / 32);
      // More RAM than the best so far takes, and not a cycle less than there can be.
      const Selection hoped{{}, best.ram_bytes + 1, 0, 0, fewest_cycles};
      if (limit <= best.ram_bytes || worth(hoped) >= worth(best)) continue;
      Selection other = selector.fastest_within(limit, goal_.flash_bytes, false);
      if (is_better(other, best)) best = std::move(other);
    }
    // What is chosen kernel by kernel is not the least together: other kernels may have a plan at the bound of these,
    // which then is proved as well.
    if (best.bound_bytes == best.ram_bytes) return best;
    for (const int64_t limit : {best.bound_bytes, std::min(most_ram, best.bound_bytes * 33 / 32)}) {
      Selection other = selector.fastest_within(limit, goal_.flash_bytes, false);
      if (is_better(other, best)) best = std::move(other);
    }
    return best;
  }

  bool within_budgets(const Selection& s) const {
    return s.ram_bytes <= goal_.ram_bytes.value_or(kNoLimit) &&
           (!goal_.flash_bytes || s.flash_bytes <= static_cast<uint64_t>(*goal_.flash_bytes));
  }

  const ir::Graph& graph_;
  const std::string& prefix_;
  const target::Target& target_;
  const Choose& choose_;
  const Goal& goal_;
};

}  // namespace

namespace {

/// With the fastest kernels; concatenations are taken apart where that takes less RAM, for it costs nothing else.
Network fastest_network(ir::Graph graph, const std::string& prefix, const target::Target& target,
                        const Choose& choose) {
  const std::optional<ir::Graph> apart = apart_for_ram(graph);
  Network network = make_network(std::move(graph), prefix, target, choose);
  if (!apart) return network;
  Network other = make_network(*apart, prefix, target, choose);
  return plan_arena(other).bytes() < plan_arena(network).bytes() ? std::move(other) : std::move(network);
}

}  // namespace

Network make_network(ir::Graph graph, const std::string& prefix, const target::Target& target, const Choose& choose,
                     const Goal& goal, const std::string& model) {
  if (goal.is_speed_alone()) return fastest_network(std::move(graph), prefix, target, choose);
  const Optimizer optimizer(graph, prefix, target, choose, goal);
  Solution solution = optimizer.best();
  if (const std::optional<ir::Graph> apart = apart_for_ram(graph)) {
    Solution other = Optimizer(*apart, prefix, target, choose, goal).best();
    if (optimizer.is_better(other.selection, solution.selection)) solution = std::move(other);
  }
  const auto require = [&](const char* memory, int64_t needed, std::optional<int64_t> budget, const char* option) {
    if (!budget || needed <= *budget) return;
    throw InputError(model, fmt::format("needs {} bytes of {} at least, and {} allows {}: {} bytes too many", needed,
                                        memory, option, *budget, needed - *budget));
  };
  require("RAM for activations and scratch", solution.selection.ram_bytes, goal.ram_bytes, "--ram");
  require("flash for kernels and constants", static_cast<int64_t>(solution.selection.flash_bytes), goal.flash_bytes,
          "--flash");
  Network network{prefix, std::move(solution.form.graph), {}};
  network.flash_bytes = solution.selection.flash_bytes;
  network.kernels.resize(network.graph.operators.size());
  for (size_t t = 0; t < solution.tasks.size(); ++t) {
    const Task& task = solution.tasks[t];
    for (const size_t i : task.operators) network.kernels[i] = task.candidates[solution.selection.picks[t]].kernel;
  }
  return network;
}

}  // namespace mote::deploy
