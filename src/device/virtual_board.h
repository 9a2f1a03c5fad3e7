// A mote-board of our own: the virtual board behind one of its debug ports.
#pragma once

#include <memory>
#include <string>

#include "device/connection.h"
#include "support/subprocess.h"

namespace mote::device {

struct VirtualBoard {
  std::unique_ptr<BackgroundProcess> process;
  Endpoint endpoint;  // of its debug port
};

/// Starts mote-board as `board` with one debug port: `port` is that port's option without dashes, "gdb", "st-link" or
/// "remote-bitbang"; `options` are further ones. Throws JobError when there is no such program, ConnectionError when it
/// does not start in time.
VirtualBoard start_virtual_board(const target::Board& board, const std::string& port,
                                 const std::vector<std::string>& options);

}  // namespace mote::device
