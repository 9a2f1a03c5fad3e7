#include "device/connection.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace mote::device {

using std::chrono::milliseconds;

namespace {

/// Waits for `events`; false when the deadline passes first.
bool wait_for(int fd, short events, Connection::Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Connection::Clock::now()).count();
    pollfd poll{fd, events, 0};
    const int ready = ::poll(&poll, 1, left > 0 ? static_cast<int>(left) : 0);
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) return true;  // the following call reports it
  }
}

FileDescriptor connect_to(const addrinfo& address, Connection::Clock::time_point deadline, int& error) {
  FileDescriptor fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) return fd;
  error = errno;
  if (error != EINPROGRESS) return FileDescriptor();
  error = ETIMEDOUT;
  if (!wait_for(fd.get(), POLLOUT, deadline)) return FileDescriptor();
  socklen_t size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? std::move(fd) : FileDescriptor();
}

}  // namespace

Endpoint parse_endpoint(const std::string& text, const std::string& what) {
  const size_t colon = text.rfind(':');
  const std::string digits = colon == std::string::npos ? "" : text.substr(colon + 1);
  const bool plain =
      !digits.empty() && digits.size() <= 5 && digits.find_first_not_of("0123456789") == std::string::npos;
  const int port = plain ? std::stoi(digits) : 0;
  if (colon == 0 || port < 1 || port > 65535) throw InputError(what, "needs HOST:PORT, such as localhost:3333");
  return {text.substr(0, colon), static_cast<uint16_t>(port)};
}

Connection::Connection(const Endpoint& endpoint, std::string name, milliseconds limit) : name_(std::move(name)) {
  const Clock::time_point deadline = Clock::now() + limit;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed = ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &list);
  if (failed != 0) throw ConnectionError(fmt::format("{}: {}: {}", name_, endpoint.host, ::gai_strerror(failed)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(list, ::freeaddrinfo);
  int error = 0;
  for (const addrinfo* address = list; address && !socket_.valid(); address = address->ai_next) {
    socket_ = connect_to(*address, deadline, error);
  }
  if (!socket_.valid()) {
    throw ConnectionError(fmt::format("{}: nobody answers at {} port {} ({}); is the server running there?", name_,
                                      endpoint.host, endpoint.port, std::strerror(error)));
  }
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void Connection::send(std::string_view bytes, milliseconds limit) {
  const Clock::time_point deadline = Clock::now() + limit;
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for(socket_.get(), POLLOUT, deadline)) throw ConnectionError(name_ + ": the peer takes no more data");
    } else if (errno != EINTR) {
      throw ConnectionError(fmt::format("{}: the connection was lost ({})", name_, std::strerror(errno)));
    }
  }
}

std::optional<char> Connection::next(Clock::time_point deadline) {
  while (position_ == received_.size()) {
    received_.resize(65536);
    position_ = 0;
    const ssize_t size = ::recv(socket_.get(), received_.data(), received_.size(), 0);
    const int error = errno;
    received_.resize(size > 0 ? static_cast<size_t>(size) : 0);
    if (size == 0) throw ConnectionError(name_ + ": the peer closed the connection");
    if (size > 0) break;
    if (error == EAGAIN || error == EWOULDBLOCK) {
      if (!wait_for(socket_.get(), POLLIN, deadline)) return std::nullopt;
    } else if (error != EINTR) {
      throw ConnectionError(fmt::format("{}: the connection was lost ({})", name_, std::strerror(error)));
    }
  }
  return received_[position_++];
}

}  // namespace mote::device
