#include "board_sim/core_debug.h"

#include <optional>

namespace mote::board_sim {
namespace {

constexpr uint32_t kDwtControl = 0xE0001000, kFourComparators = 4u << 28;
constexpr uint32_t kDhcsr = 0xE000EDF0, kDcrsr = 0xE000EDF4, kDcrdr = 0xE000EDF8;
constexpr uint32_t kDhcsrKey = 0xA05F;
constexpr uint32_t kDebugEnable = 1, kHalt = 2, kStep = 4, kControlBits = 0x2F;
constexpr uint32_t kRegisterReady = 1u << 16, kIsHalted = 1u << 17, kIsLockedUp = 1u << 19, kRetired = 1u << 24,
                   kWasReset = 1u << 25;

// CoreSight identification (Arm's ADIv5 and the Cortex-M7 manual): component and peripheral id at the end of a page.
std::optional<uint32_t> identification(uint32_t offset, uint64_t part, uint32_t component_class) {
  switch (offset) {
    case 0xFD0:
      return part >> 32 & 0xFF;
    case 0xFE0:
      return part & 0xFF;
    case 0xFE4:
      return part >> 8 & 0xFF;
    case 0xFE8:
      return part >> 16 & 0xFF;
    case 0xFEC:
      return part >> 24 & 0xFF;
    case 0xFF0:
      return 0x0D;
    case 0xFF4:
      return component_class << 4;
    case 0xFF8:
      return 0x05;
    case 0xFFC:
      return 0xB1;
    default:
      return std::nullopt;
  }
}

struct Component {
  uint32_t page;
  uint64_t part;
  uint32_t component_class;
  std::array<uint32_t, 4> table;  // of a ROM table
};
constexpr Component kComponents[] = {{0xE0000000, 0x4000BB001, 0xE, {}},
                                     {0xE0001000, 0x4000BB002, 0xE, {}},
                                     {0xE0002000, 0x4000BB00E, 0xE, {}},
                                     {0xE000E000, 0x4000BB00C, 0xE, {}},
                                     {0xE00FD000, 0x0000A0450, 1, {0x1003}},
                                     {0xE00FE000, 0x4000BB4C8, 1, {0x1003}},
                                     {0xE00FF000, 0x4000BB4C7, 1, {0xFFF0F003, 0xFFF02003, 0xFFF03003, 0xFFF01003}}};

std::optional<uint32_t> read_component(uint32_t address) {
  for (const Component& component : kComponents) {
    if ((address & ~0xFFFu) != component.page) continue;
    const uint32_t offset = address & 0xFFF;
    if (const std::optional<uint32_t> id = identification(offset, component.part, component.component_class)) return id;
    if (component.component_class != 1) return std::nullopt;
    if (offset == 0xFCC) return 1;  // system memory is on this bus
    return offset / 4 < component.table.size() ? component.table[offset / 4] : 0;
  }
  return std::nullopt;
}

}  // namespace

void CoreDebug::attach() {
  // The debugger at the other end does semihosting itself, and sees faults as the hardware shows them.
  machine_.own_semihosting = false;
  machine_.faults_halt = false;
  machine_.leaves_breakpoint = false;
  machine_.debugger = (control_ & kDebugEnable) != 0;
  if (machine_.resets() != resets_seen_) after_reset();
  comparators_.apply();
}

void CoreDebug::set_running(bool runs) {
  locked_up_ = false;
  halted_ = !runs;
  control_ = runs ? 0 : kDebugEnable | kHalt;
}

void CoreDebug::detach() {
  hold_reset(false);
  machine_.own_semihosting = true;
  machine_.faults_halt = true;
  machine_.leaves_breakpoint = true;
}

bool CoreDebug::read(uint32_t address, int bytes, uint32_t& value) {
  const bool system = address >> 20 == 0xE00;
  if (system) {
    if (!read_register(address & ~3u, value)) return false;
    value >>= 8 * (address & 3);
    return true;
  }
  value = 0;
  return machine_.read(address, std::as_writable_bytes(std::span(&value, 1)).first(static_cast<size_t>(bytes)));
}

bool CoreDebug::write(uint32_t address, int bytes, uint32_t value) {
  if (bytes == 4 && address >> 20 == 0xE00 && write_register(address, value)) return true;
  const Window* window = machine_.memory().find(address, static_cast<uint64_t>(bytes));
  if (window != nullptr && window->flash && machine_.flash().modelled()) {
    return machine_.flash().programming() && machine_.flash().program(address, value, bytes);
  }
  const bool ok = machine_.write(address, std::as_bytes(std::span(&value, 1)).first(static_cast<size_t>(bytes)));
  if (machine_.system().reset_requested) reset();
  return ok;
}

bool CoreDebug::read_memory(uint32_t address, std::span<std::byte> out) {
  return machine_.memory().find(address, out.size()) != nullptr && machine_.read(address, out);
}

bool CoreDebug::write_memory(uint32_t address, std::span<const std::byte> bytes) {
  const Window* window = machine_.memory().find(address, bytes.size());
  return window != nullptr && !window->flash && machine_.write(address, bytes);
}

bool CoreDebug::read_register(uint32_t address, uint32_t& value) {
  if (const std::optional<uint32_t> id = read_component(address)) {
    value = *id;
    return true;
  }
  if (const std::optional<uint32_t> comparator = comparators_.read(address)) {
    value = *comparator;
    return true;
  }
  if (address == kDhcsr) {
    value = read_status();
  } else if (address == kDcrdr) {
    value = data_;
  } else {
    const bool ok = machine_.read(address, std::as_writable_bytes(std::span(&value, 1)));
    if (address == kDwtControl) value |= kFourComparators;
    return ok;
  }
  return true;
}

bool CoreDebug::write_register(uint32_t address, uint32_t value) {
  if (address == kDhcsr) {
    if (value >> 16 == kDhcsrKey) control(value & kControlBits);
  } else if (address == kDcrsr) {
    transfer(value);
  } else if (address == kDcrdr) {
    data_ = value;
  } else {
    return comparators_.write(address, value);
  }
  return true;
}

uint32_t CoreDebug::read_status() {
  const bool retired = machine_.instructions() != instructions_seen_;
  instructions_seen_ = machine_.instructions();
  const uint32_t status = control_ | kRegisterReady | (halted_ ? kIsHalted : 0) | (locked_up_ ? kIsLockedUp : 0) |
                          (retired ? kRetired : 0) | (was_reset_ ? kWasReset : 0);
  was_reset_ = false;
  return status;
}

void CoreDebug::control(uint32_t value) {
  machine_.debugger = (value & kDebugEnable) != 0;
  const bool resume = halted_ && (!(value & kDebugEnable) || !(value & kHalt));
  control_ = value & kDebugEnable ? value : 0;
  if (resume) {
    halted_ = false;
    if (value & kDebugEnable && value & kStep) {
      stopped(machine_.step());
      if (!halted_) halt(kDfsrHalted);
    }
  } else if (!halted_ && value & kDebugEnable && value & kHalt) {
    halt(kDfsrHalted);
  }
}

void CoreDebug::halt(uint32_t reason) {
  halted_ = true;
  locked_up_ = false;
  control_ |= kHalt;
  machine_.system().dfsr |= reason;
}

void CoreDebug::stopped(const Halt& stop) {
  if (machine_.resets() != resets_seen_) after_reset();
  switch (stop.reason) {
    case Halt::Reason::kRequested:
      return;
    case Halt::Reason::kStep:
      halt(kDfsrHalted);
      return;
    case Halt::Reason::kWatchpoint:
      comparators_.matched(*stop.watchpoint);
      halt(kDfsrDwttrap);
      return;
    case Halt::Reason::kVectorCatch:
      halt(kDfsrVcatch);
      return;
    case Halt::Reason::kLockup:
      locked_up_ = true;
      return;
    case Halt::Reason::kBreakpoint:
    case Halt::Reason::kFault:
    case Halt::Reason::kExit:
      halt(kDfsrBkpt);
      return;
  }
}

void CoreDebug::reset() {
  machine_.reset();
  after_reset();
  if (control_ & kDebugEnable && machine_.system().demcr & kDemcrVcCorereset) halt(kDfsrVcatch);
}

void CoreDebug::hold_reset(bool hold) {
  const bool let_go = held_ && !hold;
  held_ = hold;
  if (let_go) reset();
}

void CoreDebug::after_reset() {
  resets_seen_ = machine_.resets();
  was_reset_ = true;
  halted_ = locked_up_ = false;
  control_ &= kDebugEnable;
}

void CoreDebug::transfer(uint32_t selector) {
  if (!halted_) return;
  const uint32_t number = selector & 0x7F;
  if (selector >> 16 & 1) {
    write_core(number, data_);
  } else {
    data_ = read_core(number);
  }
}

uint32_t CoreDebug::read_core(uint32_t number) const {
  const Processor& core = machine_.processor();
  if (number < 16) return core.reg(static_cast<int>(number)) & (number == 15 ? ~1u : ~0u);
  if (number >= 64 && number < 96 && core.has_fpu()) return core.fp(static_cast<int>(number) - 64);
  switch (number) {
    case 16:
      return core.xpsr();
    case 17:
      return core.special(Special::kMsp);
    case 18:
      return core.special(Special::kPsp);
    case 20:
      return (core.special(Special::kPrimask) & 1) | (core.special(Special::kBasepri) & 0xFF) << 8 |
             (core.special(Special::kFaultmask) & 1) << 16 | (core.special(Special::kControl) & 7) << 24;
    case 33:
      return core.has_fpu() ? core.special(Special::kFpscr) : 0;
    default:
      return 0;
  }
}

void CoreDebug::write_core(uint32_t number, uint32_t value) {
  Processor& core = machine_.processor();
  if (number < 16) return core.set_reg(static_cast<int>(number), value & (number == 15 ? ~1u : ~0u));
  if (number >= 64 && number < 96 && core.has_fpu()) return core.set_fp(static_cast<int>(number) - 64, value);
  switch (number) {
    case 16:
      core.set_xpsr(value | 1u << 24);
      break;
    case 17:
      core.set_special(Special::kMsp, value);
      break;
    case 18:
      core.set_special(Special::kPsp, value);
      break;
    case 20:
      core.set_special(Special::kPrimask, value & 1);
      core.set_special(Special::kBasepri, value >> 8 & 0xFF);
      core.set_special(Special::kFaultmask, value >> 16 & 1);
      core.set_special(Special::kControl, value >> 24 & 7);
      break;
    case 33:
      if (core.has_fpu()) core.set_special(Special::kFpscr, value);
      break;
    default:
      break;
  }
}

}  // namespace mote::board_sim
