// The debug ports of a virtual board, and the one debugger that may use them at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "board_sim/bitbang_server.h"
#include "board_sim/channel.h"
#include "board_sim/dap.h"
#include "board_sim/gdb_server.h"
#include "board_sim/machine.h"
#include "board_sim/st_link.h"

namespace mote::board_sim {

/// All ports lead to one core and show one state of it: what a debugger halted stays halted for the next, on whichever
/// port that comes, and what it let run runs on. The core starts when the first debugger attaches. While one is
/// attached another is turned away: its connection is closed.
class DebugPorts {
 public:
  enum class Kind : uint8_t { kGdb, kBitbang, kStLink };

  /// `machine` must outlive it.
  explicit DebugPorts(Machine& machine);

  /// Opens a port at `address` (see Listener) and returns its name: the port's number or the socket's path.
  const std::string& open(Kind kind, const std::string& address);
  /// Serves one debugger after the other: the first alone when `once`, else until one kills the board.
  void serve(bool once);

 private:
  struct Port {
    Kind kind;
    std::unique_ptr<Listener> listener;
  };

  const Port& wait_for_debugger();
  void turn_away(const Port& port) const;
  /// True when the debugger killed the board.
  bool serve(const Port& port);
  bool serve_gdb(Channel& channel);
  template <typename Handle>
  void serve_probe(Channel& channel, Handle handle);

  Machine& machine_;
  std::vector<Port> ports_;
  CoreDebug core_;
  DebugAccessPort access_port_;
  GdbServer gdb_;
  bool started_ = false;
};

}  // namespace mote::board_sim
