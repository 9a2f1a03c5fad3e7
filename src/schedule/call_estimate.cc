#include "schedule/call_estimate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace mote::schedule {
namespace {

using Effect = AssemblyLine::Effect;
using Condition = AssemblyLine::Condition;

constexpr size_t kRegisters = 64;
constexpr int kMostInstructions = 30'000;

/// Where a function stands: what is known of its registers and its stack, and the cost so far.
struct State {
  std::array<std::optional<int64_t>, kRegisters> registers{};
  std::map<int64_t, std::optional<int64_t>> stack{};  // words, by address; the stack pointer begins at 0
  std::optional<int64_t> flags{};                     // what was last compared with 0
  CallEstimate cost{};
};

bool holds(Condition condition, int64_t difference) {
  switch (condition) {
    case Condition::kAlways:
      return true;
    case Condition::kEqual:
      return difference == 0;
    case Condition::kNotEqual:
      return difference != 0;
    case Condition::kLess:
      return difference < 0;
    case Condition::kLessEqual:
      return difference <= 0;
    case Condition::kGreater:
      return difference > 0;
    case Condition::kGreaterEqual:
      return difference >= 0;
  }
  return false;
}

/// An integer that is known; not when it is too large to be anything real.
std::optional<int64_t> sane(__int128 value) {
  constexpr int64_t kMost = int64_t{1} << 60;
  if (value > kMost || value < -kMost) return std::nullopt;
  return static_cast<int64_t>(value);
}

/// `now` after `times` more rounds like the one that led to it from `before`.
std::optional<int64_t> later(const std::optional<int64_t>& before, const std::optional<int64_t>& now, int64_t times) {
  if (!before || !now) return now;
  return sane(*now + static_cast<__int128>(times) * (*now - *before));
}

/// How often a branch is still taken whose difference is `now` and was `before` a round ago.
int64_t rounds_left(Condition condition, int64_t before, int64_t now) {
  const int64_t step = now - before;
  if (step == 0 || (now > 0) == (step > 0)) return 0;
  const int64_t size = std::abs(now), by = std::abs(step);
  switch (condition) {
    case Condition::kNotEqual:
      return size % by == 0 ? size / by : 0;
    case Condition::kGreater:
    case Condition::kLess:
      return (size + by - 1) / by;
    case Condition::kGreaterEqual:
    case Condition::kLessEqual:
      return size / by + 1;
    default:
      return 0;
  }
}

class Run {
 public:
  Run(const std::vector<AssemblyLine>& code, const Rules& rules, int taken, int load_wait)
      : code_(code), rules_(rules), taken_(taken), load_wait_(load_wait) {}

  CallEstimate run(const std::vector<int64_t>& arguments) {
    now_.registers[kSp] = 0;
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (i < 4)
        now_.registers[i] = sane(arguments[i]);
      else
        now_.stack[static_cast<int64_t>(i - 4) * 4] = sane(arguments[i]);
    }
    size_t at = 0;
    for (int steps = 0; steps < kMostInstructions && at < code_.size(); ++steps) {
      const AssemblyLine& line = code_[at];
      issue(line.instruction);
      if (line.effect == Effect::kReturn) break;
      at = line.effect == Effect::kBranch ? after_branch(at, line) : at + 1;
      if (line.effect != Effect::kBranch) apply(line);
    }
    now_.cost.cycles = skipped_ + clock_ + 1;
    return now_.cost;
  }

 private:
  /// As estimate_cycles() of list.h, one instruction after another.
  void issue(const Instruction& insn) {
    const bool load = insn.kind == Kind::kLoad || insn.kind == Kind::kLoadNarrow;
    const bool store = insn.kind == Kind::kStore;
    int64_t earliest = std::max<int64_t>(clock_, 0);
    for (const Use& use : insn.reads) {
      const Written& made = written_[static_cast<size_t>(use.reg)];
      if (made.time >= 0) earliest = std::max(earliest, made.time + rules_.latency(made.kind, use.role));
    }
    if (slot_free_ && earliest == clock_ && rules_.can_pair(last_, insn.kind)) {
      slot_free_ = false;
    } else {
      clock_ = std::max(earliest, clock_ + 1);
      slot_free_ = rules_.dual_issue();
    }
    if (!rules_.dual_issue())
      clock_ += (load_open_ && !load && !store ? load_wait_ : 0) + rules_.issue_cycles(insn.kind) - 1;
    load_open_ = load;
    last_ = insn.kind;
    for (const Reg reg : insn.writes) written_[static_cast<size_t>(reg)] = {clock_, insn.kind};
    if (insn.writeback >= 0) written_[static_cast<size_t>(insn.writeback)] = {clock_, Kind::kStore};
    now_.cost.instructions += 1;
    now_.cost.multiplies += insn.kind == Kind::kMultiply || insn.kind == Kind::kFpFused ? 1 : 0;
    now_.cost.loads += load || insn.kind == Kind::kFpLoad || insn.kind == Kind::kFpLoadMultiple ? 1 : 0;
    now_.cost.stores += store || insn.kind == Kind::kFpStoreMultiple ? 1 : 0;
  }

