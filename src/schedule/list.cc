#include "schedule/list.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <span>

#include "support/random.h"

namespace mote::schedule {
namespace {

constexpr int kRegisters = 64;
constexpr size_t kWindow = 48;      // instructions looked at, in program order
constexpr size_t kCandidates = 10;  // of those, how many are tried as the older of a pair
constexpr double kPairing = 5;      // what filling both slots of a cycle is worth

/// Cycles from `producer` to `consumer` on account of `reg`.
int distance(const Rules& rules, const Instruction& producer, const Use& use) {
  const bool result = std::find(producer.writes.begin(), producer.writes.end(), use.reg) != producer.writes.end();
  return rules.latency(result ? producer.kind : Kind::kStore, use.role);  // a written-back base counts as a store's
}

struct Edge {
  size_t from;
  int cycles;
};
struct LaterEdge {
  size_t to;
  int cycles;
};

/// Dependences of each instruction on earlier ones.
std::vector<std::vector<Edge>> dependences(const std::vector<Instruction>& code, const Rules& rules) {
  std::vector<std::vector<Edge>> edges(code.size());
  std::array<std::optional<size_t>, kRegisters> writer;
  std::array<std::vector<size_t>, kRegisters> readers;
  std::optional<size_t> last_store;
  for (size_t i = 0; i < code.size(); ++i) {
    for (const Use& use : code[i].reads) {
      const auto reg = static_cast<size_t>(use.reg);
      if (writer[reg]) edges[i].push_back({*writer[reg], distance(rules, code[*writer[reg]], use)});
    }
    std::vector<Reg> writes = code[i].writes;
    if (code[i].writeback >= 0) writes.push_back(code[i].writeback);
    for (Reg written : writes) {
      const auto reg = static_cast<size_t>(written);
      for (size_t reader : readers[reg]) edges[i].push_back({reader, 0});
      if (writer[reg]) edges[i].push_back({*writer[reg], 1});
    }
    if (code[i].kind == Kind::kStore || code[i].kind == Kind::kFpStoreMultiple) {
      if (last_store) edges[i].push_back({*last_store, 0});
      last_store = i;
    }
    for (const Use& use : code[i].reads) readers[static_cast<size_t>(use.reg)].push_back(i);
    for (Reg written : writes) {
      writer[static_cast<size_t>(written)] = i;
      readers[static_cast<size_t>(written)].clear();
    }
  }
  return edges;
}

class Scheduler {
 public:
  Scheduler(const std::vector<Instruction>& code, const Rules& rules, const std::vector<std::vector<Edge>>& earlier)
      : code_(code), rules_(rules), later_(code.size()), edges_(code.size()), height_(code.size()) {
    std::vector<int> path(code.size(), 1);  // cycles from its issue to the end, at least
    for (size_t i = code.size(); i-- > 0;) {
      edges_[i] = earlier[i].size();
      for (const Edge& edge : earlier[i]) {
        later_[edge.from].push_back({i, edge.cycles});
        height_[edge.from] = std::max(height_[edge.from], height_[i] + std::max(1, edge.cycles));
        path[edge.from] = std::max(path[edge.from], path[i] + edge.cycles);
      }
      least_ = std::max(least_, path[i]);
    }
    std::array<int, kKinds> alone{};
    for (const Instruction& insn : code) {
      older_only_.push_back(!rules.can_pair(Kind::kAlu, insn.kind));
      int& of_kind = alone[static_cast<size_t>(insn.kind)];
      of_kind += rules.can_pair(insn.kind, insn.kind) ? 0 : 1;
      least_ = std::max(least_, of_kind);
    }
    least_ = std::max(least_, cycles_of(code.size()));
  }

  struct Result {
    std::vector<size_t> order;
    int cycles = 0;
  };

  /// No order takes fewer cycles.
  int least() const { return least_; }

