#include "support/spawner.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include "support/error.h"

namespace mote {

int FileDescriptor::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}
void FileDescriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}
FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

namespace {

constexpr size_t kMaxRequest = 200'000;  // a message must fit a socket's default buffer
constexpr int kFilesPassed = 4;          // control socket, stdin, stdout, stderr

// The request as it crosses the socket: this header, then NUL-terminated strings: program, folder, arguments,
// environment.
struct Header {
  uint32_t arguments, environment;
};

// ---------------------------------------------------------------------------------------------- in the forked
// processes Nothing here allocates: the server is forked from a program that may have threads.

struct ServerBuffers {
  char message[kMaxRequest];
  char* strings[kMaxRequest / 2];
};

void reset_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Kills every descendant of this subreaper, then reaps them. Children of the killed become ours, hence the loop.
/// `group`: their process group if it surely still is theirs, or 0.
void kill_descendants(pid_t group) {
  char path[64], text[4096];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/children", static_cast<int>(::getpid()));
  for (;;) {
    if (group > 0) ::kill(-group, SIGKILL);
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
      const ssize_t size = ::read(fd, text, sizeof text - 1);
      ::close(fd);
      text[size > 0 ? size : 0] = '\0';
      for (char *at = text, *end = nullptr;; at = end) {
        const long pid = std::strtol(at, &end, 10);
        if (end == at || (*end != ' ' && *end != '\0')) break;
        if (pid > 0) ::kill(static_cast<pid_t>(pid), SIGKILL);
      }
    }
    if (::waitpid(-1, nullptr, 0) < 0 && errno == ECHILD) return;
  }
}

[[noreturn]] void become_command(char** strings, const Header& header, const int* files, int error_pipe) {
  reset_signals();
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // should the supervisor itself be killed
  char* program = strings[0];
  char* folder = strings[1];
  char** arguments = strings + 2;
  // `arguments` and the environment need a null between them: move the arguments down over program and folder.
  for (uint32_t i = 0; i < header.arguments; ++i) strings[i] = arguments[i];
  strings[header.arguments] = nullptr;
  char** environment = strings + 2 + header.arguments;
  environment[header.environment] = nullptr;
  bool ok = folder[0] == '\0' || ::chdir(folder) == 0;
  for (int i = 0; ok && i < 3; ++i) ok = ::dup2(files[i], i) == i;
  if (ok) ::execve(program, strings, environment);
  const int error = errno;
  if (::write(error_pipe, &error, sizeof error) < 0) ::_exit(126);
  ::_exit(127);
}

/// Runs one command; `files` are control socket, stdin, stdout, stderr, all close-on-exec.
[[noreturn]] void supervise(char** strings, const Header& header, const int* files) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_NAME, "mote-supervise");
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child_signal, nullptr);
  const int signals = ::signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
  int error_pipe[2];
  ExitStatus status;
  const int control = files[0];
  pid_t child = -1;
  if (signals < 0 || ::pipe2(error_pipe, O_CLOEXEC) != 0 || (child = ::fork()) < 0) {
    status.spawn_error = errno;
  } else if (child == 0) {
    become_command(strings, header, files + 1, error_pipe[1]);
  }
  for (int i = 1; i < kFilesPassed; ++i) ::close(files[i]);
  if (child > 0) {
    ::setpgid(child, child);  // both sides do it, so that it is done before either goes on
    ::close(error_pipe[1]);
    bool ended = false;
    while (!ended) {
      pollfd polls[2] = {{control, POLLIN, 0}, {signals, POLLIN, 0}};
      if (::poll(polls, 2, -1) < 0 && errno != EINTR) break;
      if (polls[0].revents != 0) break;  // nobody waits any more
      signalfd_siginfo info;
      while (::read(signals, &info, sizeof info) > 0) {
      }
      int code = 0;
      for (pid_t pid; (pid = ::waitpid(-1, &code, WNOHANG)) > 0;) {
        if (pid != child) continue;
        ended = true;
        if (WIFEXITED(code)) status.exit_code = WEXITSTATUS(code);
        if (WIFSIGNALED(code)) status.signal = WTERMSIG(code);
      }
    }
    kill_descendants(ended ? 0 : child);
    if (::read(error_pipe[0], &status.spawn_error, sizeof status.spawn_error) < 0) ::_exit(1);
  }
  ::send(control, &status, sizeof status, MSG_NOSIGNAL);
  ::_exit(0);
}

