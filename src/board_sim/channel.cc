#include "board_sim/channel.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "support/error.h"

namespace mote::board_sim {
namespace {

constexpr size_t kChunk = 1 << 17;  // bytes per read

bool has_input(int fd, int milliseconds) {
  pollfd wanted{fd, POLLIN, 0};
  return ::poll(&wanted, 1, milliseconds) > 0;
}

std::optional<uint16_t> port_number(const std::string& text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

/// A process that was killed leaves its socket behind, and nobody listens there any more.
void remove_if_abandoned(const sockaddr_un& place) {
  struct stat status {};
  if (stat(place.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool abandoned = connect(fd, reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0;
  if (abandoned && errno == ECONNREFUSED) unlink(place.sun_path);
  close(fd);
}

}  // namespace

Channel::Channel(int fd, std::vector<int> others, std::function<void(size_t)> on_other)
    : fd_(fd), others_(std::move(others)), on_other_(std::move(on_other)) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // fails on a Unix socket, which does not need it
}

Channel::~Channel() {
  close(fd_);
}

bool Channel::wait_for_input(bool forever) {
  std::vector<pollfd> wanted{{fd_, POLLIN, 0}};
  for (const int other : others_) wanted.push_back({other, POLLIN, 0});
  for (;;) {
    if (::poll(wanted.data(), wanted.size(), forever ? -1 : 0) <= 0 && !forever) return false;
    if (wanted[0].revents != 0) return true;
    for (size_t i = 0; i < others_.size(); ++i) {
      if (wanted[i + 1].revents != 0) on_other_(i);
    }
    if (!forever) return false;
  }
}

bool Channel::receive(std::string& bytes, bool wait) {
  if (!wait_for_input(wait)) return true;
  static thread_local std::string chunk(kChunk, '\0');
  ssize_t count = 0;
  do {
    count = read(fd_, chunk.data(), chunk.size());
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return false;
  bytes.append(chunk, 0, static_cast<size_t>(count));
  return true;
}

bool Channel::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

Listener::Listener(const std::string& address) : name_(address) {
  const auto fail = [&](const char* doing) {
    throw JobError(fmt::format("{}: cannot {}: {}", address, doing, std::strerror(errno)));
  };
  if (const std::optional<uint16_t> port = port_number(address)) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    place.sin_port = htons(*port);
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) fail("bind");
    socklen_t size = sizeof place;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&place), &size);
    name_ = std::to_string(ntohs(place.sin_port));
  } else {
    sockaddr_un place{};
    place.sun_family = AF_UNIX;
    if (address.find('/') == std::string::npos || address.size() >= sizeof place.sun_path) {
      throw InputError(address, "is neither a port number nor the path of a socket (with a slash)");
    }
    std::memcpy(place.sun_path, address.data(), address.size());
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    remove_if_abandoned(place);
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) fail("bind");
    path_ = address;
  }
  if (listen(fd_, 4) != 0) fail("listen");
}

Listener::~Listener() {
  if (fd_ >= 0) close(fd_);
  if (!path_.empty()) unlink(path_.c_str());
}

int Listener::accept() {
  int fd = -1;
  do {
    fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) throw JobError(fmt::format("{}: cannot accept: {}", name_, std::strerror(errno)));
  return fd;
}

bool Listener::ready() const {
  return has_input(fd_, 0);
}

}  // namespace mote::board_sim
