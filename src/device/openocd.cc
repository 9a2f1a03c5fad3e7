#include "device/openocd.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <sstream>
#include <utility>

#include "device/flash.h"
#include "device/lockup.h"
#include "device/openocd_server.h"
#include "device/semihosting.h"
#include "device/tcl_client.h"
#include "support/files.h"

namespace mote::device {

using std::chrono::milliseconds;

namespace {

constexpr size_t kWordsAtOnce = 8192;

/// The numbers of a Tcl list such as "0x12 0x34".
std::optional<std::vector<uint32_t>> numbers(const std::string& text) {
  std::vector<uint32_t> values;
  const char *at = text.data(), *const end = at + text.size();
  while (at < end) {
    if (*at == ' ') {
      ++at;
      continue;
    }
    const bool hexadecimal = end - at > 2 && at[0] == '0' && at[1] == 'x';
    uint32_t value = 0;
    const std::from_chars_result result = std::from_chars(hexadecimal ? at + 2 : at, end, value, hexadecimal ? 16 : 10);
    if (result.ec != std::errc()) return std::nullopt;
    values.push_back(value);
    at = result.ptr;
  }
  return values;
}

class OpenOcdDevice : public Device {
 public:
  OpenOcdDevice(const std::variant<OpenOcdAdapter, Endpoint>& where, const std::string& name,
                const target::Board& board)
      : name_(name), board_(board) {
    if (const Endpoint* endpoint = std::get_if<Endpoint>(&where)) {
      endpoint_ = *endpoint;
    } else {
      server_.emplace(std::get<OpenOcdAdapter>(where), board_);
    }
  }

  std::string name() const override { return name_; }
  void read(uint32_t address, std::span<std::byte> out) override;
  void write(uint32_t address, std::span<const std::byte> bytes) override;
  Stop run(const Registers& registers, uint32_t until, milliseconds limit) override;
  Stop resume(milliseconds limit) override;
  void reset() override;
  void let_go() override;
  void program(uint32_t address, std::span<const std::byte> bytes) override;
  std::optional<std::string> hand_over() override;
  std::string take_output() override { return std::exchange(output_, {}); }
  uint64_t incarnation() const override { return server_ ? server_->incarnation() : 0; }

 private:
  TclClient& client();
  template <typename Operation>
  void retried(Operation operation);
  template <typename Operation>
  Stop stopped(Operation operation);
  std::string require(const std::string& script, const std::string& what);
  std::string halt_now() const { return fmt::format("halt; wait_halt {}", board_.limits.reply.count()); }
  void check_board(const std::string& error);
  Stop wait(std::string go, std::optional<uint32_t> until, milliseconds limit);
  bool at_semihosting(uint32_t pc);
  void remove_breakpoint();
  Registers registers();
  void read_units(uint32_t address, std::span<std::byte> out, size_t width);
  void write_units(uint32_t address, std::span<const std::byte> bytes, size_t width);

