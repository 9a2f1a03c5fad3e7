#include "board_sim/bitbang_server.h"

namespace mote::board_sim {
namespace {

constexpr uint64_t kPollInterval = 5'000;  // cycles: a debugger looks often

/// IDCODE of the debug port's TAP: that of a Cortex-M7, or of its predecessors.
uint32_t debug_id(const target::Board& board) {
  return board.target.pipeline == "m7" ? 0x5BA00477 : 0x4BA00477;
}

/// 4 KiB in the debug port of a Cortex-M3 or M4, 1 KiB in the others.
uint32_t increment_window(const target::Board& board) {
  return board.target.name == "cortex-m3" || board.target.name == "cortex-m4" ? 4096 : 1024;
}

/// IDCODE of an STM32's boundary-scan TAP: its device id in the middle.
uint32_t boundary_id(const target::Board& board) {
  return 0x06000041 | (board.simulation.idcode & 0xFFF) << 12;
}

}  // namespace

BitbangServer::BitbangServer(Machine& machine)
    : machine_(machine),
      core_(machine),
      port_(core_, increment_window(machine.board())),
      chain_(port_, debug_id(machine.board()), boundary_id(machine.board())) {}

void BitbangServer::serve(Channel& channel) {
  std::string input;
  bool open = true;
  machine_.poll_interval = kPollInterval;
  machine_.poll = [&] {
    open = channel.receive(input, false);
    return !open || !input.empty();
  };
  while (open) {
    if (core_.running() && !held_in_reset_) core_.stopped(machine_.run());
    if (!open) break;
    if (input.empty() && !channel.receive(input, !core_.running() || held_in_reset_)) break;
    const std::string answers = handle(input, open);
    input.clear();
    if (!channel.send(answers)) break;
  }
  machine_.poll = [] { return false; };
}

std::string BitbangServer::handle(std::string_view bytes, bool& open) {
  std::string answers;
  for (const char byte : bytes) {
    if (byte >= '0' && byte <= '7') {
      const int pins = byte - '0';
      const bool clock = (pins & 4) != 0;
      if (clock && !clock_) chain_.clock((pins & 2) != 0, (pins & 1) != 0);
      clock_ = clock;
    } else if (byte == 'R') {
      answers += chain_.tdo() ? '1' : '0';
    } else if (byte >= 'r' && byte <= 'u') {
      const int lines = byte - 'r';
      if (lines & 2) chain_.reset();
      const bool hold = (lines & 1) != 0;
      if (held_in_reset_ && !hold) core_.reset();
      held_in_reset_ = hold;
    } else if (byte == 'Q') {
      open = false;
      break;
    }
  }
  return answers;
}

}  // namespace mote::board_sim
