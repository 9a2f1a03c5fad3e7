// First every candidate's need for memory while its operator runs, all else being equal: that is nearly all that
// matters to the peak, because only one operator runs at a time. So the fastest candidates whose need is within the
// limit are taken; a plan of the whole network then tells the truth, and where it is above the limit, the selection
// starts again from small candidates and takes faster ones wherever the plan allows it. What is taken early stands in
// the way of what comes later, so several beginnings and orders are tried.
//
// Where flash is what counts, kernels cost what they do not share with others: the search begins with the best
// combination of an estimate that knows of no sharing, and takes one task after the other from there.

#include "deploy/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <unordered_set>

#include "deploy/views.h"
#include "memory/plan.h"
#include "records/tradeoff.h"

namespace mote::deploy {
namespace {

constexpr memory::Effort kQuick{.hill_climbing = 400'000, .exact = 400'000};
constexpr size_t kMostTrials = 8;  // candidates of one task that are tried in a plan of the whole network

size_t index_of_least(const std::vector<int64_t>& values) {
  return static_cast<size_t>(std::min_element(values.begin(), values.end()) - values.begin());
}

/// How far below an operand the kernel's output may begin.
int64_t least_distance(const Sharing& sharing) {
  int64_t least = std::numeric_limits<int64_t>::max() - 1;
  for (const Sharing::Pair& pair : sharing.pairs) {
    if (pair.upper >= 0 && pair.lower == kOutput) least = std::min(least, pair.distance);
  }
  const bool in_place = std::find(sharing.in_place.begin(), sharing.in_place.end(), true) != sharing.in_place.end();
  return in_place ? 0 : least;
}

/// An operator's operands in memory, as it finds them.
struct Operands {
  std::vector<ir::TensorId> inputs;  // as they are parameters of its kernel; constants are none
  std::vector<bool> in_arena, dying;
};

Operands operands_of(const ir::Graph& graph, const Arena& arena, size_t step) {
  const ir::Operator& op = graph.operators[step];
  Operands operands;
  for (const ir::TensorId id : op.inputs) {
    const bool is_new = std::find(operands.inputs.begin(), operands.inputs.end(), id) == operands.inputs.end();
    if (id == ir::kNoTensor || graph.tensor(id).is_constant() || !is_new) continue;
    operands.inputs.push_back(id);
    const int region = arena.region_of_tensor[static_cast<size_t>(id)];
    operands.in_arena.push_back(region >= 0);
    const std::vector<Part> none;
    const std::vector<Part>& parts = region >= 0 ? arena.regions[static_cast<size_t>(region)].parts : none;
    // What comes to lie in the same place later does not keep it alive.
    operands.dying.push_back(std::none_of(parts.begin(), parts.end(), [&](const Part& part) {
      const int now = static_cast<int>(step);
      return part.tensor != op.output && part.first <= now && part.last > now;
    }));
  }
  return operands;
}

/// Bytes of an operator's operands and its scratch memory, as closely as its kernel lets them lie.
int64_t operand_bytes(const ir::Graph& graph, const ir::Operator& op, const Operands& operands,
                      const Footprint& kernel) {
  memory::Problem problem;
  std::map<int, int> buffer_of;  // by operand that may overlap others
  const auto add = [&](int operand, int64_t bytes, int64_t align, bool may_overlap) {
    if (may_overlap) buffer_of[operand] = static_cast<int>(problem.buffers.size());
    problem.buffers.push_back({bytes, align, 0, 0});
  };
  const int64_t output_bytes = static_cast<int64_t>(graph.tensor(op.output).size_bytes());
  bool in_place = false;
  for (size_t i = 0; i < operands.inputs.size(); ++i) {
    if (!operands.in_arena[i]) continue;
    const int64_t bytes = static_cast<int64_t>(graph.tensor(operands.inputs[i]).size_bytes());
    add(static_cast<int>(i), bytes, 4, operands.dying[i]);
    in_place = in_place || (operands.dying[i] && kernel.sharing.in_place.at(i) && bytes == output_bytes);
  }
  if (!in_place) add(kOutput, output_bytes, 4, true);
  if (kernel.scratch_bytes > 0) add(kScratch, kernel.scratch_bytes, kernel.alignment, true);
  for (const Sharing::Pair& pair : kernel.sharing.pairs) {
    if (buffer_of.count(pair.upper) > 0 && buffer_of.count(pair.lower) > 0)
      problem.overlaps.push_back({buffer_of.at(pair.upper), buffer_of.at(pair.lower), pair.distance});
  }
  return memory::plan(problem, kQuick).peak_bytes;
}

/// Bytes that live during `step` and that its operator has nothing to do with.
int64_t untouched_bytes(const ir::Graph& graph, const Arena& arena, size_t step, const Operands& operands) {
  int64_t bytes = 0, touched = 0;
  const ir::TensorId output = graph.operators[step].output;
  for (const Region& region : arena.regions) {
    for (const Part& part : region.parts) {
      const bool is_live = part.first <= static_cast<int>(step) && static_cast<int>(step) <= part.last;
      const bool is_operand =
          part.tensor == ir::kNoTensor || part.tensor == output ||
          std::find(operands.inputs.begin(), operands.inputs.end(), part.tensor) != operands.inputs.end();
      if (is_live && !is_operand) bytes += part.size;
    }
  }
  // Views of one tensor were counted once each: what lives in all is a limit.
  for (const ir::TensorId id : operands.inputs) touched += static_cast<int64_t>(graph.tensor(id).size_bytes());
  return std::min(bytes, std::max<int64_t>(0, arena.live_bytes(step) - touched));
}

}  // namespace

Selector::Selector(const ir::Graph& graph, const std::vector<Task>& tasks)
    : graph_(graph), tasks_(tasks), needs_(tasks.size()) {
  const Arena arena = lay_out(graph_, footprints_of(Picks(tasks.size(), 0)));
  for (size_t t = 0; t < tasks.size(); ++t) {
    needs_[t].assign(tasks[t].candidates.size(), 0);
    std::map<std::vector<bool>, std::vector<int64_t>> known;  // operand_bytes() by which operands die
    for (const size_t step : tasks[t].operators) {
      const Operands operands = operands_of(graph, arena, step);
      const int64_t others = untouched_bytes(graph, arena, step, operands);
      std::vector<int64_t>& bytes = known[operands.dying];
      for (size_t k = 0; k < needs_[t].size(); ++k) {
        if (bytes.size() == k)
          bytes.push_back(
              operand_bytes(graph, graph.operators[step], operands, tasks[t].candidates[k].kernel.footprint));
        needs_[t][k] = std::max(needs_[t][k], bytes[k] + others);
      }
    }
  }
  small_ = find_small();
}

/// Two candidates for the least: the least needs; and, of what is within the neediest task's least need, the kernels
/// that write their outputs most closely behind what they read, because such distances add up along a chain of
/// operators.
std::vector<Selector::Picks> Selector::find_small() const {
  Picks by_need, by_distance;
  int64_t bound = 0;
  for (const std::vector<int64_t>& needs : needs_) {
    by_need.push_back(index_of_least(needs));
    bound = std::max(bound, needs[by_need.back()]);
  }
  for (size_t t = 0; t < tasks_.size(); ++t) {
    std::vector<std::pair<int64_t, int64_t>> costs;  // distance, need
    for (size_t k = 0; k < needs_[t].size(); ++k) {
      const int64_t distance = least_distance(tasks_[t].candidates[k].kernel.footprint.sharing);
      costs.emplace_back(needs_[t][k] <= bound ? distance : std::numeric_limits<int64_t>::max(), needs_[t][k]);
    }
    by_distance.push_back(static_cast<size_t>(std::min_element(costs.begin(), costs.end()) - costs.begin()));
  }
  if (peak_of(by_distance) < peak_of(by_need)) std::swap(by_need, by_distance);
  return {by_need, by_distance};
}

Selection Selector::fastest_within(int64_t ram_bytes, std::optional<int64_t> flash_bytes, bool least_flash) const {
  if (flash_bytes || least_flash) {
    return smallest_first(std::max(ram_bytes, least_ram()), least_flash ? std::nullopt : flash_bytes);
  }
  const Picks wanted = pick_fastest(ram_bytes);
  if (fits(wanted, ram_bytes)) return selection(wanted);
  std::vector<Picks> beginnings = small_;
  for (const int64_t parts : {31, 30, 29, 28, 26, 24}) {
    Picks less = pick_fastest(ram_bytes / 32 * parts);
    if (!fits(less, ram_bytes)) continue;
    beginnings.push_back(std::move(less));
    break;
  }
  Selection best = selection(small_.front());
  for (const Picks& picks : beginnings) {
    if (!fits(picks, ram_bytes)) continue;
    for (const bool by_gain : {true, false}) {
      Selection other = improved(picks, wanted, ram_bytes, by_gain, by_gain);
      if (other.cycles < best.cycles) best = std::move(other);
    }
  }
  return best;
}

/// `picks` with faster candidates (see improve()), of the tasks that gain most first or in the order they run in.
Selection Selector::improved(Picks picks, const Picks& wanted, int64_t limit, bool by_gain, bool any) const {
  std::vector<std::pair<int64_t, size_t>> order;  // what is lost by waiting, task
  for (size_t t = 0; t < tasks_.size(); ++t) {
    order.emplace_back(by_gain ? cycles_of(t, wanted[t]) - cycles_of(t, picks[t]) : 0, t);
  }
  std::sort(order.begin(), order.end());
  for (const auto& [loss, t] : order) improve(picks, t, wanted[t], limit, any);
  return selection(std::move(picks));
}

Selection Selector::selection(Picks picks) const {
  Selection selection;
  const memory::Plan plan = memory::plan(lay_out(graph_, footprints_of(picks)).problem, kQuick);
  selection.ram_bytes = plan.peak_bytes;
  selection.bound_bytes = plan.lower_bound_bytes;
  selection.flash_bytes = flash_of(picks);
  for (size_t t = 0; t < tasks_.size(); ++t) {
    selection.cycles += static_cast<uint64_t>(cycles_of(t, picks[t]));
  }
  selection.picks = std::move(picks);
  return selection;
}

int64_t Selector::cycles_of(size_t task, size_t candidate) const {
  return static_cast<int64_t>(tasks_[task].candidates[candidate].cycles * tasks_[task].operators.size());
}

/// Gives the task the fastest candidate that the plan has room for: `wanted`, or, if `any`, another one.
void Selector::improve(Picks& picks, size_t task, size_t wanted, int64_t limit, bool any) const {
  std::vector<size_t> better = {wanted};
  for (size_t k = 0; any && k < tasks_[task].candidates.size(); ++k) {
    if (k != wanted && needs_[task][k] <= limit) better.push_back(k);
  }
  std::erase_if(better, [&](size_t k) { return cycles_of(task, k) >= cycles_of(task, picks[task]); });
  std::stable_sort(better.begin(), better.end(),
                   [&](size_t a, size_t b) { return cycles_of(task, a) < cycles_of(task, b); });
  better.resize(std::min(better.size(), kMostTrials));
  for (const size_t k : better) {
    Picks trial = picks;
    trial[task] = k;
    if (!fits(trial, limit)) continue;
    picks = std::move(trial);
    return;
  }
}

Footprints Selector::footprints_of(const Picks& picks) const {
  Footprints footprints(graph_.operators.size());
  for (size_t t = 0; t < tasks_.size(); ++t) {
    for (const size_t step : tasks_[t].operators) footprints[step] = tasks_[t].candidates[picks[t]].kernel.footprint;
  }
  return footprints;
}

int64_t Selector::peak_of(const Picks& picks) const {
  return memory::plan(lay_out(graph_, footprints_of(picks)).problem, kQuick).peak_bytes;
}

/// Whether a plan with `picks` keeps to `limit`: mostly the quickest plan, or the bound, tells.
bool Selector::fits(const Picks& picks, int64_t limit) const {
  const memory::Problem problem = lay_out(graph_, footprints_of(picks)).problem;
  const memory::Plan greedy = memory::plan(problem, {.hill_climbing = 0, .exact = 0});
  if (greedy.peak_bytes <= limit || greedy.lower_bound_bytes > limit) return greedy.peak_bytes <= limit;
  return memory::plan(problem, kQuick).peak_bytes <= limit;
}

/// By task, the candidates whose need is within `limit`, or the one with the least.
std::vector<std::vector<size_t>> Selector::allowed_within(int64_t limit) const {
  std::vector<std::vector<size_t>> allowed(tasks_.size());
  for (size_t t = 0; t < tasks_.size(); ++t) {
    for (size_t k = 0; k < needs_[t].size(); ++k) {
      if (needs_[t][k] <= limit) allowed[t].push_back(k);
    }
    if (allowed[t].empty()) allowed[t].push_back(index_of_least(needs_[t]));
  }
  return allowed;
}

Selector::Picks Selector::pick_fastest(int64_t limit) const {
  Picks picks;
  for (const std::vector<size_t>& allowed : allowed_within(limit)) {
    const size_t t = picks.size();
    picks.push_back(*std::min_element(allowed.begin(), allowed.end(),
                                      [&](size_t a, size_t b) { return cycles_of(t, a) < cycles_of(t, b); }));
  }
  return picks;
}

uint64_t Selector::flash_of(const Picks& picks) const {
  uint64_t bytes = 0;
  std::unordered_set<uint64_t> counted;
  for (size_t t = 0; t < tasks_.size(); ++t) {
    for (const Piece& piece : tasks_[t].candidates[picks[t]].pieces) {
      if (counted.insert(piece.identity).second) bytes += piece.bytes;
    }
  }
  return bytes;
}

/// What is to be as small as possible: the bytes beyond the budget, or without one all of them; then the cycles.
Selector::Cost Selector::cost_of(const Picks& picks, std::optional<int64_t> flash) const {
  const uint64_t bytes = flash_of(picks), budget = static_cast<uint64_t>(flash.value_or(0));
  int64_t cycles = 0;
  for (size_t t = 0; t < tasks_.size(); ++t) cycles += cycles_of(t, picks[t]);
  return {bytes > budget ? bytes - budget : 0, cycles};
}

/// The fastest combinations of their size when nothing was shared are where the search begins; because much is, those
/// of larger sizes may keep the budget, too.
Selection Selector::smallest_first(int64_t limit, std::optional<int64_t> flash) const {
  constexpr size_t kSizes = 24;
  const std::vector<std::vector<size_t>> allowed = allowed_within(limit);
  std::vector<std::vector<records::Option>> groups;
  for (size_t t = 0; t < tasks_.size(); ++t) {
    std::vector<records::Option>& group = groups.emplace_back();
    for (const size_t k : allowed[t])
      group.push_back({static_cast<uint64_t>(cycles_of(t, k)), bytes_of(tasks_[t].candidates[k].pieces)});
  }
  if (groups.empty()) return selection({});
  const records::Tradeoff tradeoff(groups);
  const auto combination = [&](size_t total) {
    Picks picks = tradeoff.choice(total);
    for (size_t t = 0; t < picks.size(); ++t) picks[t] = allowed[t][picks[t]];
    return picks;
  };
  const size_t last = tradeoff.totals().size() - 1;
  Picks wanted = combination(0);
  for (size_t i = 1; flash && i <= kSizes; ++i) {
    Picks picks = combination(last * i / kSizes);
    if (cost_of(picks, flash) < cost_of(wanted, flash)) wanted = std::move(picks);
  }
  Picks picks = within_ram(wanted, limit);
  descend(picks, limit, flash);
  return selection(std::move(picks));
}

/// As much of `wanted` as the plan has room for.
Selector::Picks Selector::within_ram(const Picks& wanted, int64_t limit) const {
  if (fits(wanted, limit)) return wanted;
  Picks picks = small_.front();
  for (size_t t = 0; t < tasks_.size(); ++t) {
    Picks trial = picks;
    trial[t] = wanted[t];
    if (trial[t] != picks[t] && fits(trial, limit)) picks = std::move(trial);
  }
  return picks;
}

/// Takes other candidates, one at a time, as long as one costs less and the plan has room for it.
void Selector::descend(Picks& picks, int64_t limit, std::optional<int64_t> flash) const {
  for (bool any = true; any;) {
    any = false;
    for (size_t t = 0; t < tasks_.size(); ++t) {
      std::vector<std::pair<Cost, size_t>> better;
      Picks trial = picks;
      const Cost now = cost_of(picks, flash);
      for (trial[t] = 0; trial[t] < tasks_[t].candidates.size(); ++trial[t]) {
        if (needs_[t][trial[t]] > limit) continue;
        if (const Cost cost = cost_of(trial, flash); cost < now) better.emplace_back(cost, trial[t]);
      }
      std::sort(better.begin(), better.end());
      better.resize(std::min(better.size(), kMostTrials));
      for (const auto& [cost, candidate] : better) {
        trial[t] = candidate;
        if (!fits(trial, limit)) continue;
        picks = trial;
        any = true;
        break;
      }
    }
  }
}

std::vector<Task> tasks_of(const passes::Streamed& form, const ir::Graph& before, const std::string& prefix,
                           const target::Target& target, const Choose& choose, Offer offer) {
  const Views views = views_of(form.graph);
  std::vector<Task> tasks;
  std::map<std::string, size_t> task_of;  // by what equal parts have in common
  for (size_t i = 0; i < form.graph.operators.size(); ++i) {
    if (views.takes_no_code[i]) continue;
    const kernels::Workload workload = kernels::make_workload(form.graph, form.graph.operators[i]);
    const passes::Origin& origin = form.origins[i];
    const std::string key =
        origin.is_part() ? fmt::format("{} {}", origin.op, workload.key) : fmt::format("alone {}", i);
    const auto [found, is_new] = task_of.emplace(key, tasks.size());
    if (is_new) {
      const std::string function = function_of(prefix, form.graph, i);
      tasks.emplace_back();
      tasks.back().candidates =
          origin.is_part() && origin.op >= 0
              ? candidates_of_part(workload,
                                   kernels::make_workload(before, before.operators[static_cast<size_t>(origin.op)]),
                                   origin.part, origin.of, target, choose, function, offer)
              : candidates_of(workload, target, choose, function, offer);
    }
    tasks[found->second].operators.push_back(i);
  }
  return tasks;
}

}  // namespace mote::deploy
