#include "device/host.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "device/host_protocol.h"
#include "support/subprocess.h"

namespace mote::device {

using std::chrono::milliseconds;

namespace {

class Host : public Device {
 public:
  explicit Host(const target::Board& board);
  ~Host() override { ::munmap(bytes_, size_); }

  std::string name() const override { return "host"; }
  void read(uint32_t address, std::span<std::byte> out) override {
    std::memcpy(out.data(), at(address, out.size(), "read"), out.size());
  }
  void write(uint32_t address, std::span<const std::byte> bytes) override {
    std::memcpy(at(address, bytes.size(), "write"), bytes.data(), bytes.size());
  }
  Stop run(const Registers& registers, uint32_t until, milliseconds limit) override;
  Stop resume(milliseconds) override { throw JobError("host: this computer boots no firmware of ours"); }
  void reset() override {
    socket_.reset();
    process_.reset();
    ensure_running();
  }
  void program(uint32_t, std::span<const std::byte>) override { throw JobError("host: this computer has no flash"); }
  bool transfers_are_fast() const override { return true; }
  std::string take_output() override { return ""; }

 private:
  std::byte* at(uint32_t address, size_t size, const char* what) const;
  void ensure_running();
  std::optional<mote_host_stop> receive(milliseconds limit);

  target::Board board_;
  mote_host_setup setup_{};
  FileDescriptor memory_;
  std::byte* bytes_ = nullptr;
  size_t size_ = 0;
  FileDescriptor socket_;
  std::optional<BackgroundProcess> process_;
};

Host::Host(const target::Board& board) : board_(board) {
  for (const target::MemoryRegion& region : board.regions) {
    if (setup_.count == MOTE_HOST_REGIONS) throw InputError(board.file, "has too many memory regions");
    setup_.regions[setup_.count++] = {region.address, region.size};
    size_ += region.size;
  }
  memory_ = FileDescriptor(::memfd_create("mote-host", MFD_CLOEXEC));
  void* mapped = MAP_FAILED;
  if (memory_.valid() && ::ftruncate(memory_.get(), static_cast<off_t>(size_)) == 0) {
    mapped = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, memory_.get(), 0);
  }
  if (mapped == MAP_FAILED) throw JobError(fmt::format("host: no memory of {} bytes: {}", size_, std::strerror(errno)));
  bytes_ = static_cast<std::byte*>(mapped);
}

std::byte* Host::at(uint32_t address, size_t size, const char* what) const {
  std::byte* region = bytes_;
  for (uint32_t i = 0; i < setup_.count; ++i) {
    const uint64_t begin = setup_.regions[i].address, end = begin + setup_.regions[i].size;
    if (address >= begin && address + size <= end) return region + (address - begin);
    region += setup_.regions[i].size;
  }
  throw AccessError(fmt::format("host: cannot {} {} bytes at {:#x}", what, size, address));
}

void Host::ensure_running() {
  if (process_ && socket_.valid()) return;
  const std::optional<std::filesystem::path> program = find_own_program("mote-host");
  if (!program)
    throw JobError("mote-host, which runs kernels on this computer, not found: it is built and installed beside mote");
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw JobError("host: no socket");
  socket_ = FileDescriptor(ends[0]);
  Command command;
  command.arguments = {program->string()};
  process_.emplace(command, FileDescriptor(ends[1]));

  alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {};
  iovec part{&setup_, sizeof setup_};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = ancillary;
  header.msg_controllen = sizeof ancillary;
  cmsghdr* item = CMSG_FIRSTHDR(&header);
  item->cmsg_level = SOL_SOCKET;
  item->cmsg_type = SCM_RIGHTS;
  item->cmsg_len = CMSG_LEN(sizeof(int));
  const int fd = memory_.get();
  std::memcpy(CMSG_DATA(item), &fd, sizeof fd);
  const bool sent = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof setup_);
  const std::optional<mote_host_stop> ready = sent ? receive(board_.limits.connect) : std::nullopt;
  if (!ready || ready->kind != MOTE_HOST_READY) {
    const std::string why = ready ? std::strerror(ready->signal) : process_->output();
    socket_.reset();
    throw ConnectionError(fmt::format("host: mote-host cannot map the memory of {}: {}", board_.name, why));
  }
}

/// The process's next word; nothing when it is gone or the limit passes.
std::optional<mote_host_stop> Host::receive(milliseconds limit) {
  pollfd poll{socket_.get(), POLLIN, 0};
  mote_host_stop stop{};
  const int ready = ::poll(&poll, 1, static_cast<int>(limit.count()));
  if (ready <= 0 || ::recv(socket_.get(), &stop, sizeof stop, 0) != static_cast<ssize_t>(sizeof stop))
    return std::nullopt;
  return stop;
}

Stop Host::run(const Registers& registers, uint32_t until, milliseconds limit) {
  ensure_running();
  const mote_host_run request{registers.r[15] & ~1u, registers.r[13],
                              static_cast<uint32_t>(std::max<int64_t>(limit.count(), 1))};
  std::optional<mote_host_stop> seen;
  if (::send(socket_.get(), &request, sizeof request, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof request)) {
    seen = receive(limit + board_.limits.reply);
  }
  Stop stop;
  stop.registers = registers;
  stop.registers.r[15] = until;
  if (seen && seen->kind == MOTE_HOST_RETURNED) return stop;
  socket_.reset();  // the process is gone, or must go
  process_.reset();
  stop.kind = Stop::Kind::kFault;
  if (!seen) {
    stop.text = "the process ended, or answers no more";
    return stop;
  }
  stop.registers.r[13] = static_cast<uint32_t>(seen->sp);
  stop.registers.r[15] = static_cast<uint32_t>(seen->pc);
  if (seen->kind == MOTE_HOST_TIMEOUT) {
    stop.kind = Stop::Kind::kTimeout;
    stop.text = fmt::format("still running at {:#x} when its time was up", seen->pc);
  } else {
    stop.text = fmt::format("{} at {:#x}, address {:#x}", ::strsignal(seen->signal), seen->pc, seen->address);
  }
  return stop;
}

}  // namespace

std::unique_ptr<Device> open_host(const target::Board& board) {
  if (board.target.cortex_m())
    throw InputError("--via host", "runs code for this computer, not for " + board.target.name);
  return std::make_unique<Host>(board);
}

}  // namespace mote::device