  std::string name_;
  target::Board board_;
  std::optional<Endpoint> endpoint_;  // one of these two
  std::optional<OpenOcdServer> server_;
  std::optional<TclClient> client_;
  std::optional<uint32_t> breakpoint_;
  std::string output_;
};

TclClient& OpenOcdDevice::client() {
  if (client_ && client_->usable()) return *client_;
  breakpoint_.reset();
  const Endpoint endpoint = server_ ? server_->start() : *endpoint_;
  client_.emplace(endpoint, name_, board_.limits);
  // Semihosting is answered here, where its output is wanted; OpenOCD would end when the firmware exits.
  client_->evaluate("arm semihosting disable", board_.limits.reply);
  // One that does not poll believes the core still in the reset after which it was let go, and would not halt it: a
  // first look finds that it was reset, a second that it runs.
  const TclClient::Answer halted =
      client_->evaluate("catch {poll}; catch {poll}; " + halt_now(), 2 * board_.limits.reply);
  if (!halted.ok) {
    client_.reset();
    throw ConnectionError(fmt::format("{}: the core cannot be halted: {}; is the board powered?", name_, halted.text));
  }
  return *client_;
}

/// OpenOCD answers an address that does not exist and a board that is gone by the same error: RAM that cannot be read
/// tells them apart. Throws ConnectionError when the board is gone.
void OpenOcdDevice::check_board(const std::string& error) {
  const std::string ram = fmt::format("read_memory {:#x} 32 1", board_.ram().address);
  if (!(server_ && server_->board_died()) && client().evaluate(ram, board_.limits.reply).ok) return;
  throw ConnectionError(error + "; the board does not answer: is it powered, and its cable plugged in?");
}

/// TclClient::require(), for what touches the board.
std::string OpenOcdDevice::require(const std::string& script, const std::string& what) {
  try {
    return client().require(script, what);
  } catch (const AccessError& error) {
    check_board(error.what());
    throw;
  }
}

/// Runs an operation that may be done twice; a second time on a new connection when the first was lost, if memory
/// survived.
template <typename Operation>
void OpenOcdDevice::retried(Operation operation) {
  const bool fresh = !client_;
  const uint64_t before = incarnation();
  try {
    operation(client());
  } catch (const ConnectionError& error) {
    client_.reset();
    if (fresh) throw;
    client();
    if (incarnation() != before) throw ConnectionError(std::string(error.what()) + "; it was started again");
    operation(client());
  }
}

/// Runs an operation that lets the core go. It is not done twice, but the connection is made again for what follows.
template <typename Operation>
Stop OpenOcdDevice::stopped(Operation operation) {
  try {
    return operation();
  } catch (const ConnectionError&) {
    client_.reset();
    try {
      client();
    } catch (const ConnectionError&) {
      client_.reset();  // the first error says more
    }
    throw;
  }
}

void OpenOcdDevice::read_units(uint32_t address, std::span<std::byte> out, size_t width) {
  while (!out.empty()) {
    const size_t count = std::min(out.size() / width, kWordsAtOnce);
    const std::string text = require(fmt::format("read_memory {:#x} {} {}", address, width * 8, count),
                                     fmt::format("cannot read {} bytes at {:#x}", count * width, address));
    const std::optional<std::vector<uint32_t>> values = numbers(text);
    if (!values || values->size() != count) {
      throw ConnectionError(fmt::format("{}: answers \"{}\" to read_memory", name_, text.substr(0, 60)));
    }
    for (size_t i = 0; i < count; ++i) std::memcpy(out.data() + i * width, &(*values)[i], width);
    out = out.subspan(count * width);
    address += static_cast<uint32_t>(count * width);
  }
}

void OpenOcdDevice::write_units(uint32_t address, std::span<const std::byte> bytes, size_t width) {
  while (!bytes.empty()) {
    const size_t count = std::min(bytes.size() / width, kWordsAtOnce);
    std::string list;
    list.reserve(count * (2 * width + 3));
    for (size_t i = 0; i < count; ++i) {
      uint32_t value = 0;
      std::memcpy(&value, bytes.data() + i * width, width);
      fmt::format_to(std::back_inserter(list), "{:#x} ", value);
    }
    require(fmt::format("write_memory {:#x} {} {{{}}}", address, width * 8, list),
            fmt::format("cannot write {} bytes at {:#x}", count * width, address));
    bytes = bytes.subspan(count * width);
    address += static_cast<uint32_t>(count * width);
  }
}

/// Calls `part(address, offset, size, width)` for an unaligned beginning, whole words, and the rest.
template <typename Part>
void in_parts(uint32_t address, size_t size, Part part) {
  const size_t head = std::min<size_t>((4 - address % 4) % 4, size), words = (size - head) / 4 * 4;
  if (head > 0) part(address, size_t{0}, head, size_t{1});
  if (words > 0) part(address + static_cast<uint32_t>(head), head, words, size_t{4});
  const size_t done = head + words;
  if (done < size) part(address + static_cast<uint32_t>(done), done, size - done, size_t{1});
}

void OpenOcdDevice::read(uint32_t address, std::span<std::byte> out) {
  retried([&](TclClient&) {
    in_parts(address, out.size(), [&](uint32_t at, size_t offset, size_t size, size_t width) {
      read_units(at, out.subspan(offset, size), width);
    });
  });
}

void OpenOcdDevice::write(uint32_t address, std::span<const std::byte> bytes) {
  retried([&](TclClient&) {
    in_parts(address, bytes.size(), [&](uint32_t at, size_t offset, size_t size, size_t width) {
      write_units(at, bytes.subspan(offset, size), width);
    });
  });
}

Registers OpenOcdDevice::registers() {
  static const char* const kNames[] = {"r0", "r1",  "r2",  "r3",  "r4", "r5", "r6", "r7",  "r8",
                                       "r9", "r10", "r11", "r12", "sp", "lr", "pc", "xPSR"};
  std::string list;
  for (const char* name : kNames) list += fmt::format("{} ", name);
  std::istringstream words(require(fmt::format("get_reg {{{}}}", list), "cannot read the registers"));
  Registers registers;
  for (std::string name, value; words >> name >> value;) {
    const std::optional<std::vector<uint32_t>> parsed = numbers(value);
    const auto found = std::find(std::begin(kNames), std::end(kNames), name);
    if (!parsed || parsed->size() != 1 || found == std::end(kNames)) continue;
    const size_t number = static_cast<size_t>(found - std::begin(kNames));
    (number < 16 ? registers.r[number] : registers.xpsr) = (*parsed)[0];
  }
  return registers;
}

bool OpenOcdDevice::at_semihosting(uint32_t pc) {
  const TclClient::Answer code = client().evaluate(fmt::format("read_memory {:#x} 16 1", pc), board_.limits.reply);
  const std::optional<std::vector<uint32_t>> values = numbers(code.text);
  return code.ok && values && values->size() == 1 && values->front() == kSemihostingCall;
}

/// Lets the core go by the command `go`, until it halts for another reason than semihosting or `limit` has passed.
Stop OpenOcdDevice::wait(std::string go, std::optional<uint32_t> until, milliseconds limit) {
  TclClient& tcl = client();
  const Connection::Clock::time_point end = Connection::Clock::now() + limit;
  for (;;) {
    const milliseconds left = std::chrono::duration_cast<milliseconds>(end - Connection::Clock::now());
    const TclClient::Answer answer = tcl.evaluate(
        fmt::format("{}; wait_halt {}", go, std::max<int64_t>(left.count(), 1)), limit + board_.limits.reply);
    bool locked_up = false;
    if (!answer.ok) {
      // A lockup is answered by an error, at once, and so is a wait that timed out; but then the core still runs.
      locked_up = tcl.evaluate("[target current] curstate", board_.limits.reply).text == "halted";
      const TclClient::Answer halted = tcl.evaluate(halt_now(), 2 * board_.limits.reply);
      if (!halted.ok) throw ConnectionError(fmt::format("{}: {}; try resetting the board", name_, answer.text));
    }
    Stop stop;
    stop.registers = registers();
    const uint32_t pc = stop.registers.r[15] & ~1u;
    if (answer.ok && until && pc == *until) return stop;
    if (answer.ok && at_semihosting(pc)) {
      const SemihostingAnswer wanted = answer_semihosting(*this, stop.registers.r[0], stop.registers.r[1], output_);
      if (!wanted.exit_code) {
        go = fmt::format("set_reg {{r0 {:#x}}}; resume {:#x}", wanted.result, pc + 2);
        continue;
      }
      stop.kind = Stop::Kind::kExit;
      stop.exit_code = *wanted.exit_code;
      stop.text = fmt::format("exit with code {}", stop.exit_code);
      return stop;
    }
    // An OpenOCD that polls in the background may have met the lockup before the wait began, which then ends well.
    locked_up = locked_up || (answer.ok && is_lockup(*this, stop.registers));
    stop.kind = locked_up ? Stop::Kind::kLockup : answer.ok ? Stop::Kind::kFault : Stop::Kind::kTimeout;
    stop.text = fmt::format("{} at {:#x}",
                            locked_up   ? "locked up"
                            : answer.ok ? "stopped"
                                        : "still running when its time was up,",
                            pc);
    return stop;
  }
}

void OpenOcdDevice::remove_breakpoint() {
  if (breakpoint_) require(fmt::format("rbp {:#x}", *breakpoint_), "cannot remove a breakpoint");
  breakpoint_.reset();
}

Stop OpenOcdDevice::run(const Registers& registers, uint32_t until, milliseconds limit) {
  return stopped([&] {
    if (breakpoint_ != until) {
      client();  // forgets the breakpoint when it connects
      remove_breakpoint();
      client().evaluate(fmt::format("rbp {:#x}", until), board_.limits.reply);  // left by an earlier session, perhaps
      require(fmt::format("bp {:#x} 2 hw", until), "cannot set a breakpoint");
      breakpoint_ = until;
    }
    Stop stop = wait(fmt::format("set_reg {{sp {:#x} lr {:#x} xPSR {:#x}}}; resume {:#x}", registers.r[13],
                                 registers.r[14], registers.xpsr | 1u << 24, registers.r[15] & ~1u),
                     until, limit);
    // An OpenOCD that polls in the background examines a core that locked up anew. That clears the comparators, and
    // leaves the breakpoint in its list as if it were set still: the next run sets it again.
    if (stop.kind != Stop::Kind::kBreakpoint) remove_breakpoint();
    return stop;
  });
}

Stop OpenOcdDevice::resume(milliseconds limit) {
  return stopped([&] {
    client();
    remove_breakpoint();
    return wait("resume", std::nullopt, limit);
  });
}

void OpenOcdDevice::reset() {
  const bool fresh = !client_;
  const auto reset_connected = [&] {
    const TclClient::Answer answer = client().evaluate("reset halt", 2 * board_.limits.reply);
    if (!answer.ok) throw ConnectionError(fmt::format("{}: reset failed: {}", name_, answer.text));
  };
  try {
    reset_connected();
  } catch (const ConnectionError&) {
    client_.reset();
    if (fresh) throw;
    reset_connected();
  }
}

std::optional<std::string> OpenOcdDevice::hand_over() {
  TclClient& tcl = client();
  remove_breakpoint();
  const std::string port = server_ ? server_->gdb_port() : tcl.require("gdb_port", "does not tell its GDB port");
  if (port.empty() || port.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  tcl.evaluate("poll on", board_.limits.reply);  // or the debugger would not hear of the next halt
  const std::string host = endpoint_ ? endpoint_->host : "127.0.0.1";
  client_.reset();
  return fmt::format("{}:{}", host, port);
}

void OpenOcdDevice::let_go() {
  reset();
  remove_breakpoint();
  require("reset run", "cannot let the board run");
}

void OpenOcdDevice::program(uint32_t address, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const SectorRange range = sectors_around(board_, address, bytes.size());
  if (board_.flash_controller.empty()) {
    write(address, bytes);
  } else {
    Bytes whole(range.size);  // the sectors' other contents are kept
    read(range.address, whole);
    std::copy(bytes.begin(), bytes.end(), whole.begin() + (address - range.address));
    const TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "image.bin";
    write_file(file, whole);
    const TclClient::Answer answer = client().evaluate(
        fmt::format("flash write_image erase {} {:#x} bin", file.string(), range.address), board_.limits.flash);
    if (!answer.ok) {
      const std::string text = fmt::format("{}: programming flash failed: {}", name_, answer.text);
      try {
        check_board(text);
      } catch (const ConnectionError&) {
        client_.reset();
        throw;
      }
      throw JobError(text);
    }
  }
  Bytes back(bytes.size());
  read(address, back);
  if (!std::equal(back.begin(), back.end(), bytes.begin())) {
    throw JobError(fmt::format("{}: flash at {:#x} differs from what was programmed", name_, address));
  }
}

}  // namespace

std::unique_ptr<Device> open_openocd(const std::variant<OpenOcdAdapter, Endpoint>& where, const std::string& name,
                                     const target::Board& board) {
  return std::make_unique<OpenOcdDevice>(where, name, board);
}

}  // namespace mote::device
