#include "support/subprocess.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "support/data_dir.h"
#include "support/error.h"

extern char** environ;

namespace mote {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

bool is_executable(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

struct Pipe {
  FileDescriptor read, write;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw JobError(fmt::format("no pipe can be made: {}", std::strerror(errno)));
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> result;
  for (char** at = environ; *at; ++at) {
    const std::string_view variable = *at;
    bool replaced = false;
    for (const auto& [name, value] : command.environment) replaced |= variable.starts_with(name + "=");
    if (!replaced) result.emplace_back(variable);
  }
  for (const auto& [name, value] : command.environment) result.push_back(name + "=" + value);
  return result;
}

SpawnRequest request_for(const Command& command) {
  check(!command.arguments.empty(), "a command needs a program");
  const std::optional<fs::path> program = find_program(command.arguments[0]);
  if (!program) throw JobError(fmt::format("{}: no such program", command.arguments[0]));
  SpawnRequest request;
  request.program = program->string();
  request.arguments = command.arguments;
  request.environment = environment_of(command);
  request.folder = command.folder;
  return request;
}

/// Reads what there is; false at the end of the stream.
bool drain(int fd, std::string& text, size_t limit) {
  char chunk[65536];
  const ssize_t size = ::read(fd, chunk, sizeof chunk);
  if (size < 0) return errno == EINTR || errno == EAGAIN;
  if (text.size() < limit) text.append(chunk, std::min(static_cast<size_t>(size), limit - text.size()));
  return size > 0;
}

/// Writes some of `input`; false when there is nothing more to write or nobody reads.
bool feed(int fd, const std::string& input, size_t& position) {
  const ssize_t size = ::write(fd, input.data() + position, input.size() - position);
  if (size < 0) return errno == EINTR || errno == EAGAIN;
  position += static_cast<size_t>(size);
  return position < input.size();
}

/// SIGPIPE must not end us when a command closes its input early.
class IgnoreBrokenPipe {
 public:
  IgnoreBrokenPipe() {
    sigemptyset(&broken_pipe_);
    sigaddset(&broken_pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &broken_pipe_, &before_);
  }
  ~IgnoreBrokenPipe() {
    const timespec now{};
    while (::sigtimedwait(&broken_pipe_, nullptr, &now) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  IgnoreBrokenPipe(const IgnoreBrokenPipe&) = delete;

 private:
  sigset_t broken_pipe_, before_;
};

}  // namespace

std::optional<fs::path> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return is_executable(name) ? std::optional<fs::path>(name) : std::nullopt;
  const char* path = std::getenv("PATH");
  std::string_view folders = path ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!name.empty() && !folders.empty()) {
    const size_t colon = std::min(folders.find(':'), folders.size());
    const fs::path candidate = fs::path(folders.substr(0, colon)) / name;
    if (is_executable(candidate)) return candidate;
    folders.remove_prefix(std::min(colon + 1, folders.size()));
  }
  return std::nullopt;
}

std::optional<fs::path> find_own_program(const std::string& name) {
  const fs::path folder = own_program().parent_path();
  if (is_executable(folder / name)) return folder / name;
  // A test program runs from somewhere inside the build folder; the programs are at its top.
  for (fs::path up = folder; up.has_relative_path(); up = up.parent_path()) {
    if (fs::exists(up / "CMakeCache.txt")) {
      if (is_executable(up / name)) return up / name;
      break;
    }
  }
  return find_program(name);
}

CommandResult run_command(const Command& command) {
  SpawnRequest request = request_for(command);
  Pipe in, out = make_pipe(), err = make_pipe();
  if (!command.input.empty()) in = make_pipe();
  request.standard_files[0] = in.read.get();
  request.standard_files[1] = out.write.get();
  request.standard_files[2] = err.write.get();
  SpawnedProcess process(request);
  in.read.reset();
  out.write.reset();
  err.write.reset();
  for (const FileDescriptor* fd : {&in.write, &out.read, &err.read}) {
    if (fd->valid()) ::fcntl(fd->get(), F_SETFL, O_NONBLOCK);
  }

  const IgnoreBrokenPipe ignore;
  const steady_clock::time_point end = steady_clock::now() + command.limit;
  CommandResult result;
  size_t written = 0;
  while (out.read.valid() || err.read.valid()) {
    int wait = -1;
    if (command.limit.count() > 0) {
      wait = static_cast<int>(std::chrono::ceil<milliseconds>(end - steady_clock::now()).count());
      if (wait <= 0) {
        result.timed_out = true;
        process.kill();
        return result;
      }
    }
    pollfd polls[3] = {{in.write.get(), POLLOUT, 0}, {out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}};
    if (::poll(polls, 3, wait) < 0 && errno != EINTR) throw JobError("poll failed");
    if (polls[0].revents && !feed(in.write.get(), command.input, written)) in.write.reset();
    if (polls[1].revents && !drain(out.read.get(), result.out, command.output_limit)) out.read.reset();
    if (polls[2].revents && !drain(err.read.get(), result.err, command.output_limit)) err.read.reset();
  }
  const ExitStatus status = process.wait();
  if (status.spawn_error != 0) {
    throw JobError(fmt::format("{} cannot be run: {}", request.program, std::strerror(status.spawn_error)));
  }
  result.exit_code = status.exit_code;
  result.signal = status.signal;
  return result;
}

BackgroundProcess::BackgroundProcess(const Command& command, FileDescriptor input)
    : output_limit_(command.output_limit) {
  SpawnRequest request = request_for(command);
  Pipe pipe = make_pipe();
  request.standard_files[0] = input.get();
  request.standard_files[1] = request.standard_files[2] = pipe.write.get();
  process_.emplace(request);
  pipe.write.reset();
  reader_ = std::thread(&BackgroundProcess::collect, this, std::move(pipe.read));
}

BackgroundProcess::~BackgroundProcess() {
  kill();
}

void BackgroundProcess::collect(FileDescriptor pipe) {
  bool open = true;
  while (open) {
    std::string chunk;
    open = drain(pipe.get(), chunk, ~size_t{0});
    const std::lock_guard<std::mutex> lock(mutex_);
    output_ += chunk;
    if (output_.size() > output_limit_) output_.erase(0, output_.size() - output_limit_);
    closed_ = !open;
    changed_.notify_all();
  }
}

std::string BackgroundProcess::output() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return output_;
}

std::optional<std::string> BackgroundProcess::wait_for_line(const std::function<bool(const std::string&)>& wanted,
                                                            milliseconds limit) {
  const steady_clock::time_point end = steady_clock::now() + limit;
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    size_t begin = 0;
    for (size_t newline; (newline = output_.find('\n', begin)) != std::string::npos; begin = newline + 1) {
      const std::string line = output_.substr(begin, newline - begin);
      if (wanted(line)) return line;
    }
    if (closed_ || changed_.wait_until(lock, end) == std::cv_status::timeout) return std::nullopt;
  }
}

bool BackgroundProcess::running() {
  if (!process_) return false;
  pollfd poll{process_->status_fd(), POLLIN, 0};
  return ::poll(&poll, 1, 0) == 0;
}

void BackgroundProcess::kill() {
  if (process_) process_->kill();
  process_.reset();
  if (reader_.joinable()) reader_.join();
}

}  // namespace mote
