#include "device/openocd.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <sstream>

#include "device/flash.h"
#include "device/tcl_client.h"
#include "support/files.h"
#include "support/subprocess.h"

namespace mote::device {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kFlashLimit{120'000};  // the largest parts take that long to erase
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
  OpenOcdDevice(const std::optional<Endpoint>& endpoint, const target::Board& board, const Limits& limits)
      : endpoint_(endpoint),
        name_(endpoint ? fmt::format("openocd:{}:{}", endpoint->host, endpoint->port) : "openocd"),
        board_(board),
        limits_(limits) {
    if (!endpoint && !board.openocd)
      throw InputError(board.file, "says nothing about [openocd]; use openocd:HOST:PORT");
  }

  std::string name() const override { return name_; }
  void read(uint32_t address, std::span<std::byte> out) override;
  void write(uint32_t address, std::span<const std::byte> bytes) override;
  Stop run(const Registers& registers, uint32_t until, milliseconds limit) override;
  Stop resume(milliseconds limit) override;
  void reset() override;
  void program(uint32_t address, std::span<const std::byte> bytes) override;
  std::string take_output() override { return ""; }

 private:
  TclClient& client();
  Endpoint start();
  template <typename Operation>
  void retried(Operation operation);
  Stop wait(const std::string& go, std::optional<uint32_t> until, milliseconds limit);
  Registers registers();
  void read_units(uint32_t address, std::span<std::byte> out, size_t width);
  void write_units(uint32_t address, std::span<const std::byte> bytes, size_t width);

