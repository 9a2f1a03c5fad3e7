// The debug registers of a Cortex-M as a debug port sees them: halting and stepping (DHCSR), register transfer (DCRSR,
// DCRDR), hardware breakpoints (FPB), the ROM tables; everything else is the machine's own memory map.
#pragma once

#include <array>
#include <cstdint>

#include "board_sim/machine.h"

namespace mote::board_sim {

class CoreDebug {
 public:
  explicit CoreDebug(Machine& machine);

  /// A bus access of 1, 2 or 4 bytes. False: a bus error.
  bool read(uint32_t address, int bytes, uint32_t& value);
  bool write(uint32_t address, int bytes, uint32_t value);

  /// The reset line.
  void reset();
  /// The core is neither halted nor locked up.
  bool running() const { return !halted_ && !locked_up_; }
  /// What the machine's run() returned.
  void stopped(const Halt& halt);

 private:
  static constexpr size_t kBreakpoints = 8;

  bool read_register(uint32_t address, uint32_t& value);
  bool write_register(uint32_t address, uint32_t value);
  uint32_t read_status();
  void control(uint32_t value);
  void transfer(uint32_t selector);
  uint32_t read_core(uint32_t number) const;
  void write_core(uint32_t number, uint32_t value);
  void halt(uint32_t reason);
  void set_breakpoints();
  void after_reset();

  Machine& machine_;
  bool halted_ = false, locked_up_ = false;
  bool was_reset_ = true;
  uint32_t control_ = 0;  // the C_ bits of DHCSR
  uint32_t data_ = 0;     // DCRDR
  bool breakpoints_on_ = false;
  std::array<uint32_t, kBreakpoints> comparators_ = {};
  uint64_t instructions_seen_ = 0, resets_seen_ = 0;
};

}  // namespace mote::board_sim
