#include "schedule/modulo.h"

#include <algorithm>
#include <climits>

#include "schedule/colouring.h"
#include "support/random.h"

namespace mote::schedule {
namespace {

constexpr int kTriesPerInterval = 10000;
constexpr int kMostUnroll = 3;

bool older_slot_only(const Rules& rules, Kind kind) {
  return !rules.can_pair(Kind::kAlu, kind);
}

/// The fewest cycles an iteration can take: two slots a cycle, and one of each scarce kind.
int lower_bound(const LoopBody& body, const Rules& rules) {
  int multiplies = 0, loads = 0, older_only = 0;
  for (const LoopOp& op : body.ops) {
    multiplies += op.kind == Kind::kMultiply;
    loads += op.kind == Kind::kLoad;
    older_only += older_slot_only(rules, op.kind);
  }
  const int total = static_cast<int>(body.ops.size());
  return std::max({multiplies, loads, older_only, rules.dual_issue() ? (total + 1) / 2 : total});
}

class Search {
 public:
  Search(const LoopBody& body, const Rules& rules, int registers, int interval)
      : body_(body),
        rules_(rules),
        registers_(registers),
        interval_(interval),
        random_(1),
        users_(static_cast<size_t>(body.values)) {
    for (size_t op = 0; op < body.ops.size(); ++op) {
      for (const ValueUse& use : body.ops[op].uses)
        users_[static_cast<size_t>(use.value)].push_back({static_cast<int>(op), use.role});
    }
  }

  std::optional<ModuloSchedule> run() {
    std::optional<ModuloSchedule> best;
    for (int unroll = 1; unroll <= kMostUnroll; ++unroll) {
      for (int attempt = 0; attempt < kTriesPerInterval; ++attempt) {
        if (!place_all()) continue;
        std::optional<ModuloSchedule> found = allocate(unroll);
        if (!found || (best && score(*found) >= score(*best))) continue;
        best = std::move(found);
        if (!best->free_at_boundary.empty() && best->lookahead <= interval_ / 2 + 3) return best;
      }
      if (best && !best->free_at_boundary.empty()) return best;
    }
    return best;
  }

 private:
  struct User {
    int op;
    Role role;
  };

