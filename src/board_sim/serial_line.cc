#include "board_sim/serial_line.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "support/error.h"

namespace mote::board_sim {
namespace {

constexpr size_t kMostKept = 64u << 10;

void set_nonblocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

}  // namespace

SerialLine::SerialLine(const std::string& where) : name_(where) {
  if (where == "stdout") return;
  if (where == "pty") {
    open_terminal();
  } else {
    listener_ = std::make_unique<Listener>(where);
    name_ = listener_->name();
  }
}

void SerialLine::open_terminal() {
  fd_ = FileDescriptor(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  char path[128] = {};
  if (!fd_.valid() || grantpt(fd_.get()) != 0 || unlockpt(fd_.get()) != 0 ||
      ptsname_r(fd_.get(), path, sizeof path) != 0) {
    throw JobError("no terminal is to be had for --uart pty");
  }
  name_ = path;
  terminal_ = FileDescriptor(::open(path, O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios settings{};
  if (!terminal_.valid() || tcgetattr(terminal_.get(), &settings) != 0) throw JobError(name_ + ": cannot be opened");
  cfmakeraw(&settings);  // bytes pass unchanged, and are not sent back
  tcsetattr(terminal_.get(), TCSANOW, &settings);
  set_nonblocking(fd_.get());
}

/// Takes the peer that waits at the socket, if there is one and none yet.
void SerialLine::accept() {
  if (!listener_ || fd_.valid() || !listener_->ready()) return;
  fd_ = FileDescriptor(listener_->accept());
  set_nonblocking(fd_.get());
  send_to(kept_);
  kept_.clear();
}

void SerialLine::send(std::string_view bytes) {
  if (!listener_ && !fd_.valid()) {
    std::fwrite(bytes.data(), 1, bytes.size(), stdout);
    return;
  }
  accept();
  if (fd_.valid()) return send_to(bytes);
  kept_ += bytes;
  if (kept_.size() > kMostKept) kept_.erase(0, kept_.size() - kMostKept);
}

void SerialLine::send_to(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EPIPE || errno == ECONNRESET)) fd_.reset();  // the peer has gone: wait for another
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

std::optional<uint8_t> SerialLine::receive() {
  accept();
  if (!fd_.valid()) return std::nullopt;
  uint8_t byte = 0;
  const ssize_t count = read(fd_.get(), &byte, 1);
  if (count == 1) return byte;
  if (count == 0 && listener_) fd_.reset();
  return std::nullopt;
}

}  // namespace mote::board_sim
