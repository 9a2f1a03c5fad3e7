#include "schedule/list.h"

#include <algorithm>
#include <array>
#include <optional>

#include "support/random.h"

namespace mote::schedule {
namespace {

constexpr int kRegisters = 64;
constexpr size_t kWindow = 48;      // instructions looked at, in program order
constexpr size_t kCandidates = 10;  // of those, how many are tried as the older of a pair

/// Cycles from `producer` to `consumer` on account of `reg`.
int distance(const Rules& rules, const Instruction& producer, const Use& use) {
  const bool result = std::find(producer.writes.begin(), producer.writes.end(), use.reg) != producer.writes.end();
  return rules.latency(result ? producer.kind : Kind::kStore, use.role);  // a written-back base counts as a store's
}

struct Edge {
  size_t from;
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
  Scheduler(const std::vector<Instruction>& code, const Rules& rules)
      : code_(code), rules_(rules), edges_(dependences(code, rules)), height_(code.size()) {
    for (size_t i = code.size(); i-- > 0;) {
      for (const Edge& edge : edges_[i])
        height_[edge.from] = std::max(height_[edge.from], height_[i] + std::max(1, edge.cycles));
    }
  }

  struct Result {
    std::vector<size_t> order;
    int cycles = 0;
  };

  Result run(Random* random, double noise, size_t window) {
    std::vector<double> priority(code_.size());
    for (size_t i = 0; i < code_.size(); ++i) {
      priority[i] = height_[i] - 0.05 * static_cast<double>(i) + (random ? noise * (2 * random->unit() - 1) : 0);
    }
    time_.assign(code_.size(), -1);
    score_.assign(code_.size(), 0);
    Result result;
    std::vector<size_t> left(code_.size());
    for (size_t i = 0; i < left.size(); ++i) left[i] = i;
    int cycle = 0;
    for (; !left.empty(); ++cycle) {
      left_end_ = std::min(window, left.size());
      issue_one_cycle(left, cycle, priority, result.order);
    }
    result.cycles = cycle;
    return result;
  }

 private:
  bool ready(size_t i, int cycle) const {
    return std::all_of(edges_[i].begin(), edges_[i].end(), [&](const Edge& edge) {
      return time_[edge.from] >= 0 && time_[edge.from] + edge.cycles <= cycle;
    });
  }

  void issue_one_cycle(std::vector<size_t>& left, int cycle, const std::vector<double>& priority,
                       std::vector<size_t>& order) {
    const std::vector<size_t> window(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(left_end_));
    int extends = 0, multiplies = 0;
    std::vector<size_t> candidates;
    for (size_t i : window) {
      extends += !rules_.can_pair(Kind::kAlu, code_[i].kind);
      multiplies += code_[i].kind == Kind::kMultiply;
      if (ready(i, cycle)) candidates.push_back(i);
    }
    if (candidates.empty()) return;
    // The scarcer resource of what is left goes first.
    for (size_t i : window) {
      const bool older_only = !rules_.can_pair(Kind::kAlu, code_[i].kind);
      const bool multiply = code_[i].kind == Kind::kMultiply;
      score_[i] =
          priority[i] + (multiply && multiplies >= extends ? 3 : 0) + (older_only && extends > multiplies ? 3 : 0);
    }
    std::sort(candidates.begin(), candidates.end(), [&](size_t a, size_t b) { return score_[a] > score_[b]; });
    if (candidates.size() > kCandidates) candidates.resize(kCandidates);

    double best = -1e9;
    size_t best_older = candidates[0];
    std::optional<size_t> best_younger;
    for (size_t older : candidates) {
      time_[older] = cycle;  // the younger one may use it, or overwrite what it reads
      double here = score_[older];
      std::optional<size_t> younger;
      for (size_t i : window) {
        if (i == older || time_[i] >= 0 || !rules_.can_pair(code_[older].kind, code_[i].kind) || !ready(i, cycle))
          continue;
        const double both = score_[older] + score_[i] + 5;
        if (!younger || both > here) {
          here = both;
          younger = i;
        }
      }
      time_[older] = -1;
      if (here > best) {
        best = here;
        best_older = older;
        best_younger = younger;
      }
    }
    for (std::optional<size_t> issued : {std::optional<size_t>(best_older), best_younger}) {
      if (!issued) continue;
      time_[*issued] = cycle;
      order.push_back(*issued);
      left.erase(std::find(left.begin(), left.end(), *issued));
    }
  }

  const std::vector<Instruction>& code_;
  const Rules& rules_;
  std::vector<std::vector<Edge>> edges_;
  std::vector<int> height_;  // cycles from the issue of an instruction to the end of the code
  std::vector<int> time_;
  std::vector<double> score_;  // of those in the window, this cycle
  size_t left_end_ = 0;
};

}  // namespace

std::vector<Instruction> list_schedule(const std::vector<Instruction>& code, const Rules& rules, int tries) {
  if (!rules.dual_issue() || code.empty()) return code;
  Scheduler scheduler(code, rules);
  Scheduler::Result best = scheduler.run(nullptr, 0, kWindow);
  Random random(1);
  for (int i = 0; i < tries; ++i) {
    const size_t window = kWindow / 2 << random.below(3);
    Scheduler::Result found = scheduler.run(&random, 4 * random.unit(), window);
    if (found.cycles < best.cycles) best = std::move(found);
  }
  std::vector<Instruction> ordered;
  for (size_t i : best.order) ordered.push_back(code[i]);
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
