#include "board_sim/bitbang_server.h"

namespace mote::board_sim {
namespace {

/// IDCODE of the debug port's TAP: that of a Cortex-M7, or of its predecessors.
uint32_t debug_id(const target::Board& board) {
  return board.target.pipeline == "m7" ? 0x5BA00477 : 0x4BA00477;
}

/// IDCODE of an STM32's boundary-scan TAP: its device id in the middle.
uint32_t boundary_id(const target::Board& board) {
  return 0x06000041 | (board.simulation.idcode & 0xFFF) << 12;
}

}  // namespace

BitbangServer::BitbangServer(CoreDebug& core, DebugAccessPort& port, const target::Board& board)
    : core_(core), chain_(port, debug_id(board), boundary_id(board)) {}

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
      core_.hold_reset((lines & 1) != 0);
    } else if (byte == 'Q') {
      open = false;
      break;
    }
  }
  return answers;
}

}  // namespace mote::board_sim
