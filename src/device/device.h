// One board that can be reached: bytes in; bytes, cycles and faults out. A driver knows nothing of tensors or kernels.
// Drivers: sim (a mote-board of our own), gdb, openocd, host, fake.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "support/bytes.h"
#include "target/board.h"

namespace mote::device {

/// Core registers at a stop.
struct Registers {
  uint32_t r[16] = {};  // r13 = SP, r14 = LR, r15 = PC
  uint32_t xpsr = 0;
};

/// Why a run ended.
struct Stop {
  enum class Kind : uint8_t { kBreakpoint, kFault, kTimeout, kLockup, kExit };
  Kind kind = Kind::kBreakpoint;
  Registers registers;
  std::string text;  // for people: "BusFault: precise data access at 0xdeadbeec"
};

/// What a driver must do. Every call may throw ConnectionError; a driver has tried halt, reset and reconnect before it does.
class Device {
 public:
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /// For messages: "sim", "openocd:localhost:6666".
  virtual std::string name() const = 0;
  /// Reads out.size() bytes at `address`.
  virtual void read(uint32_t address, std::span<std::byte> out) = 0;
  /// Writes RAM. Code that was written may be run afterwards: the driver maintains caches.
  virtual void write(uint32_t address, std::span<const std::byte> bytes) = 0;
  /// Sets the registers of the halted core, runs from registers.r[15] until it reaches `until` (a breakpoint address), faults,
  /// exits through semihosting, or `limit` of wall-clock time passes; then the core is halted.
  virtual Stop run(const Registers& registers, uint32_t until, std::chrono::milliseconds limit) = 0;
  /// Reset; the core is halted at its reset vector afterwards. RAM contents survive where the hardware keeps them.
  virtual void reset() = 0;
  /// Programs flash: erased as needed, written, verified.
  virtual void program(uint32_t address, std::span<const std::byte> bytes) = 0;
  /// Text the firmware wrote (semihosting or UART) since the last call.
  virtual std::string take_output() = 0;

 protected:
  Device() = default;
};

/// The peer is dead, wedged or talks nonsense; the message says what to try.
class ConnectionError : public JobError {
 public:
  using JobError::JobError;
};

/// How to reach a board: "sim", "host", "gdb:HOST:PORT", "openocd[:HOST:PORT]". Throws InputError for an unknown form.
std::unique_ptr<Device> open_device(const std::string& via, const target::Board& board);

}  // namespace mote::device
