// OpenOCD's remote_bitbang protocol: a debug cable, pin by pin.
#pragma once

#include <string>
#include <string_view>

#include "board_sim/jtag.h"

namespace mote::board_sim {

class BitbangServer {
 public:
  /// `port` leads to `core`, which has the reset line.
  BitbangServer(CoreDebug& core, DebugAccessPort& port, const target::Board& board);

  /// Acts on `bytes` and returns the answers; any other byte than the protocol's is ignored. False in `open` after 'Q'.
  std::string handle(std::string_view bytes, bool& open);

 private:
  CoreDebug& core_;
  JtagChain chain_;
  bool clock_ = false;
};

}  // namespace mote::board_sim