  /// Nothing when it comes out that the order takes `enough` cycles or more.
  std::optional<Result> run(Random* random, double noise, size_t window, int enough) {
    std::vector<double> priority(code_.size());
    for (size_t i = 0; i < code_.size(); ++i) {
      priority[i] = height_[i] - 0.05 * static_cast<double>(i) + (random ? noise * (2 * random->unit() - 1) : 0);
    }
    open_ = edges_;
    earliest_.assign(code_.size(), 0);
    released_.assign(code_.size(), 0);
    score_.assign(code_.size(), 0);
    Result result;
    left_.resize(code_.size());
    for (size_t i = 0; i < left_.size(); ++i) left_[i] = i;
    int cycle = 0;
    for (; !left_.empty(); ++cycle) {
      if (cycle + cycles_of(left_.size()) >= enough) return std::nullopt;
      issue_one_cycle(std::min(window, left_.size()), cycle, priority, result.order);
    }
    result.cycles = cycle;
    return result;
  }

 private:
  static int cycles_of(size_t instructions) { return static_cast<int>((instructions + 1) / 2); }

  bool ready(size_t i, int cycle) const { return open_[i] == released_[i] && earliest_[i] <= cycle; }

  void issue_one_cycle(size_t window, int cycle, const std::vector<double>& priority, std::vector<size_t>& order) {
    const std::span<const size_t> visible(left_.data(), window);
    int extends = 0, multiplies = 0;
    std::vector<size_t>& candidates = candidates_;
    candidates.clear();
    for (size_t i : visible) {
      extends += older_only_[i];
      multiplies += code_[i].kind == Kind::kMultiply;
      if (ready(i, cycle)) candidates.push_back(i);
    }
    if (candidates.empty()) return;
    // The scarcer resource of what is left goes first.
    for (size_t i : visible) {
      const bool multiply = code_[i].kind == Kind::kMultiply;
      score_[i] =
          priority[i] + (multiply && multiplies >= extends ? 3 : 0) + (older_only_[i] && extends > multiplies ? 3 : 0);
    }
    std::sort(candidates.begin(), candidates.end(), [&](size_t a, size_t b) { return score_[a] > score_[b]; });
    if (candidates.size() > kCandidates) candidates.resize(kCandidates);

    double best = -1e9;
    size_t best_older = candidates[0];
    std::optional<size_t> best_younger;
    for (size_t older : candidates) {
      const std::optional<size_t> younger = best_younger_of(older, visible, cycle);
      const double here = younger ? score_[older] + score_[*younger] + kPairing : score_[older];
      if (here > best) {
        best = here;
        best_older = older;
        best_younger = younger;
      }
    }
    for (std::optional<size_t> issued : {std::optional<size_t>(best_older), best_younger}) {
      if (!issued) continue;
      for (const LaterEdge& edge : later_[*issued]) {
        open_[edge.to] -= 1;
        earliest_[edge.to] = std::max(earliest_[edge.to], cycle + edge.cycles);
      }
      order.push_back(*issued);
      left_.erase(std::find(left_.begin(), left_.end(), *issued));
    }
  }

  /// The best that can issue in the same cycle: it may use the older one's result, or overwrite what that reads.
  std::optional<size_t> best_younger_of(size_t older, std::span<const size_t> visible, int cycle) {
    for (const LaterEdge& edge : later_[older]) released_[edge.to] += edge.cycles == 0 ? 1 : 0;
    std::optional<size_t> younger;
    double best = 0;
    for (size_t i : visible) {
      if (!ready(i, cycle) || i == older || !rules_.can_pair(code_[older].kind, code_[i].kind)) continue;
      const double both = score_[older] + score_[i] + kPairing;
      if (younger && both <= best) continue;
      best = both;
      younger = i;
    }
    for (const LaterEdge& edge : later_[older]) released_[edge.to] = 0;
    return younger;
  }

  const std::vector<Instruction>& code_;
  const Rules& rules_;
  std::vector<std::vector<LaterEdge>> later_;  // dependences on each instruction
  std::vector<size_t> edges_;                  // of each instruction on earlier ones
  std::vector<int> height_;                    // cycles from the issue of an instruction to the end of the code
  std::vector<bool> older_only_;
  int least_ = 0;

