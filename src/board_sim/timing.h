// Cycles of executed blocks: the pipeline model of schedule/pipeline_model.h, a branch predictor, and a memory of what
// each block cost from each state of the pipeline. A block is charged when the next one begins, since only then is the
// way of its branch known.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "board_sim/block.h"
#include "schedule/pipeline_model.h"
#include "target/target.h"

namespace mote::board_sim {

/// Cycles in which no instruction issued, or only one where two could have, by reason; and cycles added by mispredicted
/// branches and by memory.
struct Stalls {
  double dependency = 0, conflict = 0, fetch = 0, mispredict = 0, memory = 0;
};

/// What one instruction of a block took in all its runs (memory aside), and what for.
struct InsnCost {
  double cycles = 0;
  Stalls stalls;
};

class Timer {
 public:
  /// Loads the pipeline tables of `target`; a core without a timing model takes one cycle for each instruction.
  /// `record_ends`: keep what ends() returns.
  Timer(const target::Target& target, bool record_ends);

  bool has_model() const { return model_.has_value(); }
  const schedule::PipelineModel* model() const { return model_ ? &*model_ : nullptr; }

  /// An empty pipeline.
  void reset();
  /// Cycles of `block` when execution goes on at `next`. Updates the pipeline's state and the branch's `history`
  /// (nullptr when the block ends in none).
  uint32_t run(Block& block, uint32_t next, BranchHistory* history);
  /// Cycles from the start of `block` to the issue of its instruction `index`, from the present state. Changes nothing.
  uint32_t until(const Block& block, size_t index) const;
  /// Cycles after which each instruction of the block last given to run() ended (without bank conflicts).
  std::span<const uint16_t> ends() const { return ends_; }
  /// The same for the first `count` instructions of `block`, from the present state. Changes nothing.
  std::vector<uint16_t> ends(const Block& block, size_t count) const;
  /// Cycles of entering and leaving an exception; the pipeline is empty afterwards.
  uint32_t exception_entry();
  uint32_t exception_return();
  /// Leaving one exception for the next without unstacking.
  uint32_t tail_chain();

  /// What each instruction of `block` has taken. A branch has what it cost to be taken, or to be mispredicted.
  std::vector<InsnCost> costs(const Block& block) const;
  uint64_t mispredicts() const { return mispredicts_; }

 private:
  BlockMemo::Entry& look_up(Block& block, bool taken, bool same_bank, uint32_t state);
  uint32_t intern(const schedule::PipelineState& state);
  static bool mispredicted(BranchHistory& history, const schedule::Insn& last, bool taken, uint32_t next);

  std::optional<schedule::PipelineModel> model_;
  // Every state met so far; number 0 is the empty pipeline.
  std::vector<schedule::PipelineState> states_;
  std::unordered_map<schedule::PipelineState, uint32_t, schedule::PipelineStateHash> numbers_;
  // Two loads of unknown banks: both answers are followed, and the mean is charged. The half cycle left over is kept.
  uint32_t state_[2] = {0, 0};
  uint32_t half_ = 0;
  bool record_ends_ = false;
  std::span<const uint16_t> ends_;
  std::vector<uint16_t> plain_ends_;  // of a core without a timing model
  uint64_t mispredicts_ = 0;
};

}  // namespace mote::board_sim
