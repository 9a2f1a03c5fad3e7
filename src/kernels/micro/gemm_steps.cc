#include "kernels/micro/gemm_steps.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

#include "support/error.h"

namespace mote::kernels::micro {

using schedule::Kind;
using schedule::LoopOp;
using schedule::ModuloSchedule;
using schedule::Reg;
using schedule::Role;
using schedule::Rules;

namespace {

constexpr int kRegistersInUse = 14;  // r0..r12 and lr

/// Schedules depend on little, and many kernels share one.
const ModuloSchedule* cached_schedule(const schedule::LoopBody& body, const std::string& pipeline, const GemmSpec& spec,
                                      int registers) {
  using Key = std::tuple<std::string, int, int, bool, bool, int, int>;
  static std::mutex mutex;
  static std::map<Key, std::optional<ModuloSchedule>> schedules;
  const std::lock_guard lock(mutex);
  const Key key{
      pipeline,          spec.tile_channels, spec.tile_positions, spec.wide_weights, spec.summed != SummedWeights::kNo,
      spec.load_latency, registers};
  const auto [place, is_new] = schedules.try_emplace(key);
  if (is_new) place->second = modulo_schedule(body, Rules(pipeline, spec.load_latency), registers);
  return place->second ? &*place->second : nullptr;
}

}  // namespace

GemmRegisters gemm_registers(int tile_channels, int tile_positions) {
  GemmRegisters registers;
  std::vector<Reg> all;
  for (Reg r = 0; r <= 12; ++r) all.push_back(r);
  all.push_back(schedule::kLr);
  registers.weights = all[kRegistersInUse - 2];
  registers.activations = all[kRegistersInUse - 1];
  size_t next = 0;
  registers.acc.assign(static_cast<size_t>(tile_channels), {});
  for (int j = 0; j < tile_positions; ++j) {
    for (std::vector<Reg>& row : registers.acc) row.push_back(all[next++]);
  }
  registers.temporaries.assign(all.begin() + static_cast<std::ptrdiff_t>(next), all.end() - 2);
  return registers;
}

int words_per_step(const GemmSpec& spec) {
  return spec.wide_weights ? spec.tile_channels : spec.tile_channels / 2;
}

bool GemmSteps::possible(const GemmSpec& spec, const target::Target& target) {
  const int m = spec.tile_channels, n = spec.tile_positions;
  const int temporaries = kRegistersInUse - 2 - m * n;
  if (temporaries < 4) return false;
  if (Rules(target.pipeline).dual_issue()) {
    GemmSteps steps(spec, target);
    return steps.plan_ != nullptr;
  }
  // Operands of a step at the same time: see sequential_step().
  return m <= 2 || n == 1;
}

GemmSteps::GemmSteps(const GemmSpec& spec, const target::Target& target)
    : spec_(spec),
      registers_(gemm_registers(spec.tile_channels, spec.tile_positions)),
      weights_(registers_.weights),
      activations_(registers_.activations) {
  for (const std::vector<Reg>& row : registers_.acc) bias_home_.push_back(row.back());
  if (!Rules(target.pipeline).dual_issue()) return;
  describe();
  plan_ = cached_schedule(body_, target.pipeline, spec_, static_cast<int>(registers_.temporaries.size()));
  if (plan_ == nullptr) return;
  std::vector<int> last(registers_.acc.size(), -1);
  for (size_t op = 0; op < ops_.size(); ++op) {
    if (ops_[op].what != Op::What::kMultiply) continue;
    const auto i = static_cast<size_t>(ops_[op].i);
    const int when = plan_->time[op];
    if (when < last[i]) continue;
    last[i] = when;
    bias_home_[i] = registers_.acc[i][static_cast<size_t>(ops_[op].j)];
  }
}

/// One step as operations and the values they hand each other.
void GemmSteps::describe() {
  const int m = spec_.tile_channels, n = spec_.tile_positions;
  const auto make = [&](Op op, Kind kind, std::vector<schedule::ValueUse> uses) {
    ops_.push_back(op);
    const int value = op.what == Op::What::kMultiply ? -1 : body_.values++;
    body_.ops.push_back({.kind = kind, .makes = value, .uses = std::move(uses)});
    return value;
  };
  for (int j = 0; j < n; ++j) activation_value_.push_back(make({Op::What::kActivation, 0, j}, Kind::kLoad, {}));
  for (int w = 0; w < words_per_step(spec_); ++w) word_value_.push_back(make({Op::What::kWord, w, 0}, Kind::kLoad, {}));
  for (int i = 0; i < m; ++i) {
    if (spec_.wide_weights) {
      weight_value_.push_back(word_value_[static_cast<size_t>(i)]);
    } else if (spec_.summed != SummedWeights::kNo && i % 2 == 1) {
      weight_value_.push_back(word_value_[static_cast<size_t>(i / 2)]);
    } else {
      weight_value_.push_back(
          make({Op::What::kExtend, i, 0}, Kind::kExtend, {{word_value_[static_cast<size_t>(i / 2)], Role::kAlu}}));
    }
  }
  for (int j = 0; j < n; ++j) {
    for (int pair = 0; pair < m; pair += 2) {
      std::vector<int>& run = body_.runs.emplace_back();
      for (int i = pair; i < std::min(m, pair + 2); ++i) {
        run.push_back(static_cast<int>(ops_.size()));
        make({Op::What::kMultiply, i, j}, Kind::kMultiply,
             {{weight_value_[static_cast<size_t>(i)], Role::kMultiply},
              {activation_value_[static_cast<size_t>(j)], Role::kMultiply}});
      }
    }
  }
}

int GemmSteps::lookahead() const {
  return plan_ ? (plan_->lookahead + plan_->interval - 1) / plan_->interval : 0;
}

std::optional<Reg> GemmSteps::free_register() const {
  if (!plan_) return registers_.temporaries[0];
  if (plan_->free_at_boundary.empty()) return std::nullopt;
  return registers_.temporaries[static_cast<size_t>(plan_->free_at_boundary.front())];
}

int GemmSteps::bytes_per_step() const {
  const int m = spec_.tile_channels;
  return 4 * (words_per_step(spec_) +
              (spec_.wide_weights                   ? 0
               : spec_.summed != SummedWeights::kNo ? m / 2
                                                    : m) +
              spec_.tile_positions * (m + 1));
}

int64_t GemmSteps::step_address(int step) const {
  return int64_t{step / spec_.segment_pairs} * spec_.segment_step +
         int64_t{step % spec_.segment_pairs} * spec_.pair_step;
}

void GemmSteps::load_activation(Reg into, int step, int j, Code& code) {
  const int64_t address = step_address(step);
  const int segment = step / spec_.segment_pairs;
  const int64_t wanted = address + int64_t{j} * spec_.position_step;
  if (segment < segment_) {  // a late load from the segment the pointer has left: out of its way and back, if need be
    const int64_t back = activations_.at();
    activations_.load(into, wanted, 0, code);
    activations_.move_to(back, code);
    return;
  }
  if (segment > segment_) activations_.move_to(address, code);
  segment_ = segment;
  activations_.load(into, wanted, j == 0 ? spec_.pair_step : 0, code);
}

void GemmSteps::load_word(Reg into, int step, int word, Code& code) {
  const int words = words_per_step(spec_);
  const int64_t biases = spec_.has_bias ? 4 * spec_.tile_channels : 0;
  weights_.load(into, biases + 4 * (int64_t{step} * words + word), word == 0 ? 4 * words : 0, code);
}

void GemmSteps::multiply(int i, int j, Reg weight, Reg activation, int step, Code& code) {
  const Reg acc = registers_.acc[static_cast<size_t>(i)][static_cast<size_t>(j)];
  if (step == 0 && !spec_.has_bias) {
    code.push_back(schedule::smuad(acc, weight, activation));
  } else {
    code.push_back(schedule::smlad(acc, weight, activation, step == 0 ? bias_home_[static_cast<size_t>(i)] : acc));
  }
}

void GemmSteps::head(Code& code) {
  weights_ = Walker(registers_.weights);
  activations_ = Walker(registers_.activations);
  segment_ = 0;
  const int m = spec_.tile_channels;
  if (spec_.has_bias) {
    for (int i = m - 1; i >= 0; --i) weights_.load(bias_home_[static_cast<size_t>(i)], 4 * i, i == 0 ? 4 * m : 0, code);
  }
  if (plan_) cycles(-plan_->lookahead, 0, code);
}

void GemmSteps::steps(int from, int to, Code& code) {
  if (plan_) {
    cycles(from * plan_->interval, to * plan_->interval, code);
  } else {
    for (int step = from; step < to; ++step) sequential_step(step, code);
  }
}

void GemmSteps::repeated(int period, int times, int64_t moved_by) {
  const int64_t words = words_per_step(spec_);
  weights_.moved(4 * words * period * times);
  activations_.moved(moved_by * times);
  segment_ += period / spec_.segment_pairs * times;
}

Reg GemmSteps::operand(int value, int step) const {
  const std::vector<int>& homes = plan_->registers[static_cast<size_t>(value)];
  return registers_.temporaries[static_cast<size_t>(homes[static_cast<size_t>(step % plan_->unroll)])];
}

void GemmSteps::cycles(int from, int to, Code& code) {
  const int interval = plan_->interval;
  for (int cycle = from; cycle < to; ++cycle) {
    for (const bool younger : {false, true}) {
      for (size_t op = 0; op < ops_.size(); ++op) {
        const int distance = cycle - plan_->time[op];
        if (plan_->younger[op] != younger || distance < 0 || distance % interval != 0) continue;
        const int step = distance / interval;
        if (step < total_steps()) emit(ops_[op], step, code);
      }
    }
  }
}

void GemmSteps::emit(const Op& op, int step, Code& code) {
  const auto i = static_cast<size_t>(op.i), j = static_cast<size_t>(op.j);
  switch (op.what) {
    case Op::What::kActivation:
      return load_activation(operand(activation_value_[j], step), step, op.j, code);
    case Op::What::kWord:
      return load_word(operand(word_value_[i], step), step, op.i, code);
    case Op::What::kExtend:
      code.push_back(
          schedule::sxtb16(operand(weight_value_[i], step), operand(word_value_[i / 2], step), op.i % 2 == 1));
      return;
    case Op::What::kMultiply:
      return multiply(op.i, op.j, operand(weight_value_[i], step), operand(activation_value_[j], step), step, code);
  }
}

/// Loads in groups, since only the last of a group costs a cycle more; in each group a load that steps its pointer
/// comes after the others from that pointer, because the next address would have to wait for it.
void GemmSteps::sequential_step(int step, Code& code) {
  const std::vector<Reg>& t = registers_.temporaries;
  const int m = spec_.tile_channels, n = spec_.tile_positions, words = words_per_step(spec_);
  const bool summed = spec_.summed != SummedWeights::kNo;
  const int room = static_cast<int>(t.size());
  const auto reg = [&](int k) { return t[static_cast<size_t>(k)]; };
  if (m <= 2) {
    for (int word = words - 1; word >= 0; --word) load_word(reg(word), step, word, code);
    for (int done = 0; done < n; done += room - m) {
      const int chunk = std::min(n - done, room - m);
      for (int j = chunk - 1; j >= 0; --j) load_activation(reg(m + j), step, done + j, code);
      if (done == 0 && !spec_.wide_weights) {
        if (!summed) code.push_back(schedule::sxtb16(reg(1), reg(0), true));
        code.push_back(schedule::sxtb16(summed ? reg(1) : reg(0), reg(0), false));
      }
      for (int j = 0; j < chunk; ++j) {
        for (int i = 0; i < m; ++i) multiply(i, done + j, reg(summed ? 1 - i : i), reg(m + j), step, code);
      }
    }
    return;
  }
  // Many channels, one position: the activation in the first register, weights in the others.
  const int group = spec_.wide_weights ? room - 1 : words;
  for (int done = 0; done < words; done += group) {
    const int chunk = std::min(words - done, group);
    for (int word = chunk - 1; word >= 0; --word) {
      if (word == 0 && done == 0) load_activation(reg(0), step, 0, code);
      load_word(reg(1 + word), step, done + word, code);
    }
    for (int word = 0; word < chunk; ++word) {
      if (spec_.wide_weights) {
        multiply(done + word, 0, reg(1 + word), reg(0), step, code);
        continue;
      }
      const Reg raw = reg(1 + word), extended = reg(1 + words);
      code.push_back(schedule::sxtb16(extended, raw, !summed));
      if (!summed) code.push_back(schedule::sxtb16(raw, raw, false));
      multiply(2 * word, 0, summed ? extended : raw, reg(0), step, code);
      multiply(2 * word + 1, 0, summed ? raw : extended, reg(0), step, code);
    }
  }
}

}  // namespace mote::kernels::micro
