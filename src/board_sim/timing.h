// Cycles of executed blocks. Each block is charged when the next begins, since only then is its branch's way known.
#pragma once

#include <cstdint>

#include "board_sim/block.h"
#include "target/target.h"

namespace mote::board_sim {

class Timer {
 public:
  explicit Timer(const target::Target& target);

  /// An empty pipeline.
  void reset();
  /// Cycles of `block` when execution goes on at `next`. Updates the pipeline's state and the branch predictor.
  uint32_t run(Block& block, uint32_t next);
  /// Cycles from the start of `block` to the issue of its instruction `index`, from the present state. Changes nothing.
  uint32_t until(const Block& block, size_t index) const;
  /// Cycles of entering and leaving an exception; the pipeline is empty afterwards.
  uint32_t exception_entry();
  uint32_t exception_return();
};

}  // namespace mote::board_sim
