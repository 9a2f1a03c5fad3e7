// The comparators of a Cortex-M as a debugger programs them: breakpoints in the FPB, watchpoints in the DWT.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "board_sim/machine.h"

namespace mote::board_sim {

class Comparators {
 public:
  explicit Comparators(Machine& machine);

  /// The register at `address`; nullopt when it is none of a comparator's. Reading a DWT function clears its match bit.
  std::optional<uint32_t> read(uint32_t address);
  /// False when the register is none of a comparator's.
  bool write(uint32_t address, uint32_t value);
  /// The machine has halted at `watchpoint`: its comparator says so from now on.
  void matched(const Watchpoint& watchpoint);
  /// Gives the machine the breakpoints and watchpoints that are programmed; it forgets all others.
  void apply();

 private:
  static constexpr size_t kBreakpoints = 8, kWatchpoints = 4;
  struct DataComparator {
    uint32_t address = 0, mask = 0, function = 0;
    bool operator==(const DataComparator&) const = default;
  };

  void apply_breakpoints();
  void apply_watchpoints();
  std::optional<Watchpoint> watchpoint(const DataComparator& comparator) const;

  Machine& machine_;
  bool v8m_;
  bool breakpoints_on_ = false;
  std::array<uint32_t, kBreakpoints> breakpoints_ = {};
  std::array<DataComparator, kWatchpoints> watchpoints_ = {};
};

}  // namespace mote::board_sim