/// Receives one request and its files; returns its size, 0 at the end of the world.
ssize_t receive(int socket, char* message, int* files) {
  alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int) * kFilesPassed)];
  iovec part{message, kMaxRequest};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = ancillary;
  header.msg_controllen = sizeof ancillary;
  ssize_t size = 0;
  while ((size = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  const cmsghdr* item = size > 0 ? CMSG_FIRSTHDR(&header) : nullptr;
  if (!item || item->cmsg_len != CMSG_LEN(sizeof(int) * kFilesPassed)) return 0;
  std::memcpy(files, CMSG_DATA(item), sizeof(int) * kFilesPassed);
  return size;
}

[[noreturn]] void serve(int socket, ServerBuffers& buffers) {
  reset_signals();
  ::setsid();  // the terminal's Ctrl-C is ours to handle: when we end, so do they
  ::prctl(PR_SET_NAME, "mote-spawn");
  ::signal(SIGCHLD, SIG_IGN);  // supervisors are reaped by the system
  const int null = ::open("/dev/null", O_RDWR);
  for (int i = 0; i < 3; ++i) ::dup2(null, i);
  ::dup2(socket, 3);
  ::close_range(4, ~0u, 0);
  ::fcntl(3, F_SETFD, FD_CLOEXEC);
  int files[kFilesPassed];
  for (ssize_t size; (size = receive(3, buffers.message, files)) > 0;) {
    if (::fork() == 0) {
      ::close(3);
      ::signal(SIGCHLD, SIG_DFL);
      Header header;
      std::memcpy(&header, buffers.message, sizeof header);
      size_t count = 0;
      for (char* at = buffers.message + sizeof header; at < buffers.message + size; at += std::strlen(at) + 1) {
        buffers.strings[count++] = at;
      }
      supervise(buffers.strings, header, files);
    }
    for (int fd : files) ::close(fd);  // a failed fork shows as a closed control socket
  }
  ::_exit(0);
}

// ------------------------------------------------------------------------------------------------------ in our process

/// The socket to the server, which is started when it is needed and again should it have died.
class Server {
 public:
  static Server& instance() {
    static Server server;
    return server;
  }

  void send(const std::vector<char>& message, const std::array<int, kFilesPassed>& files) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (!socket_.valid()) start();
      if (try_send(message, files)) return;
      socket_.reset();
    }
    throw JobError("no process can be started: the process that starts them was killed");
  }

 private:
  void start() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) fail("socketpair");
    const FileDescriptor theirs(ends[1]);
    socket_ = FileDescriptor(ends[0]);
    static ServerBuffers buffers;  // untouched in our process
    const pid_t pid = ::fork();
    if (pid < 0) fail("fork");
    if (pid == 0) {
      if (::fork() == 0) serve(ends[1], buffers);  // twice: nobody has to wait for the server
      ::_exit(0);
    }
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  bool try_send(const std::vector<char>& message, const std::array<int, kFilesPassed>& files) {
    alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int) * kFilesPassed)] = {};
    iovec part{const_cast<char*>(message.data()), message.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = ancillary;
    header.msg_controllen = sizeof ancillary;
    cmsghdr* item = CMSG_FIRSTHDR(&header);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(sizeof(int) * kFilesPassed);
    std::memcpy(CMSG_DATA(item), files.data(), sizeof(int) * kFilesPassed);
    ssize_t sent = 0;
    while ((sent = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL)) < 0 && errno == EINTR) {
    }
    if (sent < 0 && errno == EMSGSIZE) throw JobError("a command line is too long for this system");
    return sent == static_cast<ssize_t>(message.size());
  }

  [[noreturn]] static void fail(const char* what) {
    throw JobError(fmt::format("no process can be started: {}: {}", what, std::strerror(errno)));
  }

  std::mutex mutex_;
  FileDescriptor socket_;
};

void append(std::vector<char>& message, const std::string& text) {
  if (text.find('\0') != std::string::npos) throw JobError("a command's argument has a NUL character in it");
  message.insert(message.end(), text.c_str(), text.c_str() + text.size() + 1);
}

}  // namespace

SpawnedProcess::SpawnedProcess(const SpawnRequest& request) {
  const Header header{static_cast<uint32_t>(request.arguments.size()),
                      static_cast<uint32_t>(request.environment.size())};
  std::vector<char> message(sizeof header);
  std::memcpy(message.data(), &header, sizeof header);
  append(message, request.program);
  append(message, request.folder);
  for (const std::string& argument : request.arguments) append(message, argument);
  for (const std::string& variable : request.environment) append(message, variable);
  if (message.size() > kMaxRequest) throw JobError("a command line is too long: " + request.program);

  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw JobError("out of file descriptors");
  control_ = FileDescriptor(ends[0]);
  const FileDescriptor theirs(ends[1]);
  const FileDescriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  std::array<int, kFilesPassed> files = {theirs.get(), 0, 0, 0};
  for (size_t i = 0; i < 3; ++i) {
    const int file = request.standard_files[i];
    files[i + 1] = file >= 0 ? file : null.get();
  }
  Server::instance().send(message, files);
}

ExitStatus SpawnedProcess::wait() {
  ExitStatus status;
  ssize_t size = 0;
  while ((size = ::recv(control_.get(), &status, sizeof status, 0)) < 0 && errno == EINTR) {
  }
  control_.reset();
  if (size != sizeof status) {
    status = ExitStatus();
    status.signal = SIGKILL;  // the supervisor itself was killed, and the command with it
  }
  return status;
}

void SpawnedProcess::kill() {
  if (!control_.valid()) return;
  ::shutdown(control_.get(), SHUT_WR);
  wait();
}

}  // namespace mote
