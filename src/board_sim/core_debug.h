// The debug registers of a Cortex-M as a debug port sees them: halting and stepping (DHCSR), register transfer (DCRSR,
// DCRDR), comparators, the ROM tables; everything else is the machine's own memory map.
#pragma once

#include <cstdint>

#include "board_sim/comparators.h"
#include "board_sim/machine.h"

namespace mote::board_sim {

class CoreDebug {
 public:
  explicit CoreDebug(Machine& machine) : machine_(machine), comparators_(machine) {}

  /// A debugger takes the port, and leaves it again. The core's state is not changed by either.
  void attach();
  void detach();
  /// Another kind of debugger has had the core, and left it running or halted.
  void set_running(bool runs);

  /// A bus access of 1, 2 or 4 bytes. False: a bus error.
  bool read(uint32_t address, int bytes, uint32_t& value);
  bool write(uint32_t address, int bytes, uint32_t value);
  /// The same for many bytes at once. False, and nothing is done, where they are not all plain memory.
  bool read_memory(uint32_t address, std::span<std::byte> out);
  bool write_memory(uint32_t address, std::span<const std::byte> bytes);

  void reset();
  /// The reset line: the core is in reset while it is held, and reset when it is let go.
  void hold_reset(bool hold);
  /// The core is neither halted nor locked up nor held in reset.
  bool running() const { return !halted_ && !locked_up_ && !held_; }
  /// What the machine's run() returned.
  void stopped(const Halt& halt);

 private:
  bool read_register(uint32_t address, uint32_t& value);
  bool write_register(uint32_t address, uint32_t value);
  uint32_t read_status();
  void control(uint32_t value);
  void transfer(uint32_t selector);
  uint32_t read_core(uint32_t number) const;
  void write_core(uint32_t number, uint32_t value);
  void halt(uint32_t reason);
  void after_reset();

  Machine& machine_;
  Comparators comparators_;
  bool halted_ = false, locked_up_ = false, held_ = false;
  bool was_reset_ = true;
  uint32_t control_ = 0;  // the C_ bits of DHCSR
  uint32_t data_ = 0;     // DCRDR
  uint64_t instructions_seen_ = 0, resets_seen_ = 0;
};

}  // namespace mote::board_sim
