// Running other programs: no shell, a time limit, and nothing left behind (see support/spawner.h).
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/spawner.h"

namespace mote {

/// The path of program `name`: itself when it has a slash, else from PATH; nothing when there is none to execute.
std::optional<std::filesystem::path> find_program(const std::string& name);

/// A program of our own: beside the running program, in the build folder it was built in, or from PATH.
std::optional<std::filesystem::path> find_own_program(const std::string& name);

struct Command {
  std::vector<std::string> arguments;                            // [0] is the program, looked up with find_program()
  std::string input;                                             // its standard input
  std::chrono::milliseconds limit{0};                            // killed after this; 0: no limit
  std::vector<std::pair<std::string, std::string>> environment;  // set on top of our own
  std::string folder;                                            // working directory; "" for ours
  size_t output_limit = 64u << 20;  // bytes kept of each of out and err; the rest is dropped
};

struct CommandResult {
  int exit_code = -1;  // when it exited by itself
  int signal = 0;      // when a signal ended it
  bool timed_out = false;
  std::string out, err;
  bool ok() const { return exit_code == 0; }
};

/// Runs a command to its end. Throws JobError when the program does not exist or cannot be started.
CommandResult run_command(const Command& command);

/// A command that runs beside us. What it prints on standard output and standard error is collected, both in one text,
/// so it never blocks on a full pipe. Destroying it kills it and everything it started.
class BackgroundProcess {
 public:
  /// Throws JobError like run_command(). `input` becomes its standard input; by default that is empty.
  explicit BackgroundProcess(const Command& command, FileDescriptor input = {});
  ~BackgroundProcess();
  BackgroundProcess(const BackgroundProcess&) = delete;
  BackgroundProcess& operator=(const BackgroundProcess&) = delete;

  /// Everything printed so far (the last output_limit bytes of it).
  std::string output();
  /// Waits for a complete line that `wanted` accepts, looking at every line since the start. Nothing when the process
  /// ends or `limit` passes first.
  std::optional<std::string> wait_for_line(const std::function<bool(const std::string&)>& wanted,
                                           std::chrono::milliseconds limit);
  bool running();
  void kill();

 private:
  void collect(FileDescriptor pipe);

  size_t output_limit_;
  std::optional<SpawnedProcess> process_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string output_;   // guarded by mutex_
  bool closed_ = false;  // guarded by mutex_: nothing more will be printed
  std::thread reader_;
};

}  // namespace mote
