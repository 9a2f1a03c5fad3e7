// The pipeline as an automaton: give it instructions in the order they execute, it says how many cycles pass. One for
// two issue slots (Cortex-M7), one for a single slot (Cortex-M4); which, and all numbers, come from target::Pipeline.
//
// Between two instructions everything that matters is in a PipelineState, a small value: equal states behave equally,
// so that whole blocks can be remembered as (state before) -> (cycles, state after).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "schedule/insn.h"
#include "target/pipeline.h"

namespace mote::schedule {

struct PipelineState {
  std::array<uint8_t, 64> producer = {};  // target::Producer of the last write of each register; 0: long ago
  std::array<uint8_t, 64> age = {};       // cycles since that producer issued

  // Two slots: the instruction that issued in this cycle's older slot, if the younger is still free.
  uint32_t older_units = 0;
  bool half_filled = false;
  int8_t older_bank = -1;  // of a load
  uint8_t older_base = kNoRegister;
  int8_t fetch_lead = 1;   // groups the fetch unit is ahead by; below 0: the core waits for it
  bool redirected = true;  // the next instruction is the first after a taken branch

  // One slot.
  bool load_open = false;  // the last instruction was a load whose extra cycle may yet be hidden
  bool stored = false;     // the last instruction was a store
  bool wide = false;       // the last instruction had 32 bits
  bool any = false;        // there was a last instruction

  bool operator==(const PipelineState&) const = default;
};

struct PipelineStateHash {
  size_t operator()(const PipelineState& state) const;
};

/// Why an instruction did not issue earlier, or together with its predecessor.
enum class Wait : uint8_t { kNone, kDependency, kConflict, kFetch };

struct Issue {
  int wait = 0;    // cycles that pass before it issues
  int cycles = 0;  // cycles that pass in all, until the next instruction may be looked at
  Wait cause = Wait::kNone;
  bool paired = false;            // issued in the younger slot
  uint8_t blocker = kNoRegister;  // kDependency: the register it waited for
};

class PipelineModel {
 public:
  explicit PipelineModel(target::Pipeline tables) : tables_(std::move(tables)) {}

  const target::Pipeline& tables() const { return tables_; }
  bool dual() const { return tables_.slots == 2; }

  /// Issues `insn`. `same_bank`: whether two loads whose addresses cannot be compared count as a bank conflict (the
  /// mean of both answers predicts best).
  Issue issue(PipelineState& state, const Insn& insn, bool same_bank) const;
  /// The last instruction issued, `branch`, was taken: cycles more. The state is that at its target.
  int take_branch(PipelineState& state, const Insn& branch) const;

 private:
  Issue issue_dual(PipelineState& state, const Insn& insn, bool same_bank) const;
  Issue issue_single(PipelineState& state, const Insn& insn) const;
  int issue_cycles(const Insn& insn) const;
  bool ready(const PipelineState& state, const Insn& insn, uint8_t& blocker) const;
  bool ready_early(const PipelineState& state, const Insn& insn) const;
  bool may_pair(const PipelineState& state, const Insn& insn, bool same_bank) const;
  void pass(PipelineState& state, int cycles) const;

  target::Pipeline tables_;
};

/// Cycles of executing `insns` once from an empty pipeline, no branch taken.
double estimate_cycles(const PipelineModel& model, std::span<const Insn> insns);

/// Cycles of one repetition of `insns` as the body of a loop, in the steady state. A branch at its end is taken;
/// without one the body is taken to be unrolled for ever.
double estimate_loop_cycles(const PipelineModel& model, std::span<const Insn> insns);

}  // namespace mote::schedule
