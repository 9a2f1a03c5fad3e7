// A virtual board for fuzzers of its debug ports: made once, reset before every input.
#pragma once

#include <memory>

#include "board_sim/dap.h"
#include "board_sim/machine.h"
#include "target/board.h"

namespace mote::fuzz {

struct FuzzedBoard {
  target::Board board = target::load_board("nucleo-f746zg");
  std::unique_ptr<board_sim::Machine> machine = std::make_unique<board_sim::Machine>(board);

  /// As after power-up, as far as a peer can tell. Code that runs looks for the peer often: most peers hang up at once.
  void renew() {
    machine->poll_interval = 10'000;
    machine->clear_breakpoints();
    machine->clear_watchpoints();
    machine->reset();
  }
};

inline FuzzedBoard& fuzzed_board() {
  static FuzzedBoard board;
  board.renew();
  return board;
}

}  // namespace mote::fuzz
