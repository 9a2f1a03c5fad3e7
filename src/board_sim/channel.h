// A byte stream to a peer, and the socket that waits for one: a TCP port of 127.0.0.1, or a Unix socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mote::board_sim {

/// SIGPIPE must be ignored: a peer that has gone is reported.
class Channel {
 public:
  /// Owns `fd`: a connected socket.
  explicit Channel(int fd);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Appends what has arrived to `bytes`; waits for something when `wait`. False when the peer is gone.
  bool receive(std::string& bytes, bool wait);
  /// Sends everything. False when the peer is gone.
  bool send(std::string_view bytes);

 private:
  int fd_;
};

class Listener {
 public:
  /// `address`: a port number (0: any that is free), or a path. Throws InputError for neither, JobError when it is
  /// taken.
  explicit Listener(const std::string& address);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// The port, or the path.
  const std::string& name() const { return name_; }
  /// Waits for a peer. Returns a file descriptor for Channel.
  int accept();
  /// A peer is waiting.
  bool ready() const;

 private:
  int fd_ = -1;
  std::string name_;
  std::string path_;  // to be removed
};

}  // namespace mote::board_sim
