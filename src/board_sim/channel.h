// A byte stream to a peer, and the socket that waits for one: a TCP port of 127.0.0.1, or a Unix socket.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mote::board_sim {

/// SIGPIPE must be ignored: a peer that has gone is reported.
class Channel {
 public:
  /// Owns `fd`: a connected socket. `others` may get bytes too while this one is silent: `on_other(index)` is called
  /// then, from receive().
  explicit Channel(int fd, std::vector<int> others = {}, std::function<void(size_t)> on_other = {});
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Appends what has arrived to `bytes`; waits for something when `wait`. False when the peer is gone.
  bool receive(std::string& bytes, bool wait);
  /// Sends everything. False when the peer is gone.
  bool send(std::string_view bytes);

 private:
  bool wait_for_input(bool forever);

  int fd_;
  std::vector<int> others_;
  std::function<void(size_t)> on_other_;
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
  /// To wait on; this keeps it.
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
  std::string name_;
  std::string path_;  // to be removed
};

}  // namespace mote::board_sim
