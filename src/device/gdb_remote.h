// The GDB remote serial protocol, from the client's side, as far as driving a Cortex-M needs it.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "device/connection.h"

namespace mote::device {

/// One connection to a GDB server. Any call throws ConnectionError when the server is gone, answers nothing within the
/// limit, or nonsense; AccessError when it refuses an access. Text that arrives in between (O packets) is collected.
class GdbRemote {
 public:
  GdbRemote(const Endpoint& endpoint, const std::string& name, const Limits& limits);

  void read(uint32_t address, std::span<std::byte> out);
  void write(uint32_t address, std::span<const std::byte> bytes);
  Registers registers();
  void set_register(int number, uint32_t value);  // 0 to 15
  void set_xpsr(uint32_t value);
  /// A hardware breakpoint, or a software one where the server has no other. False when it refuses both.
  bool set_breakpoint(uint32_t address);
  void clear_breakpoint(uint32_t address);
  /// Runs from the present PC. The stop reply ("T05...", "W00"), or nothing when `limit` passed and the core was
  /// interrupted.
  std::optional<std::string> resume(std::chrono::milliseconds limit);
  void step();
  /// `monitor COMMAND`: the text it printed, or nothing when the server does not know the command.
  std::optional<std::string> monitor(const std::string& command);
  /// Erases and writes flash by vFlash packets. False when the server has none.
  bool program(uint32_t address, std::span<const std::byte> bytes, uint32_t erase_from, uint32_t erase_bytes);
  /// Lets the core run and ends the connection; nothing else may be called afterwards.
  void detach();
  std::string take_output();

 private:
  void send(std::string_view payload);
  /// The next packet's payload, decoded; nothing when the deadline passes.
  std::optional<std::string> receive(Connection::Clock::time_point deadline);
  std::string ask(std::string_view payload);
  std::string ask(std::string_view payload, std::chrono::milliseconds limit);
  void negotiate();
  void read_description();
  [[noreturn]] void nonsense(std::string_view request, std::string_view reply) const;

  Limits limits_;
  Connection connection_;
  std::string output_;
  size_t packet_size_ = 400;  // payload bytes the server takes; GDB's own floor
  bool acknowledge_ = true;
  bool binary_writes_ = false;
  int xpsr_number_ = 25;
  std::map<uint32_t, char> breakpoints_;  // address -> kind, '0' or '1'
};

/// Bytes as hexadecimal digits, and back (nothing when `text` is not that).
std::string to_hex(std::span<const std::byte> bytes);
std::optional<Bytes> from_hex(std::string_view text);

}  // namespace mote::device
