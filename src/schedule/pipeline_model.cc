#include "schedule/pipeline_model.h"

#include <algorithm>
#include <bit>

namespace mote::schedule {
namespace {

using target::Operand;
using target::Producer;
using target::Timing;

constexpr int kForgotten = 6;  // cycles after which every result is available to everyone

/// Calls `use` for each register of `mask`.
template <typename Use>
void for_each_register(uint64_t mask, Use use) {
  for (; mask != 0; mask &= mask - 1) use(std::countr_zero(mask));
}

void mix(uint64_t& hash, uint64_t word) {
  hash ^= word;
  hash *= 0xFF51AFD7ED558CCDu;
  hash ^= hash >> 29;
}

}  // namespace

size_t PipelineStateHash::operator()(const PipelineState& state) const {
  uint64_t hash = 0x9E3779B97F4A7C15u;
  for (size_t r = 0; r < state.producer.size(); ++r) {
    if (state.producer[r] != 0) mix(hash, r << 16 | uint64_t{state.producer[r]} << 8 | state.age[r]);
  }
  mix(hash, uint64_t{state.older_units} << 32 | uint64_t{static_cast<uint8_t>(state.older_bank)} << 24 |
                uint64_t{state.older_base} << 16 | uint64_t{static_cast<uint8_t>(state.fetch_lead)} << 8 |
                uint64_t{state.half_filled} << 5 | uint64_t{state.redirected} << 4 | uint64_t{state.load_open} << 3 |
                uint64_t{state.stored} << 2 | uint64_t{state.wide} << 1 | uint64_t{state.any});
  return hash;
}

Issue PipelineModel::issue(PipelineState& state, const Insn& insn, bool same_bank) const {
  return dual() ? issue_dual(state, insn, same_bank) : issue_single(state, insn);
}

int PipelineModel::issue_cycles(const Insn& insn) const {
  const int fixed = tables_.cycles[static_cast<size_t>(insn.timing)];
  if (insn.timing != Timing::kMultiple) return fixed;
  return std::max(1, fixed + (insn.registers + tables_.registers_per_cycle - 1) / tables_.registers_per_cycle);
}

// Two slots ------------------------------------------------------------------------------------------------------

void PipelineModel::pass(PipelineState& state, int cycles) const {
  for (size_t r = 0; r < state.producer.size(); ++r) {
    if (state.producer[r] == 0) continue;
    const int age = state.age[r] + cycles;
    state.producer[r] = age > kForgotten ? 0 : state.producer[r];
    state.age[r] = age > kForgotten ? 0 : static_cast<uint8_t>(age);
  }
  state.half_filled = false;
  state.older_units = 0;
  state.older_bank = -1;
  state.older_base = kNoRegister;
  state.fetch_lead = static_cast<int8_t>(std::min(state.fetch_lead + cycles, tables_.fetch_depth));
}

bool PipelineModel::ready(const PipelineState& state, const Insn& insn, uint8_t& blocker) const {
  for (int i = 0; i < insn.read_count; ++i) {
    const Read& read = insn.reads[i];
    if (state.age[read.reg] < tables_.latency[state.producer[read.reg]][static_cast<size_t>(read.use)]) {
      blocker = read.reg;
      return false;
    }
  }
  return true;
}

bool PipelineModel::ready_early(const PipelineState& state, const Insn& insn) const {
  for (int i = 0; i < insn.read_count; ++i) {
    const uint8_t reg = insn.reads[i].reg;
    if (reg == kFlagsRegister) continue;
    if (state.age[reg] < tables_.latency[state.producer[reg]][static_cast<size_t>(Operand::kShifted)]) return false;
  }
  return true;
}

bool PipelineModel::may_pair(const PipelineState& state, const Insn& insn, bool same_bank) const {
  for (const target::Pipeline::Conflict& conflict : tables_.conflicts) {
    const bool older = conflict.older == ~0u || (state.older_units & conflict.older) != 0;
    const bool younger = conflict.younger == ~0u || (insn.units & conflict.younger) != 0;
    if (older && younger) return false;
  }
  const bool two_loads = (state.older_units & insn.units & target::kUnitLoad) != 0;
  if (!two_loads || tables_.bank_bytes == 0) return true;
  const bool comparable = state.older_bank >= 0 && insn.bank >= 0 && state.older_base == insn.access.base;
  return comparable ? state.older_bank != insn.bank : !same_bank;
}

Issue PipelineModel::issue_dual(PipelineState& state, const Insn& insn, bool same_bank) const {
  Issue issue;
  const uint32_t bytes = static_cast<uint32_t>(tables_.fetch_bytes);
  const uint32_t first = insn.address / bytes, last = (insn.address + insn.size - 1) / bytes;
  const bool new_group = state.redirected || insn.address % bytes == 0;
  state.fetch_lead = static_cast<int8_t>(state.fetch_lead - static_cast<int>(last - first) - (new_group ? 1 : 0));
  state.redirected = false;

  if (state.half_filled) {
    const bool is_ready = ready(state, insn, issue.blocker);
    if (!is_ready || state.fetch_lead < 0 || !may_pair(state, insn, same_bank)) {
      issue.cause = !is_ready ? Wait::kDependency : state.fetch_lead < 0 ? Wait::kFetch : Wait::kConflict;
      pass(state, 1);
      ++issue.wait;
    }
  }
  const bool younger = state.half_filled;
  while (!younger) {
    const bool is_ready = ready(state, insn, issue.blocker);
    if (is_ready && state.fetch_lead >= 0) break;
    issue.cause = is_ready ? Wait::kFetch : Wait::kDependency;
    pass(state, 1);
    ++issue.wait;
  }

  Producer result = insn.result;
  if (insn.early && ready_early(state, insn)) {
    const bool shift = (insn.units & target::kUnitShift) != 0;
    const bool shifter_taken = (state.older_units & (target::kUnitInlineShift | target::kUnitBitfield)) != 0;
    if (!younger || (shift && !shifter_taken)) result = Producer::kEarlyAlu;
  }
  const auto set = [&](uint64_t mask, Producer producer, int age) {
    for_each_register(mask, [&](int r) {
      state.producer[r] = static_cast<uint8_t>(r == kFlagsRegister ? Producer::kAlu : producer);
      state.age[r] = static_cast<uint8_t>(age);
    });
  };
  set(insn.writes, result, 0);
  set(insn.base_writes, Producer::kWriteback, 0);
  issue.cycles = issue.wait;
  issue.paired = younger;
  if (younger) {
    pass(state, 1);
    issue.cycles += 1;
  } else if (insn.units & target::kUnitAlone) {
    const int cycles = issue_cycles(insn);
    pass(state, cycles);
    issue.cycles += cycles;
    set(insn.writes, result, 1);  // counted from its last issue cycle
  } else {
    state.half_filled = true;
    state.older_units = insn.units;
    state.older_bank = insn.bank;
    state.older_base = insn.access.base;
  }
  return issue;
}

// One slot -------------------------------------------------------------------------------------------------------

Issue PipelineModel::issue_single(PipelineState& state, const Insn& insn) const {
  Issue issue;
  const auto depends = [&](Operand use) {
    for (int i = 0; i < insn.read_count; ++i) {
      const Read& read = insn.reads[i];
      if (read.use == use && state.producer[read.reg] != 0 && state.age[read.reg] == 0) {
        issue.blocker = read.reg;
        return true;
      }
    }
    return false;
  };
  const bool load = insn.loads(), store = insn.stores();
  const bool several = insn.timing == Timing::kMultiple || insn.timing == Timing::kDouble;
  const bool address_just_made = (load || store) && depends(Operand::kAddress);
  if (state.load_open) {
    const bool hidden = insn.nop || ((load || store) && !several && !address_just_made);
    if (!hidden) issue.wait += tables_.load_result;
  } else if (address_just_made) {
    issue.wait += tables_.address_after;
  }
  if (state.stored && load) issue.wait += tables_.load_after_store;
  const bool split = state.any && state.redirected && insn.size == 4 && insn.address % 4 != 0;
  if (split) issue.wait += tables_.taken_to_split;
  state.load_open = state.stored = false;

  int cycles = issue_cycles(insn);
  if (insn.it) {
    cycles = state.any && !state.wide ? 0 : tables_.it_after_wide;
  } else if (several) {
    cycles = issue_cycles(insn);
  } else if (load && !insn.branch) {
    cycles = 1;
    state.load_open = true;
  } else if (store) {
    if (insn.access.index != kNoRegister) cycles = tables_.store_indexed;
    state.stored = true;
  } else if (insn.units & target::kUnitFpu) {
    for (int i = 0; i < insn.read_count; ++i) {
      const uint8_t reg = insn.reads[i].reg, by = state.producer[reg];
      const bool arithmetic =
          by >= static_cast<uint8_t>(Producer::kFpAdd) && by <= static_cast<uint8_t>(Producer::kFpChained);
      if (!arithmetic || state.age[reg] != 0) continue;
      issue.wait += tables_.fp_result;
      issue.blocker = reg;
      break;
    }
  }
  if (issue.wait != 0) issue.cause = split ? Wait::kFetch : Wait::kDependency;

  for (size_t r = 0; r < state.producer.size(); ++r) {
    if (state.producer[r] == 0) continue;
    // Only the last instruction's results are ever asked for.
    state.producer[r] = 0;
    state.age[r] = 0;
  }
  for_each_register(insn.writes | insn.base_writes,
                    [&](int r) { state.producer[r] = static_cast<uint8_t>(insn.result); });
  state.redirected = false;
  state.fetch_lead = 0;
  state.wide = insn.size == 4;
  state.any = true;
  issue.cycles = issue.wait + cycles;
  return issue;
}

int PipelineModel::take_branch(PipelineState& state, const Insn& branch) const {
  state.redirected = true;
  if (!dual()) {
    state.load_open = false;
    const bool load = branch.loads() && branch.timing == Timing::kPlain;  // the others' cycles have it
    return (branch.indirect ? tables_.taken_indirect : tables_.taken_direct) + (load ? tables_.taken_load : 0);
  }
  if (!state.half_filled) return 0;
  pass(state, 1);  // a taken branch ends the pair
  return 1;
}

// Estimates ------------------------------------------------------------------------------------------------------

namespace {

constexpr int kWarmUp = 8, kMeasured = 8;  // repetitions of a loop: until its state repeats, and to take the mean of

double mean_of_banks(const PipelineModel& model, const auto& run) {
  if (!model.dual()) return run(false);
  return (run(false) + run(true)) / 2;
}

}  // namespace

double estimate_cycles(const PipelineModel& model, std::span<const Insn> insns) {
  return mean_of_banks(model, [&](bool same_bank) {
    PipelineState state;
    int cycles = 0;
    for (const Insn& insn : insns) cycles += model.issue(state, insn, same_bank).cycles;
    return static_cast<double>(cycles + (state.half_filled ? 1 : 0));
  });
}

double estimate_loop_cycles(const PipelineModel& model, std::span<const Insn> insns) {
  if (insns.empty()) return 0;
  const uint32_t length = insns.back().address + insns.back().size - insns.front().address;
  const bool branches = insns.back().branch;
  return mean_of_banks(model, [&](bool same_bank) {
    PipelineState state;
    int cycles = 0;
    for (int round = 0; round < kWarmUp + kMeasured; ++round) {
      if (round == kWarmUp) cycles = 0;
      for (Insn insn : insns) {
        if (!branches) insn.address += static_cast<uint32_t>(round) * length;
        cycles += model.issue(state, insn, same_bank).cycles;
      }
      if (branches) cycles += model.take_branch(state, insns.back());
    }
    return static_cast<double>(cycles) / kMeasured;
  });
}

}  // namespace mote::schedule
