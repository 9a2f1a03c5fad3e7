// Starts processes that cannot outlive us, whatever happens to us, and neither can what they start themselves.
//
// A death signal (PR_SET_PDEATHSIG) would reach the compiler's driver but not the compiler it runs. So each command
// runs under a supervisor, a tiny process that adopts all its descendants and holds one end of a socket whose other end
// is ours. When that closes - on purpose, or because we were killed - the supervisor kills everything beneath it.
// Supervisors are forked by a small server process, forked once, so that starting a command costs the same however
// large we have grown:
//
//   mote ── server ──┬── supervisor ── arm-none-eabi-gcc ── cc1
//                    └── supervisor ── mote-board
#pragma once

#include <string>
#include <vector>

namespace mote {

/// A file descriptor that closes itself. Moves; does not copy.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor() { reset(); }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

struct SpawnRequest {
  std::string program;                   // a path
  std::vector<std::string> arguments;    // argv, its [0] included
  std::vector<std::string> environment;  // "NAME=value", all of it
  std::string folder;                    // working directory; "" for ours
  int standard_files[3] = {-1, -1, -1};  // stdin, stdout, stderr of the child; -1 is /dev/null
};

/// How a spawned process ended.
struct ExitStatus {
  int exit_code = -1;   // when it exited by itself
  int signal = 0;       // when a signal ended it
  int spawn_error = 0;  // errno when it could not be started
};

/// A running command. Destroying it kills the command and everything it started.
class SpawnedProcess {
 public:
  /// Throws JobError when the system is out of processes or memory. A program that cannot be executed is reported by
  /// wait().
  explicit SpawnedProcess(const SpawnRequest& request);
  SpawnedProcess(SpawnedProcess&&) = default;
  SpawnedProcess& operator=(SpawnedProcess&&) = default;

  /// Becomes readable when the command has ended.
  int status_fd() const { return control_.get(); }
  /// Waits until the command has ended; by then everything it started is gone as well.
  ExitStatus wait();
  /// Kills the command and everything it started, and waits until they are gone.
  void kill();

 private:
  FileDescriptor control_;
};

}  // namespace mote
