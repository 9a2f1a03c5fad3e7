#include "board_sim/timing.h"

namespace mote::board_sim {
namespace {

using schedule::Insn;
using schedule::PipelineState;

// Cortex-M4 and M7 technical reference manuals.
constexpr uint32_t kExceptionEntry = 12, kExceptionReturn = 10, kTailChain = 6;

}  // namespace

Timer::Timer(const target::Target& target, bool record_ends) : record_ends_(record_ends) {
  if (!target.pipeline.empty()) model_.emplace(target::load_pipeline(target.pipeline));
  intern(PipelineState());
}

void Timer::reset() {
  state_[0] = state_[1] = half_ = 0;
}

uint32_t Timer::intern(const PipelineState& state) {
  const auto [entry, fresh] = numbers_.try_emplace(state, static_cast<uint32_t>(states_.size()));
  if (fresh) states_.push_back(state);
  return entry->second;
}

BlockMemo::Entry& Timer::look_up(Block& block, bool taken, bool same_bank, uint32_t state) {
  std::vector<BlockMemo::Entry>& entries = block.memo.entries[(taken ? 1 : 0) + (same_bank ? 2 : 0)];
  for (BlockMemo::Entry& entry : entries) {
    if (entry.state_in == state) return entry;
  }
  PipelineState pipeline = states_[state];
  int cycles = 0;
  std::vector<uint16_t> ends;
  for (const Insn& insn : block.insns) {
    cycles += model_->issue(pipeline, insn, same_bank).cycles;
    if (record_ends_) ends.push_back(static_cast<uint16_t>(cycles));
  }
  if (taken) cycles += model_->take_branch(pipeline, block.insns.back());
  if (taken && record_ends_) ends.back() = static_cast<uint16_t>(cycles);
  entries.push_back({state, intern(pipeline), static_cast<uint32_t>(cycles), 0, std::move(ends)});
  return entries.back();
}

uint32_t Timer::run(Block& block, uint32_t next, BranchHistory* history) {
  if (!model_ || block.insns.empty()) {
    if (record_ends_) plain_ends_ = ends(block, block.insns.size());
    ends_ = plain_ends_;
    return static_cast<uint32_t>(block.insns.size());
  }
  const Insn& last = block.insns.back();
  const bool taken = last.branch && (!last.conditional || next != block.end());
  BlockMemo::Entry& entry = look_up(block, taken, false, state_[0]);
  ++entry.uses;
  state_[0] = entry.state_out;
  ends_ = entry.ends;
  uint32_t cycles = entry.cycles;
  if (!model_->dual()) return cycles;
  BlockMemo::Entry& conflicting = look_up(block, taken, true, state_[1]);
  ++conflicting.uses;
  state_[1] = conflicting.state_out;
  const uint32_t sum = cycles + conflicting.cycles + half_;
  half_ = sum & 1;
  cycles = sum >> 1;
  if (history != nullptr && mispredicted(*history, last, taken, next)) {
    ++mispredicts_;
    ++block.mispredicts;
    cycles += static_cast<uint32_t>(model_->tables().mispredict);
    state_[0] = state_[1] = 0;
  }
  return cycles;
}

// A two-bit counter for each conditional branch; an indirect branch goes where it last went.
bool Timer::mispredicted(BranchHistory& history, const Insn& last, bool taken, uint32_t next) {
  if (last.indirect) {
    const bool wrong = history.last_target != next;
    history.last_target = next;
    return wrong;
  }
  if (!last.conditional) return false;
  const bool wrong = (history.counter >= 2) != taken;
  if (taken && history.counter < 3) ++history.counter;
  if (!taken && history.counter > 0) --history.counter;
  return wrong;
}

uint32_t Timer::until(const Block& block, size_t index) const {
  if (!model_) return static_cast<uint32_t>(index);
  int cycles[2] = {0, 0};
  for (int bank = 0; bank < 2; ++bank) {
    PipelineState pipeline = states_[state_[bank]];
    for (size_t i = 0; i < index; ++i) cycles[bank] += model_->issue(pipeline, block.insns[i], bank == 1).cycles;
    cycles[bank] += model_->issue(pipeline, block.insns[index], bank == 1).wait;
  }
  if (!model_->dual()) return static_cast<uint32_t>(cycles[0]);
  return (static_cast<uint32_t>(cycles[0] + cycles[1]) + half_) >> 1;
}

std::vector<uint16_t> Timer::ends(const Block& block, size_t count) const {
  std::vector<uint16_t> ends;
  PipelineState pipeline = states_[state_[0]];
  int cycles = 0;
  for (size_t i = 0; i < count; ++i) {
    cycles += model_ ? model_->issue(pipeline, block.insns[i], false).cycles : 1;
    ends.push_back(static_cast<uint16_t>(cycles));
  }
  return ends;
}

std::vector<InsnCost> Timer::costs(const Block& block) const {
  std::vector<InsnCost> costs(block.insns.size());
  if (costs.empty()) return costs;
  if (!model_) {
    for (InsnCost& cost : costs) cost.cycles = static_cast<double>(block.executions);
    return costs;
  }
  for (size_t kind = 0; kind < std::size(block.memo.entries); ++kind) {
    const bool taken = (kind & 1) != 0, same_bank = (kind & 2) != 0;
    for (const BlockMemo::Entry& entry : block.memo.entries[kind]) {
      const double weight = static_cast<double>(entry.uses) / (model_->dual() ? 2 : 1);
      PipelineState pipeline = states_[entry.state_in];
      for (size_t i = 0; i < block.insns.size(); ++i) {
        const schedule::Issue issue = model_->issue(pipeline, block.insns[i], same_bank);
        Stalls& stalls = costs[i].stalls;
        double* const reason = issue.cause == schedule::Wait::kDependency ? &stalls.dependency
                               : issue.cause == schedule::Wait::kConflict ? &stalls.conflict
                                                                          : &stalls.fetch;
        *reason += weight * issue.wait;
        costs[i].cycles += weight * issue.cycles;
      }
      if (taken) costs.back().cycles += weight * model_->take_branch(pipeline, block.insns.back());
    }
  }
  costs.back().stalls.mispredict = static_cast<double>(block.mispredicts) * model_->tables().mispredict;
  costs.back().cycles += costs.back().stalls.mispredict;
  return costs;
}

uint32_t Timer::exception_entry() {
  reset();
  return kExceptionEntry;
}

uint32_t Timer::tail_chain() {
  reset();
  return kTailChain;
}

uint32_t Timer::exception_return() {
  reset();
  return kExceptionReturn;
}

}  // namespace mote::board_sim
