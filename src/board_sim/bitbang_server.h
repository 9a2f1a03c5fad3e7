// OpenOCD's remote_bitbang protocol: a debug cable, pin by pin.
#pragma once

#include <string>
#include <string_view>

#include "board_sim/channel.h"
#include "board_sim/jtag.h"
#include "board_sim/machine.h"

namespace mote::board_sim {

class BitbangServer {
 public:
  explicit BitbangServer(Machine& machine);

  /// Serves one client until it quits. Between its bytes the core runs, unless it is halted.
  void serve(Channel& channel);
  /// Acts on `bytes` and returns the answers; any other byte than the protocol's is ignored. False in `open` after 'Q'.
  std::string handle(std::string_view bytes, bool& open);

 private:
  Machine& machine_;
  CoreDebug core_;
  DebugAccessPort port_;
  JtagChain chain_;
  bool clock_ = false;
  bool held_in_reset_ = false;
};

}  // namespace mote::board_sim
