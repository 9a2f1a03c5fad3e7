// A byte stream to a peer that is not trusted to answer: every wait has a limit.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "device/device.h"
#include "support/spawner.h"

namespace mote::device {

/// Host and port of "HOST:PORT". Throws InputError("`what`", ...) when it has another form.
struct Endpoint {
  std::string host;
  uint16_t port = 0;
};
Endpoint parse_endpoint(const std::string& text, const std::string& what);

/// A TCP connection. Throws ConnectionError that begins with `name` when the peer is gone or a limit passes.
class Connection {
 public:
  using Clock = std::chrono::steady_clock;

  Connection(const Endpoint& endpoint, std::string name, std::chrono::milliseconds limit);

  void send(std::string_view bytes, std::chrono::milliseconds limit);
  /// The next byte, or nothing when `deadline` passes first.
  std::optional<char> next(Clock::time_point deadline);
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  FileDescriptor socket_;
  std::string received_;
  size_t position_ = 0;  // of the next byte in received_
};

}  // namespace mote::device
