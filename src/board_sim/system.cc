#include "board_sim/system.h"

#include <algorithm>

namespace mote::board_sim {
namespace {

struct Identity {
  const char* target;
  uint32_t cpuid;
};
constexpr Identity kIdentities[] = {{"cortex-m0", 0x410CC200},
                                    {"cortex-m3", 0x412FC231},
                                    {"cortex-m4", 0x410FC241},
                                    {"cortex-m7", 0x411FC271},
                                    {"cortex-m33", 0x410FD213}};

constexpr uint32_t kDwtControl = 0xE0001000, kDwtCount = 0xE0001004, kDwtLockAccess = 0xE0001FB0,
                   kDwtLockStatus = 0xE0001FB4;
constexpr uint32_t kLockKey = 0xC5ACCE55;
constexpr uint32_t kVectorKey = 0x05FA;

uint32_t bits_from(const std::bitset<kExceptions>& set, int first) {
  uint32_t bits = 0;
  for (int i = 0; i < 32 && first + i < kExceptions; ++i) bits |= uint32_t{set[first + i]} << i;
  return bits;
}

void assign_bits(std::bitset<kExceptions>& set, int first, uint32_t bits, bool value) {
  for (int i = 0; i < 32 && first + i < kExceptions; ++i) {
    if (bits >> i & 1) set[first + i] = value;
  }
}

/// Registers in which a 1 written clears or sets a bit: a narrow write must not carry the other lanes along.
bool acts_on_ones(uint32_t address) {
  return (address >= 0xE000E100 && address < 0xE000E300) || (address >= 0xE000ED28 && address <= 0xE000ED30);
}

}  // namespace

SystemSpace::SystemSpace(const target::Board& board) {
  for (const Identity& identity : kIdentities) {
    if (board.target.name == identity.target) cpuid_ = identity.cpuid;
  }
  v6m_ = board.target.isa == "armv6-m";
  has_fpu_ = board.target.fpu;
  lock_ = board.counter.dwt_lock;
  reset_vtor_ = board.flash().address;
  if (v6m_) priority_mask_ = 0xC0;
  idcode_address_ = board.simulation.idcode_address;
  idcode_ = board.simulation.idcode;
  reset();
}

void SystemSpace::reset() {
  vtor = reset_vtor_;
  ccr = kCcrStkalign;
  if (v6m_) ccr |= kCcrUnalignTrp;
  fpccr = has_fpu_ ? kFpccrAspen | kFpccrLspen : 0;
  cpacr = cfsr = hfsr = mmfar = bfar = 0;
  pending.reset();
  active.reset();
  enabled.reset();
  priorities = {};
  systick.reset();
  reset_requested = false;
  changed = true;
  prigroup_ = dwt_control_ = count_ = scr_ = 0;
  counted_at_ = 0;
  lock_open_ = false;
  other_.clear();
}

uint32_t SystemSpace::read(uint32_t address, int bytes, uint64_t now, bool debugger) {
  const uint32_t word = read_word(address & ~3u, now, debugger) >> (8 * (address & 3));
  return bytes == 4 ? word : word & ((1u << (8 * bytes)) - 1);
}

void SystemSpace::write(uint32_t address, uint32_t value, int bytes, uint64_t now) {
  const uint32_t at = address & ~3u, shift = 8 * (address & 3);
  if (bytes == 4) return write_word(at, value, now);
  const uint32_t mask = ((1u << (8 * bytes)) - 1) << shift;
  const uint32_t others = acts_on_ones(at) ? 0 : read_word(at, now, true) & ~mask;
  write_word(at, others | (value << shift & mask), now);
}

uint32_t SystemSpace::read_word(uint32_t address, uint64_t now, bool debugger) {
  if (address == idcode_address_ && idcode_address_ != 0) return idcode_;
  if (address >= 0xE0001000 && address < 0xE0002000) return read_dwt(address, now);
  if (address >= 0xE000E100 && address < 0xE000E500) return read_nvic(address);
  switch (address) {
    case 0xE000E010:
      return systick.control(now, !debugger);
    case 0xE000E014:
      return systick.load();
    case 0xE000E018:
      return systick.value(now);
    default:
      break;
  }
  if (address >= 0xE000ED00 && address < 0xE000EE00) return read_scb(address);
  return read_identity(address);
}

void SystemSpace::write_word(uint32_t address, uint32_t value, uint64_t now) {
  if (address >= 0xE0001000 && address < 0xE0002000) return write_dwt(address, value, now);
  if (address >= 0xE000E100 && address < 0xE000E500) return write_nvic(address, value);
  switch (address) {
    case 0xE000E010:
      systick.set_control(value, now);
      changed = true;
      return;
    case 0xE000E014:
      systick.set_load(value, now);
      changed = true;
      return;
    case 0xE000E018:
      systick.clear_value(now);
      changed = true;
      return;
    case 0xE000EDFC:
      count_ = cycle_count(now);
      counted_at_ = now;
      demcr = value;
      return;
    case 0xE000EF00:  // STIR
      pending[(kFirstInterrupt + (value & 0x1FF)) % kExceptions] = true;
      changed = true;
      return;
    case 0xE000EF34:
      if (has_fpu_) fpccr = value & (kFpccrAspen | kFpccrLspen);
      return;
    default:
      break;
  }
  if (address >= 0xE000ED00 && address < 0xE000EE00) return write_scb(address, value);
  other_[address] = value;
}

uint32_t SystemSpace::cycle_count(uint64_t now) const {
  const bool counting = (dwt_control_ & 1) != 0 && (demcr & kDemcrTrcena) != 0;
  return counting ? count_ + static_cast<uint32_t>(now - counted_at_) : count_;
}

uint32_t SystemSpace::read_dwt(uint32_t address, uint64_t now) const {
  switch (address) {
    case kDwtControl:
      return dwt_control_;  // no comparators
    case kDwtCount:
      return cycle_count(now);
    case kDwtLockStatus:
      return lock_ ? (lock_open_ ? 1 : 3) : 0;
    default:
      return 0;
  }
}

void SystemSpace::write_dwt(uint32_t address, uint32_t value, uint64_t now) {
  if (address == kDwtLockAccess) lock_open_ = value == kLockKey;
  if (lock_ && !lock_open_) return;
  if (address == kDwtControl || address == kDwtCount) {
    count_ = address == kDwtCount ? value : cycle_count(now);
    counted_at_ = now;
    if (address == kDwtControl) dwt_control_ = value & 1;
  }
}

uint32_t SystemSpace::icsr() const {
  uint32_t current = 0;
  int lowest = 1 << 16;
  for (int n = 1; n < kExceptions; ++n) {
    if (active[n] && priority(n) < lowest) {
      current = static_cast<uint32_t>(n);
      lowest = priority(n);
    }
  }
  const bool interrupt = (pending >> kFirstInterrupt).any();
  return current | static_cast<uint32_t>(first_pending()) << 12 | (active.count() <= 1 ? 1u << 11 : 0) |
         (interrupt ? 1u << 22 : 0) | uint32_t{pending[kSysTick]} << 26 | uint32_t{pending[kPendSv]} << 28 |
         uint32_t{pending[kNmi]} << 31;
}

uint32_t SystemSpace::shcsr() const {
  return uint32_t{active[kMemManage]} | uint32_t{active[kBusFault]} << 1 | uint32_t{active[kUsageFault]} << 3 |
         uint32_t{active[kSvc]} << 7 | uint32_t{active[kPendSv]} << 10 | uint32_t{active[kSysTick]} << 11 |
         uint32_t{pending[kUsageFault]} << 12 | uint32_t{pending[kMemManage]} << 13 |
         uint32_t{pending[kBusFault]} << 14 | uint32_t{pending[kSvc]} << 15 | uint32_t{enabled[kMemManage]} << 16 |
         uint32_t{enabled[kBusFault]} << 17 | uint32_t{enabled[kUsageFault]} << 18;
}

uint32_t SystemSpace::read_scb(uint32_t address) const {
  switch (address) {
    case 0xE000ED00:
      return cpuid_;
    case 0xE000ED04:
      return icsr();
    case 0xE000ED08:
      return vtor;
    case 0xE000ED0C:
      return 0xFA050000 | prigroup_ << 8;
    case 0xE000ED10:
      return scr_;
    case 0xE000ED14:
      return ccr;
    case 0xE000ED18:
    case 0xE000ED1C:
    case 0xE000ED20: {
      const int first = 4 + static_cast<int>(address - 0xE000ED18);
      uint32_t value = 0;
      for (int i = 0; i < 4; ++i) value |= uint32_t{priorities[first + i]} << (8 * i);
      return value;
    }
    case 0xE000ED24:
      return shcsr();
    case 0xE000ED28:
      return cfsr;
    case 0xE000ED2C:
      return hfsr;
    case 0xE000ED30:
      return dfsr;
    case 0xE000ED34:
      return mmfar;
    case 0xE000ED38:
      return bfar;
    case 0xE000ED88:
      return cpacr;
    case 0xE000EDF0:
      return 1u << 16;  // S_REGRDY
    case 0xE000EDFC:
      return demcr;
    case 0xE000ED90:  // no MPU
      return 0;
    default:
      return read_identity(address);
  }
}

void SystemSpace::write_scb(uint32_t address, uint32_t value) {
  changed = true;
  switch (address) {
    case 0xE000ED04:
      if (value & 1u << 31) pending[kNmi] = true;
      if (value & 1u << 28) pending[kPendSv] = true;
      if (value & 1u << 27) pending[kPendSv] = false;
      if (value & 1u << 26) pending[kSysTick] = true;
      if (value & 1u << 25) pending[kSysTick] = false;
      return;
    case 0xE000ED08:
      vtor = value & ~0x7Fu;
      return;
    case 0xE000ED0C:
      if (value >> 16 != kVectorKey) return;
      prigroup_ = value >> 8 & 7;
      if (value & 5) reset_requested = true;
      return;
    case 0xE000ED10:
      scr_ = value & 0x16;
      return;
    case 0xE000ED14:
      if (!v6m_) ccr = (value & 0x7031B) | kCcrStkalign;
      return;
    case 0xE000ED18:
    case 0xE000ED1C:
    case 0xE000ED20: {
      const int first = 4 + static_cast<int>(address - 0xE000ED18);
      for (int i = 0; i < 4; ++i) priorities[first + i] = static_cast<uint8_t>(value >> (8 * i) & priority_mask_);
      return;
    }
    case 0xE000ED24:
      enabled[kMemManage] = value >> 16 & 1;
      enabled[kBusFault] = value >> 17 & 1;
      enabled[kUsageFault] = value >> 18 & 1;
      pending[kUsageFault] = value >> 12 & 1;
      pending[kMemManage] = value >> 13 & 1;
      pending[kBusFault] = value >> 14 & 1;
      pending[kSvc] = value >> 15 & 1;
      return;
    case 0xE000ED28:
      cfsr &= ~value;
      return;
    case 0xE000ED2C:
      hfsr &= ~value;
      return;
    case 0xE000ED30:
      dfsr &= ~value;
      return;
    case 0xE000ED34:
      mmfar = value;
      return;
    case 0xE000ED38:
      bfar = value;
      return;
    case 0xE000ED88:
      if (has_fpu_) cpacr = value & 0x00F00000;
      return;
    default:
      other_[address] = value;
      return;
  }
}

uint32_t SystemSpace::read_nvic(uint32_t address) const {
  if (address >= 0xE000E400) {
    const int first = kFirstInterrupt + static_cast<int>(address - 0xE000E400);
    uint32_t value = 0;
    for (int i = 0; i < 4 && first + i < kExceptions; ++i) value |= uint32_t{priorities[first + i]} << (8 * i);
    return value;
  }
  const int first = kFirstInterrupt + static_cast<int>(address & 0x7C) * 8;
  switch (address >> 7 & 7) {
    case 2:  // ISER
    case 3:  // ICER
      return bits_from(enabled, first);
    case 4:  // ISPR
    case 5:  // ICPR
      return bits_from(pending, first);
    case 6:  // IABR
      return bits_from(active, first);
    default:
      return 0;
  }
}

void SystemSpace::write_nvic(uint32_t address, uint32_t value) {
  changed = true;
  if (address >= 0xE000E400) {
    const int first = kFirstInterrupt + static_cast<int>(address - 0xE000E400);
    for (int i = 0; i < 4 && first + i < kExceptions; ++i) {
      priorities[first + i] = static_cast<uint8_t>(value >> (8 * i) & priority_mask_);
    }
    return;
  }
  const int first = kFirstInterrupt + static_cast<int>(address & 0x7C) * 8;
  const uint32_t which = address >> 7 & 7;
  if (which == 2 || which == 3) assign_bits(enabled, first, value, which == 2);
  if (which == 4 || which == 5) assign_bits(pending, first, value, which == 4);
}

uint32_t SystemSpace::read_identity(uint32_t address) const {
  switch (address) {
    case 0xE000E004:  // ICTR: how many interrupts
      return 7;
    case 0xE000EF34:
      return fpccr;
    case 0xE000EF40:
      return has_fpu_ ? 0x10110021 : 0;
    case 0xE000EF44:
      return has_fpu_ ? 0x11000011 : 0;
    case 0xE000EF48:
      return has_fpu_ && cpuid_ == 0x411FC271 ? 0x00000040 : 0;
    default:
      break;
  }
  const auto found = other_.find(address);
  return found == other_.end() ? 0 : found->second;
}

int SystemSpace::priority(int n) const {
  return n == kReset ? -3 : n == kNmi ? -2 : n == kHardFault ? -1 : priorities[n];
}

int SystemSpace::group(int priority) const {
  return priority < 0 ? priority : priority & ~((2 << prigroup_) - 1);
}

int SystemSpace::first_pending() const {
  if (pending.none()) return kThread;
  int best = kThread, best_priority = 1 << 16;
  for (int n = 1; n < kExceptions; ++n) {
    if (!pending[n] || (n >= kFirstInterrupt && !enabled[n])) continue;
    if (priority(n) < best_priority) {
      best = n;
      best_priority = priority(n);
    }
  }
  return best;
}

}  // namespace mote::board_sim
