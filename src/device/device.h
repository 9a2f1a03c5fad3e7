// One board that can be reached: bytes in; bytes, stops and output out. A driver knows nothing of tensors or kernels.
// Drivers: sim (a mote-board of our own), gdb, openocd, host, fake. What every one of them must do is written down as
// tests in device/conformance_test.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "support/bytes.h"
#include "support/error.h"
#include "target/board.h"

namespace mote::device {

/// Core registers at a stop. The host driver has only r0 to r3, SP, LR and PC.
struct Registers {
  uint32_t r[16] = {};  // r13 = SP, r14 = LR, r15 = PC
  uint32_t xpsr = 0;
};

/// Why a run ended.
struct Stop {
  enum class Kind : uint8_t {
    kBreakpoint,  // reached the address it was to run to
    kFault,       // the core faulted and nothing on the board handled it
    kTimeout,     // still running at the limit; halted now
    kLockup,      // faulted while handling a fault
    kExit,        // the firmware said that it is done (semihosting)
  };
  Kind kind = Kind::kBreakpoint;
  Registers registers;
  int exit_code = 0;  // kExit
  std::string text;   // for people: "BusFault: precise data access at 0xdeadbeec"
};

/// "breakpoint", "fault", "timeout", "lockup", "exit".
std::string_view name_of(Stop::Kind kind);

/// The peer is dead, wedged or talks nonsense; the message says what to try.
class ConnectionError : public JobError {
 public:
  using JobError::JobError;
};

/// The board refused an access: there is no such memory.
class AccessError : public JobError {
 public:
  using JobError::JobError;
};

/// What a driver must do. Every call but name() and take_output() may throw ConnectionError; a driver has tried to
/// halt, reset and reconnect before it does. After a ConnectionError, reset() tries once more. Use from one thread at a
/// time.
class Device {
 public:
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  /// For messages: "sim", "openocd:localhost:6666".
  virtual std::string name() const = 0;
  /// Reads out.size() bytes at `address`, of any alignment. Throws AccessError where there is no memory.
  virtual void read(uint32_t address, std::span<std::byte> out) = 0;
  /// Writes RAM or device registers. Throws AccessError where there is no memory (some peers cannot tell).
  virtual void write(uint32_t address, std::span<const std::byte> bytes) = 0;
  /// Sets SP, LR, PC and xPSR of the halted core and runs until it reaches `until` (a code address, bit 0 clear), stops
  /// otherwise, or `limit` of wall-clock time passes; then the core is halted. Bit 0 of PC does not matter.
  virtual Stop run(const Registers& registers, uint32_t until, std::chrono::milliseconds limit) = 0;
  /// Lets the core go on from where it is, until it exits, faults, or the limit passes.
  virtual Stop resume(std::chrono::milliseconds limit) = 0;
  /// Resets and halts the core before its first instruction. RAM contents survive where the hardware keeps them. Brings
  /// a wedged or lost connection back.
  virtual void reset() = 0;
  /// Resets the board, lets it run, and leaves it alone: for a firmware that was programmed to be used.
  virtual void let_go() { reset(); }
  /// Programs flash: erased as needed, written, verified. Throws JobError when that fails.
  virtual void program(uint32_t address, std::span<const std::byte> bytes) = 0;
  /// Lets go of the core, which stays halted as it is, for a debugger: where a GDB server has it, "127.0.0.1:43121".
  /// Nothing when there is none. What is asked of the device afterwards takes the core back.
  virtual std::optional<std::string> hand_over() { return std::nullopt; }
  /// Text the firmware wrote (semihosting or UART) since the last call.
  virtual std::string take_output() = 0;
  /// Grows whenever RAM contents may have been lost: a restarted simulator, a power cycle.
  virtual uint64_t incarnation() const { return 0; }
  /// Whether bytes cross faster than the core could make them: a board on this computer.
  virtual bool transfers_are_fast() const { return false; }
  /// Whether a function takes as long in its second run as in its first, but for branches that are not predicted yet:
  /// no caches, no interrupts, no clock of its own.
  virtual bool runs_are_alike() const { return false; }

 protected:
  Device() = default;
};

/// A 32-bit word of memory.
uint32_t read_word(Device& device, uint32_t address);
void write_word(Device& device, uint32_t address, uint32_t value);

using Limits = target::Limits;

/// How to reach a board: "sim", "sim:flash" (the virtual board whose memory has wait states and caches), "sim:st-link"
/// and "sim:jtag" (the virtual board through OpenOCD, as hardware is reached), "host", "gdb[:HOST:PORT]",
/// "openocd[:HOST:PORT]". It waits as long as board.limits says. Throws InputError for an unknown form, and for what
/// the board file would have to say and does not.
std::unique_ptr<Device> open_device(const std::string& via, const target::Board& board);

/// A way of reaching a board without the address of the one board: "sim:flash", "gdb", "openocd". Boards of the same
/// name that are reached in the same way measure the same.
std::string way_of(const std::string& via);

}  // namespace mote::device
