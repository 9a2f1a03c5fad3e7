// An OpenOCD of our own, and the virtual board behind it when that is what it drives.
#pragma once

#include <memory>
#include <string>

#include "device/openocd.h"
#include "device/virtual_board.h"

namespace mote::device {

class OpenOcdServer {
 public:
  /// `board` must outlive it. Throws InputError when the board file says nothing about OpenOCD.
  OpenOcdServer(OpenOcdAdapter adapter, const target::Board& board);

  /// Starts it, or starts it again: a virtual board stays as it is unless it has died, or OpenOCD does not reach it any
  /// more. Returns where its Tcl port is. Throws ConnectionError with what it said.
  Endpoint start();
  /// A virtual board that has died; a real one never has.
  bool board_died() const { return virtual_board_.process && !virtual_board_.process->running(); }
  /// The number of its port for debuggers; "" when it has none.
  const std::string& gdb_port() const { return gdb_port_; }
  /// Grows when memory was lost with a virtual board.
  uint64_t incarnation() const { return incarnation_; }

 private:
  Endpoint start_openocd();
  void start_board();
  bool board_answers() const;
  void choose_adapter(std::vector<std::string>& arguments) const;

  OpenOcdAdapter adapter_;
  const target::Board& board_;
  VirtualBoard virtual_board_;
  std::unique_ptr<BackgroundProcess> process_;
  std::string gdb_port_;
  uint64_t incarnation_ = 0;
};

}  // namespace mote::device
