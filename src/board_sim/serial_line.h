// The other end of the UARTs: standard output, a terminal of its own, or a socket.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "board_sim/channel.h"
#include "support/spawner.h"

namespace mote::board_sim {

/// Never waits: a terminal that nobody reads loses what does not fit, as a cable would. A socket keeps the last 64 KiB
/// until somebody connects.
class SerialLine {
 public:
  /// `where`: "stdout", "pty", or an address (see Listener). Throws like Listener.
  explicit SerialLine(const std::string& where);

  /// "stdout", the terminal's path, the port's number, or the socket's path.
  const std::string& name() const { return name_; }
  void send(std::string_view bytes);
  /// A byte that has come in; nothing comes from standard output.
  std::optional<uint8_t> receive();

 private:
  void open_terminal();
  void accept();
  void send_to(std::string_view bytes);

  std::string name_;
  FileDescriptor fd_, terminal_;        // our end, or the peer's connection; the terminal, kept open without a reader
  std::unique_ptr<Listener> listener_;  // of a socket
  std::string kept_;                    // until somebody connects
};

}  // namespace mote::board_sim