  std::optional<int64_t> known(Reg reg) const {
    return reg < 0 ? std::nullopt : now_.registers[static_cast<size_t>(reg)];
  }
  void set(Reg reg, std::optional<int64_t> value) {
    if (reg >= 0) now_.registers[static_cast<size_t>(reg)] = value;
  }

  void apply(const AssemblyLine& line) {
    const bool is_skipped =
        line.condition != Condition::kAlways && (!now_.flags || !holds(line.condition, *now_.flags));
    if (is_skipped) return;
    if (line.effect == Effect::kSum) return add(line);
    const std::optional<int64_t> base = known(line.a);
    const bool post = line.instruction.writeback >= 0;
    const bool on_stack = line.a == kSp && base.has_value();
    const int64_t address = on_stack ? *base + (post ? 0 : line.number) : 0;
    if (line.effect == Effect::kStore && on_stack) now_.stack[address] = known(line.target);
    for (const Reg reg : line.instruction.writes) set(reg, std::nullopt);
    if (line.effect == Effect::kLoad && on_stack) {
      const auto word = now_.stack.find(address);
      if (word != now_.stack.end()) set(line.target, word->second);
    }
    if (post) set(line.instruction.writeback, base ? sane(*base + line.number) : std::nullopt);
    if (line.sets_flags) now_.flags.reset();
  }

  void add(const AssemblyLine& line) {
    std::optional<int64_t> sum = line.number;
    for (const auto& [reg, sign] : {std::pair{line.a, 1}, std::pair{line.b, line.sign}}) {
      if (reg < 0) continue;
      const std::optional<int64_t> value = known(reg);
      sum = sum && value ? sane(*sum + sign * *value) : std::nullopt;
    }
    set(line.target, sum);
    if (line.sets_flags) now_.flags = sum;
  }

  size_t after_branch(size_t at, const AssemblyLine& line) {
    const bool unconditional = line.condition == Condition::kAlways;
    const bool is_taken = unconditional || (now_.flags && holds(line.condition, *now_.flags));
    if (!is_taken || line.goes_to < 0) {
      rounds_.erase(at);
      return at + 1;
    }
    now_.cost.cycles = skipped_ + clock_;
    if (!unconditional && static_cast<size_t>(line.goes_to) <= at && skip_rounds(at, line.condition)) {
      rounds_.erase(at);
      return at + 1;
    }
    clock_ += taken_;
    slot_free_ = false;
    return static_cast<size_t>(line.goes_to);
  }

  /// In the second round: stands where the loop will end, when that can be seen.
  bool skip_rounds(size_t at, Condition condition) {
    const auto [before, is_first] = rounds_.try_emplace(at, now_);
    if (is_first) return false;
    const State& then = before->second;
    const int64_t left = then.flags ? rounds_left(condition, *then.flags, *now_.flags) : 0;
    if (left <= 0) return false;
    const double times = static_cast<double>(left);
    const State now = now_;
    for (size_t r = 0; r < kRegisters; ++r) now_.registers[r] = later(then.registers[r], now.registers[r], left);
    for (auto& [address, word] : now_.stack) {
      const auto old = then.stack.find(address);
      if (old != then.stack.end()) word = later(old->second, word, left);
    }
    now_.flags = later(then.flags, now.flags, left);
    skipped_ += times * (now.cost.cycles - then.cost.cycles + taken_);
    now_.cost.add(now.cost, times);
    now_.cost.add(then.cost, -times);
    return true;
  }

  struct Written {
    int64_t time = -1;
    Kind kind = Kind::kAlu;
  };

  const std::vector<AssemblyLine>& code_;
  const Rules& rules_;
  const int taken_, load_wait_;
  State now_;
  int64_t clock_ = -1;
  double skipped_ = 0;  // cycles of the rounds that were not looked at
  bool slot_free_ = false, load_open_ = false;
  Kind last_ = Kind::kAlu;
  std::array<Written, kRegisters> written_{};
  std::map<size_t, State> rounds_;  // at the first taking of each backward branch
};

}  // namespace

CallEstimator::CallEstimator(const std::string& pipeline) : rules_(pipeline) {
  if (pipeline.empty()) return;
  const target::Pipeline tables = target::load_pipeline(pipeline);
  taken_ = tables.slots > 1 ? 0 : tables.taken_direct;
  load_wait_ = tables.slots > 1 ? 0 : tables.load_result;
}

CallEstimate CallEstimator::call(const std::vector<AssemblyLine>& code, const std::vector<int64_t>& arguments) const {
  return Run(code, rules_, taken_, load_wait_).run(arguments);
}

}  // namespace mote::schedule
