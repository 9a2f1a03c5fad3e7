#include "device/gdb_device.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "device/flash.h"
#include "device/lockup.h"

namespace mote::device {

using std::chrono::milliseconds;

namespace {

constexpr uint32_t kThumb = 1u << 24;  // xPSR.T: a Cortex-M executes nothing without it
constexpr uint32_t kAircr = 0xE000ED0C, kSysResetRequest = 0x05FA0004;

/// GDB's signal numbers that stand for a fault, and their names.
std::string fault_of(int signal) {
  switch (signal) {
    case 4:
      return "illegal instruction";
    case 7:
      return "emulator trap";
    case 8:
      return "arithmetic error";
    case 10:
      return "bus error";
    case 11:
      return "invalid memory access";
    default:
      return "";
  }
}

int hex_byte(std::string_view text) {
  const std::optional<Bytes> byte = text.size() >= 2 ? from_hex(text.substr(0, 2)) : std::nullopt;
  return byte ? std::to_integer<int>((*byte)[0]) : -1;
}

}  // namespace

GdbDevice::GdbDevice(const Endpoint& endpoint, std::string name, const target::Board& board)
    : endpoint_(endpoint), name_(std::move(name)), board_(board) {}

GdbRemote& GdbDevice::remote() {
  if (!remote_) {
    breakpoint_.reset();
    connected_ = peer();
    remote_.emplace(connected_, name_, board_.limits);
  }
  return *remote_;
}

void GdbDevice::give_up(const ConnectionError& error) {
  const std::string said = peer_output();
  const size_t tail = said.size() > 500 ? said.size() - 500 : 0;
  throw ConnectionError(said.empty() ? error.what()
                                     : fmt::format("{}\nIts last words:\n{}", error.what(), said.substr(tail)));
}

/// Runs an operation that may be done twice; a second time after the connection was lost and made again, if memory
/// survived.
template <typename Operation>
void GdbDevice::retried(Operation operation) {
  const uint64_t before = incarnation_;
  const bool fresh = !remote_;
  try {
    operation(remote());
  } catch (const ConnectionError& error) {
    if (remote_) output_ += remote_->take_output();
    remote_.reset();
    if (fresh) give_up(error);
    try {
      remote();
      if (incarnation_ != before) throw ConnectionError(std::string(error.what()) + "; it was started again");
      operation(*remote_);
    } catch (const ConnectionError& second) {
      give_up(second);
    }
  }
}

void GdbDevice::read(uint32_t address, std::span<std::byte> out) {
  retried([&](GdbRemote& remote) { remote.read(address, out); });
}

void GdbDevice::write(uint32_t address, std::span<const std::byte> bytes) {
  retried([&](GdbRemote& remote) { remote.write(address, bytes); });
}

Stop GdbDevice::interpret(const std::optional<std::string>& reply) {
  Stop stop;
  if (!reply) {
    stop.kind = Stop::Kind::kTimeout;
    stop.registers = remote().registers();
    stop.text = fmt::format("still running at {:#x} when its time was up", stop.registers.r[15]);
    return stop;
  }
  const char kind = reply->empty() ? '\0' : (*reply)[0];
  const int number = hex_byte(std::string_view(*reply).substr(std::min<size_t>(1, reply->size())));
  if (kind == 'W') {
    stop.kind = Stop::Kind::kExit;
    stop.exit_code = number;
    stop.text = fmt::format("exit with code {}", number);
    return stop;
  }
  if ((kind != 'T' && kind != 'S') || number < 0) {
    throw ConnectionError(fmt::format("{}: answers \"{}\" instead of why it stopped", name_, reply->substr(0, 60)));
  }
  stop.registers = remote().registers();
  const uint32_t pc = stop.registers.r[15] & ~1u;
  const std::string fault = fault_of(number);
  if (running_until_ && pc == *running_until_) return stop;
  const bool locked_up = is_lockup(*this, stop.registers);
  stop.kind = locked_up ? Stop::Kind::kLockup : Stop::Kind::kFault;
  stop.text = locked_up       ? fmt::format("locked up at {:#x}", pc)
              : fault.empty() ? fmt::format("stopped at {:#x} (signal {})", pc, number)
                              : fmt::format("{} at {:#x}", fault, pc);
  return stop;
}

/// What the firmware asks of its host where the core stands: servers that do no semihosting tell of a breakpoint there.
std::optional<SemihostingAnswer> GdbDevice::asked_for(const Stop& stop) {
  if (stop.kind != Stop::Kind::kFault) return std::nullopt;
  try {
    uint16_t code = 0;
    remote().read(stop.registers.r[15] & ~1u, std::as_writable_bytes(std::span(&code, 1)));
    if (code != kSemihostingCall) return std::nullopt;
    return answer_semihosting(*this, stop.registers.r[0], stop.registers.r[1], output_);
  } catch (const AccessError&) {
    return std::nullopt;  // no code there, or a parameter that leads nowhere
  }
}

/// Lets the core go until it stops for another reason than semihosting, or `limit` has passed.
Stop GdbDevice::go_on(milliseconds limit) {
  const Connection::Clock::time_point end = Connection::Clock::now() + limit;
  for (;;) {
    const milliseconds left = std::chrono::duration_cast<milliseconds>(end - Connection::Clock::now());
    Stop stop = interpret(remote().resume(std::max(left, milliseconds(1))));
    const std::optional<SemihostingAnswer> wanted = asked_for(stop);
    if (!wanted) return stop;
    if (wanted->exit_code) {
      stop.kind = Stop::Kind::kExit;
      stop.exit_code = *wanted->exit_code;
      stop.text = fmt::format("exit with code {}", stop.exit_code);
      return stop;
    }
    remote().set_register(0, wanted->result);
    remote().set_register(15, (stop.registers.r[15] & ~1u) + 2);
  }
}

/// Runs an operation that lets the core go. It is not done twice, but the connection is made again for what follows.
template <typename Operation>
Stop GdbDevice::stopped(Operation operation) {
  try {
    return operation(remote());
  } catch (const ConnectionError& error) {
    if (remote_) output_ += remote_->take_output();
    remote_.reset();
    try {
      remote();
    } catch (const ConnectionError&) {
      remote_.reset();  // the first error says more
    }
    give_up(error);
  }
}

Stop GdbDevice::run(const Registers& registers, uint32_t until, milliseconds limit) {
  return stopped([&](GdbRemote& remote) {
    if (breakpoint_ != until) {
      if (breakpoint_) remote.clear_breakpoint(*breakpoint_);
      breakpoint_.reset();
      if (!remote.set_breakpoint(until)) throw ConnectionError(name_ + ": refuses to set a breakpoint");
      breakpoint_ = until;
    }
    remote.set_xpsr(registers.xpsr | kThumb);
    for (const int number : {13, 14}) remote.set_register(number, registers.r[number]);
    remote.set_register(15, registers.r[15] & ~1u);
    running_until_ = until;
    return go_on(limit);
  });
}

Stop GdbDevice::resume(milliseconds limit) {
  return stopped([&](GdbRemote& remote) {
    if (breakpoint_) remote.clear_breakpoint(*breakpoint_);
    breakpoint_.reset();
    running_until_.reset();
    return go_on(limit);
  });
}

void GdbDevice::reset_connected() {
  GdbRemote& server = remote();
  // Not every server sets breakpoints anew in a core that was reset.
  if (breakpoint_) server.clear_breakpoint(*breakpoint_);
  breakpoint_.reset();
  // OpenOCD, pyOCD and mote-board; QEMU; J-Link.
  for (const char* command : {"reset halt", "system_reset", "reset"}) {
    const std::optional<std::string> text = server.monitor(command);
    if (!text) continue;
    const auto says = [&](const char* word) { return text->find(word) != std::string::npos; };
    if (!says("nknown") && !says("nvalid") && !says("upported") && !says("rror")) return;
  }
  // No command of the server's: the core resets itself, and runs for a moment before it is halted.
  write_word(*this, kAircr, kSysResetRequest);
  remote().resume(milliseconds(1));
}

void GdbDevice::reset() {
  const bool fresh = !remote_;
  try {
    reset_connected();
  } catch (const ConnectionError& error) {
    remote_.reset();
    if (fresh) give_up(error);
    try {
      reset_connected();
    } catch (const ConnectionError& second) {
      remote_.reset();
      give_up(second);
    }
  }
}

void GdbDevice::let_go() {
  reset();
  if (breakpoint_) remote().clear_breakpoint(*breakpoint_);
  breakpoint_.reset();
  remote().detach();
  remote_.reset();
}

void GdbDevice::write_verified(uint32_t address, std::span<const std::byte> bytes) {
  write(address, bytes);
  Bytes back(bytes.size());
  read(address, back);
  if (!std::equal(back.begin(), back.end(), bytes.begin())) {
    throw JobError(fmt::format("{}: memory at {:#x} does not keep what is written to it", name_, address));
  }
}

void GdbDevice::program(uint32_t address, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const SectorRange range = sectors_around(board_, address, bytes.size());
  bool done = false;
  if (!board_.flash_controller.empty()) {
    Bytes whole;  // the sectors' other contents are kept
    retried([&](GdbRemote& remote) {
      if (whole.empty()) {
        whole.resize(range.size);
        remote.read(range.address, whole);
        std::copy(bytes.begin(), bytes.end(), whole.begin() + (address - range.address));
      }
      done = remote.program(range.address, whole, range.address, range.size);
    });
  }
  if (!done) {
    write_verified(address, bytes);
    return;
  }
  Bytes back(bytes.size());
  read(address, back);
  if (!std::equal(back.begin(), back.end(), bytes.begin())) {
    throw JobError(fmt::format("{}: flash at {:#x} differs from what was programmed", name_, address));
  }
}

std::optional<std::string> GdbDevice::hand_over() {
  GdbRemote& server = remote();
  if (breakpoint_) server.clear_breakpoint(*breakpoint_);
  breakpoint_.reset();
  output_ += server.take_output();
  remote_.reset();  // without a word: a server that is told to detach lets the core run
  return fmt::format("{}:{}", connected_.host, connected_.port);
}

std::string GdbDevice::take_output() {
  if (remote_) output_ += remote_->take_output();
  return std::exchange(output_, {});
}

}  // namespace mote::device