  std::optional<Endpoint> endpoint_;
  std::string name_;
  target::Board board_;
  Limits limits_;
  std::optional<BackgroundProcess> process_;
  std::optional<TclClient> client_;
  std::optional<uint32_t> breakpoint_;
};

Endpoint OpenOcdDevice::start() {
  if (!find_program("openocd")) throw JobError("openocd not found: apt-get install openocd");
  const target::OpenOcd& how = *board_.openocd;
  Command command;
  command.arguments = {"openocd", "-c", "bindto 127.0.0.1; tcl_port 0; gdb_port disabled; telnet_port disabled"};
  const auto add = [&](const char* option, const std::string& value) {
    command.arguments.emplace_back(option);
    command.arguments.push_back(value);
  };
  add("-f", how.interface_script);
  for (const std::string& line : how.commands) add("-c", line);
  add("-f", how.target_script);
  add("-c", how.reset == "srst" ? "reset_config srst_only" : "cortex_m reset_config " + how.reset);
  add("-c", "init; poll off");
  command.output_limit = 64u << 10;
  process_.emplace(command);
  const std::string before = "Listening on port ", after = " for tcl connections";
  const std::optional<std::string> line = process_->wait_for_line(
      [&](const std::string& text) { return text.find(before) != std::string::npos && text.ends_with(after); },
      limits_.connect);
  if (!line) throw ConnectionError(fmt::format("openocd does not reach {}:\n{}", board_.name, process_->output()));
  const size_t begin = line->find(before) + before.size();
  return parse_endpoint("127.0.0.1:" + line->substr(begin, line->size() - after.size() - begin), "openocd");
}

TclClient& OpenOcdDevice::client() {
  if (client_) return *client_;
  breakpoint_.reset();
  const Endpoint endpoint = endpoint_ ? *endpoint_ : start();
  client_.emplace(endpoint, name_, limits_);
  const TclClient::Answer halted = client_->evaluate("halt; wait_halt 2000", limits_.reply);
  if (!halted.ok) {
    client_.reset();
    throw ConnectionError(fmt::format("{}: the core cannot be halted: {}; is the board powered?", name_, halted.text));
  }
  return *client_;
}

/// Runs an operation that may be done twice; a second time on a new connection when the first was lost.
template <typename Operation>
void OpenOcdDevice::retried(Operation operation) {
  const bool fresh = !client_;
  try {
    operation(client());
  } catch (const ConnectionError&) {
    client_.reset();
    if (fresh) throw;
    operation(client());
  }
}

void OpenOcdDevice::read_units(uint32_t address, std::span<std::byte> out, size_t width) {
  while (!out.empty()) {
    const size_t count = std::min(out.size() / width, kWordsAtOnce);
    const std::string text = client().require(fmt::format("read_memory {:#x} {} {}", address, width * 8, count),
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
    client().require(fmt::format("write_memory {:#x} {} {{{}}}", address, width * 8, list),
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
  std::istringstream words(client().require(fmt::format("get_reg {{{}}}", list), "cannot read the registers"));
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

Stop OpenOcdDevice::wait(const std::string& go, std::optional<uint32_t> until, milliseconds limit) {
  TclClient& tcl = client();
  const Connection::Clock::time_point begin = Connection::Clock::now();
  const TclClient::Answer answer =
      tcl.evaluate(fmt::format("{}; wait_halt {}", go, std::max<int64_t>(limit.count(), 1)), limit + limits_.reply);
  const bool late = Connection::Clock::now() - begin >= limit;
  if (!answer.ok) {
    const TclClient::Answer halted = tcl.evaluate("halt; wait_halt 2000", limits_.reply);
    if (!halted.ok) throw ConnectionError(fmt::format("{}: {}; try resetting the board", name_, answer.text));
  }
  Stop stop;
  stop.registers = registers();
  const uint32_t pc = stop.registers.r[15] & ~1u;
  if (answer.ok && until && pc == *until) return stop;
  stop.text = fmt::format("stopped at {:#x}", pc);
  stop.kind = Stop::Kind::kFault;
  if (!answer.ok) {  // OpenOCD answers a lockup by an error, at once
    stop.kind = late ? Stop::Kind::kTimeout : Stop::Kind::kLockup;
    stop.text = fmt::format("{} at {:#x}", late ? "still running when its time was up," : "locked up", pc);
  }
  return stop;
}

Stop OpenOcdDevice::run(const Registers& registers, uint32_t until, milliseconds limit) {
  try {
    if (breakpoint_ != until) {
      client();  // forgets the breakpoint when it connects
      if (breakpoint_) client().require(fmt::format("rbp {:#x}", *breakpoint_), "cannot remove a breakpoint");
      breakpoint_.reset();
      client().evaluate(fmt::format("rbp {:#x}", until), limits_.reply);  // left by an earlier session, perhaps
      client().require(fmt::format("bp {:#x} 2 hw", until), "cannot set a breakpoint");
      breakpoint_ = until;
    }
    return wait(fmt::format("set_reg {{sp {:#x} lr {:#x} xPSR {:#x}}}; resume {:#x}", registers.r[13], registers.r[14],
                            registers.xpsr | 1u << 24, registers.r[15] & ~1u),
                until, limit);
  } catch (const ConnectionError&) {
    client_.reset();
    throw;
  }
}

Stop OpenOcdDevice::resume(milliseconds limit) {
  try {
    client();
    if (breakpoint_) client().require(fmt::format("rbp {:#x}", *breakpoint_), "cannot remove a breakpoint");
    breakpoint_.reset();
    return wait("resume", std::nullopt, limit);
  } catch (const ConnectionError&) {
    client_.reset();
    throw;
  }
}

void OpenOcdDevice::reset() {
  retried([&](TclClient& tcl) {
    const TclClient::Answer answer = tcl.evaluate("reset halt", limits_.connect + limits_.reply);
    if (!answer.ok) throw ConnectionError(fmt::format("{}: reset failed: {}", name_, answer.text));
  });
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
        fmt::format("flash write_image erase {} {:#x} bin", file.string(), range.address), kFlashLimit);
    if (!answer.ok) throw JobError(fmt::format("{}: programming flash failed: {}", name_, answer.text));
  }
  Bytes back(bytes.size());
  read(address, back);
  if (!std::equal(back.begin(), back.end(), bytes.begin())) {
    throw JobError(fmt::format("{}: flash at {:#x} differs from what was programmed", name_, address));
  }
}

}  // namespace

std::unique_ptr<Device> open_openocd(const std::optional<Endpoint>& endpoint, const target::Board& board,
                                     const Limits& limits) {
  return std::make_unique<OpenOcdDevice>(endpoint, board, limits);
}

}  // namespace mote::device