  static int score(const ModuloSchedule& schedule) {
    return schedule.lookahead + (schedule.free_at_boundary.empty() ? 1000 : 0) + 10 * schedule.unroll;
  }

  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random_.below(i)]);
  }

  int slot(int cycle) const { return ((cycle % interval_) + interval_) % interval_; }

  /// Puts `op` at `cycle`, beside what is there already if the two may pair.
  bool place(int op, int cycle) {
    std::vector<int>& here = cycles_[static_cast<size_t>(slot(cycle))];
    const Kind kind = body_.ops[static_cast<size_t>(op)].kind;
    if (here.size() == 2 || (here.size() == 1 && !rules_.dual_issue())) return false;
    if (here.size() == 1) {
      const Kind other = body_.ops[static_cast<size_t>(here[0])].kind;
      if (rules_.can_pair(other, kind)) {
        here.push_back(op);
      } else if (rules_.can_pair(kind, other)) {
        here.insert(here.begin(), op);
      } else {
        return false;
      }
    } else {
      here.push_back(op);
    }
    time_[static_cast<size_t>(op)] = cycle;
    return true;
  }

  bool place_all() {
    cycles_.assign(static_cast<size_t>(interval_), {});
    time_.assign(body_.ops.size(), INT_MIN);
    if (!place_roots()) return false;
    // Producers, each as soon as all users of its value have a place; in random order.
    std::vector<int> left;
    for (size_t op = 0; op < body_.ops.size(); ++op) {
      if (time_[op] == INT_MIN) left.push_back(static_cast<int>(op));
    }
    shuffle(left);
    while (!left.empty()) {
      const auto ready = std::find_if(left.begin(), left.end(), [&](int op) { return users_placed(op); });
      if (ready == left.end() || !place_producer(*ready)) return false;
      left.erase(ready);
    }
    return true;
  }

  /// The multiply-accumulates, in an order that uses each operand in few neighbouring cycles.
  bool place_roots() {
    std::vector<std::vector<int>> runs = body_.runs;
    if (random_.below(4) == 0) shuffle(runs);
    const bool snake = random_.below(10) < 7;
    std::vector<int> order;
    for (size_t i = 0; i < runs.size(); ++i) {
      if (snake && i % 2 == 1) std::reverse(runs[i].begin(), runs[i].end());
      if (random_.below(5) == 0) shuffle(runs[i]);
      order.insert(order.end(), runs[i].begin(), runs[i].end());
    }
    int gaps = interval_ - static_cast<int>(order.size());
    int cycle = 0;
    for (size_t i = 0; i < order.size(); ++i) {
      const auto cycles_left = static_cast<uint64_t>(interval_ - cycle);
      while (gaps > 0 && random_.below(cycles_left) < static_cast<uint64_t>(gaps)) {
        ++cycle;
        --gaps;
      }
      if (!place(order[i], cycle++)) return false;
    }
    return true;
  }

  bool users_placed(int op) const {
    const int value = body_.ops[static_cast<size_t>(op)].makes;
    const std::vector<User>& users = users_[static_cast<size_t>(value)];
    return std::all_of(users.begin(), users.end(),
                       [&](const User& user) { return time_[static_cast<size_t>(user.op)] != INT_MIN; });
  }

  bool place_producer(int op) {
    const LoopOp& made_by = body_.ops[static_cast<size_t>(op)];
    int latest = INT_MAX;
    for (const User& user : users_[static_cast<size_t>(made_by.makes)]) {
      latest =
          std::min(latest, time_[static_cast<size_t>(user.op)] - std::max(1, rules_.latency(made_by.kind, user.role)));
    }
    int skip = random_.below(10) < 6 ? 0 : static_cast<int>(random_.below(4));
    for (int cycle = latest; cycle > latest - interval_ - skip; --cycle) {
      if (skip > 0 && cycle > latest - interval_ + 1) {
        --skip;
        continue;
      }
      if (place(op, cycle)) return true;
    }
    return false;
  }

  bool is_younger(int op) const {
    const std::vector<int>& here = cycles_[static_cast<size_t>(slot(time_[static_cast<size_t>(op)]))];
    return here.size() == 2 && here[1] == op;
  }
  int position(int op) const { return 2 * time_[static_cast<size_t>(op)] + (is_younger(op) ? 1 : 0); }

  std::optional<ModuloSchedule> allocate(int unroll) const {
    const int period = 2 * interval_;
    std::vector<Arc> arcs(static_cast<size_t>(body_.values));
    int earliest = 0;
    for (size_t op = 0; op < body_.ops.size(); ++op) {
      earliest = std::min(earliest, time_[op]);
      const int value = body_.ops[op].makes;
      if (value < 0) continue;
      Arc& arc = arcs[static_cast<size_t>(value)];
      arc.begin = arc.end = position(static_cast<int>(op));
      for (const User& user : users_[static_cast<size_t>(value)]) arc.end = std::max(arc.end, position(user.op));
    }
    std::vector<Arc> unrolled;
    for (const Arc& arc : arcs) {
      for (int i = 0; i < unroll; ++i) unrolled.push_back({arc.begin + i * period, arc.end + i * period});
    }
    const std::optional<std::vector<int>> colours = colour_arcs(unrolled, period * unroll, registers_);
    if (!colours) return std::nullopt;

    ModuloSchedule schedule{.interval = interval_,
                            .unroll = unroll,
                            .lookahead = -earliest,
                            .time = time_,
                            .younger = {},
                            .registers = {},
                            .free_at_boundary = {}};
    for (size_t op = 0; op < body_.ops.size(); ++op) schedule.younger.push_back(is_younger(static_cast<int>(op)));
    std::vector<bool> busy(static_cast<size_t>(registers_));
    for (size_t value = 0, i = 0; value < arcs.size(); ++value) {
      std::vector<int>& of_value = schedule.registers.emplace_back();
      for (int u = 0; u < unroll; ++u, ++i) {
        of_value.push_back((*colours)[i]);
        // Alive between position -1 and position 0 of the unrolled loop?
        const int whole = period * unroll;
        for (int turn = -2; turn <= 2; ++turn) {
          if (unrolled[i].begin + turn * whole < 0 && unrolled[i].end + turn * whole >= 0)
            busy[static_cast<size_t>((*colours)[i])] = true;
        }
      }
    }
    for (int r = 0; r < registers_; ++r) {
      if (!busy[static_cast<size_t>(r)]) schedule.free_at_boundary.push_back(r);
    }
    return schedule;
  }

  const LoopBody& body_;
  const Rules& rules_;
  const int registers_, interval_;
  Random random_;
  std::vector<std::vector<User>> users_;  // per value
  std::vector<std::vector<int>> cycles_;  // per cycle of the interval, older first
  std::vector<int> time_;
};

}  // namespace

std::optional<ModuloSchedule> modulo_schedule(const LoopBody& body, const Rules& rules, int register_count) {
  const int least = lower_bound(body, rules);
  for (int interval = least; interval <= 3 * least; ++interval) {
    if (std::optional<ModuloSchedule> found = Search(body, rules, register_count, interval).run()) return found;
  }
  return std::nullopt;
}

}  // namespace mote::schedule