  // Of one run.
  std::vector<size_t> left_;      // in program order
  std::vector<size_t> open_;      // dependences on what is left
  std::vector<size_t> released_;  // of these, on the older of the pair that is looked at, and kept by it
  std::vector<int> earliest_;     // the first cycle that the other dependences allow
  std::vector<double> score_;     // of those in the window, this cycle
  std::vector<size_t> candidates_;
};

std::vector<size_t> best_order(Scheduler& scheduler, int tries) {
  Scheduler::Result best = *scheduler.run(nullptr, 0, kWindow, std::numeric_limits<int>::max());
  Random random(1);
  for (int i = 0; i < tries && best.cycles > scheduler.least(); ++i) {
    const size_t window = kWindow / 2 << random.below(3);
    std::optional<Scheduler::Result> found = scheduler.run(&random, 4 * random.unit(), window, best.cycles);
    if (found) best = std::move(*found);
  }
  return std::move(best.order);
}

/// All that an order depends on: two codes of one problem differ in their registers and offsets only.
using Problem = std::vector<uint32_t>;

Problem problem_of(const std::vector<Instruction>& code, const std::vector<std::vector<Edge>>& earlier,
                   const Rules& rules, int tries) {
  static_assert(kKinds <= 32);
  Problem problem{static_cast<uint32_t>(tries)};
  for (size_t older = 0; older < kKinds; ++older) {
    uint32_t pairs = 0;
    for (size_t younger = 0; younger < kKinds; ++younger) {
      pairs = 2 * pairs + rules.can_pair(static_cast<Kind>(older), static_cast<Kind>(younger));
    }
    problem.push_back(pairs);
  }
  for (size_t i = 0; i < code.size(); ++i) {
    problem.push_back(static_cast<uint32_t>(code[i].kind));
    problem.push_back(static_cast<uint32_t>(earlier[i].size()));
    for (const Edge& edge : earlier[i]) {
      problem.push_back(static_cast<uint32_t>(edge.from));
      problem.push_back(static_cast<uint32_t>(edge.cycles));
    }
  }
  return problem;
}

/// Orders found before. Tuners lower the same inner loops again and again, from several threads.
class Orders {
 public:
  std::optional<std::vector<size_t>> find(const Problem& problem) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto known = orders_.find(problem);
    return known == orders_.end() ? std::nullopt : std::optional(known->second);
  }
  void keep(Problem problem, const std::vector<size_t>& order) {
    constexpr size_t kMost = 1000;  // a few kilobytes each
    const std::lock_guard<std::mutex> lock(mutex_);
    if (orders_.size() >= kMost) orders_.clear();
    orders_.emplace(std::move(problem), order);
  }

 private:
  std::mutex mutex_;
  std::map<Problem, std::vector<size_t>> orders_;
};

}  // namespace

std::vector<Instruction> list_schedule(const std::vector<Instruction>& code, const Rules& rules, int tries) {
  if (!rules.dual_issue() || code.empty()) return code;
  static Orders orders;
  const std::vector<std::vector<Edge>> earlier = dependences(code, rules);
  Problem problem = problem_of(code, earlier, rules, tries);
  std::optional<std::vector<size_t>> order = orders.find(problem);
  if (!order) {
    Scheduler scheduler(code, rules, earlier);
    order = best_order(scheduler, tries);
    orders.keep(std::move(problem), *order);
  }
  std::vector<Instruction> ordered;
  for (size_t i : *order) ordered.push_back(code[i]);
  return ordered;
}

int estimate_cycles(const std::vector<Instruction>& code, const Rules& rules) {
  const std::vector<std::vector<Edge>> edges = dependences(code, rules);
  std::vector<int> time(code.size());
  int cycle = -1;
  bool slot_free = false;
  for (size_t i = 0; i < code.size(); ++i) {
    int earliest = std::max(cycle, 0);
    for (const Edge& edge : edges[i]) earliest = std::max(earliest, time[edge.from] + edge.cycles);
    const bool pairs = slot_free && earliest == cycle && rules.can_pair(code[i - 1].kind, code[i].kind);
    if (pairs) {
      slot_free = false;
    } else {
      cycle = std::max(earliest, cycle + 1);
      slot_free = rules.dual_issue();
    }
    time[i] = cycle;
  }
  return cycle + 1;
}

}  // namespace mote::schedule
