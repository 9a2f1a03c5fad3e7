#include "board_sim/comparators.h"

namespace mote::board_sim {
namespace {

// ARMv7-M and ARMv8-M architecture reference manuals, chapters on the FPB and the DWT.
constexpr uint32_t kFpControl = 0xE0002000, kFpComparators = 0xE0002008, kFpRevision2 = 0x10000000;
constexpr uint32_t kDwtComparators = 0xE0001020, kDwtArchitecture = 0xE0001FBC, kDwtV8M = 0x47701A02;
constexpr uint32_t kMatched = 1u << 24;

}  // namespace

Comparators::Comparators(Machine& machine) : machine_(machine), v8m_(machine.board().target.name == "cortex-m33") {}

std::optional<uint32_t> Comparators::read(uint32_t address) {
  if (address == kFpControl) return kFpRevision2 | kBreakpoints << 4 | (breakpoints_on_ ? 1 : 0);
  if (address == kDwtArchitecture) return v8m_ ? kDwtV8M : 0;
  if (address >= kFpComparators && address < kFpComparators + 4 * kBreakpoints) {
    return breakpoints_[(address - kFpComparators) / 4];
  }
  if (address < kDwtComparators || address >= kDwtComparators + 16 * kWatchpoints) return std::nullopt;
  DataComparator& comparator = watchpoints_[(address - kDwtComparators) / 16];
  switch (address & 0xC) {
    case 0x0:
      return comparator.address;
    case 0x4:
      return comparator.mask;
    case 0x8: {
      const uint32_t function = comparator.function;
      comparator.function &= ~kMatched;
      return function;
    }
    default:
      return 0;
  }
}

bool Comparators::write(uint32_t address, uint32_t value) {
  if (address == kFpControl) {
    if (value & 2) breakpoints_on_ = (value & 1) != 0;
    apply_breakpoints();
  } else if (address >= kFpComparators && address < kFpComparators + 4 * kBreakpoints) {
    breakpoints_[(address - kFpComparators) / 4] = value;
    apply_breakpoints();
  } else if (address >= kDwtComparators && address < kDwtComparators + 16 * kWatchpoints) {
    DataComparator& comparator = watchpoints_[(address - kDwtComparators) / 16];
    const DataComparator before = comparator;
    uint32_t& part = (address & 0xC) == 0x0   ? comparator.address
                     : (address & 0xC) == 0x4 ? comparator.mask
                                              : comparator.function;
    part = (address & 0xC) == 0x8 ? value & ~kMatched : value;
    if (comparator != before) apply_watchpoints();  // OpenOCD clears them all after every reset
  } else {
    return false;
  }
  return true;
}

std::optional<Watchpoint> Comparators::watchpoint(const DataComparator& comparator) const {
  const uint32_t function = comparator.function & 0xF;
  if (v8m_) {  // MATCH 4 any, 5 write, 6 read; ACTION 1 halts; the size is in bits 11:10
    if (function < 4 || function > 6 || (comparator.function >> 4 & 3) != 1) return std::nullopt;
    return Watchpoint{comparator.address, uint64_t{1} << (comparator.function >> 10 & 3), function != 5, function != 6};
  }
  if (function < 5 || function > 7) return std::nullopt;  // 5 read, 6 write, 7 any
  const uint64_t bytes = uint64_t{1} << (comparator.mask & 31);
  return Watchpoint{comparator.address & ~static_cast<uint32_t>(bytes - 1), bytes, function != 6, function != 5};
}

void Comparators::matched(const Watchpoint& hit) {
  for (DataComparator& comparator : watchpoints_) {
    if (watchpoint(comparator) == hit) comparator.function |= kMatched;
  }
}

void Comparators::apply() {
  apply_breakpoints();
  apply_watchpoints();
}

void Comparators::apply_breakpoints() {
  machine_.clear_breakpoints();
  for (const uint32_t comparator : breakpoints_) {
    if (breakpoints_on_ && comparator & 1) machine_.add_breakpoint(comparator & ~1u);
  }
}

void Comparators::apply_watchpoints() {
  machine_.clear_watchpoints();
  for (const DataComparator& comparator : watchpoints_) {
    if (const std::optional<Watchpoint> wanted = watchpoint(comparator)) machine_.add_watchpoint(*wanted);
  }
}

}  // namespace mote::board_sim
