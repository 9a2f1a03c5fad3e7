// The system control space of a Cortex-M (0xE0000000): fault status, exception state, SysTick, the DWT cycle counter,
// the debug registers code can see, identification. Plain registers: what the core does about them is in exceptions.h.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <string>

#include "target/board.h"

namespace mote::board_sim {

// Exception numbers.
enum : int {
  kThread = 0,
  kReset = 1,
  kNmi = 2,
  kHardFault = 3,
  kMemManage = 4,
  kBusFault = 5,
  kUsageFault = 6,
  kSvc = 11,
  kDebugMonitor = 12,
  kPendSv = 14,
  kSysTick = 15,
  kFirstInterrupt = 16,
  kExceptions = 256
};

// Bits of CFSR, HFSR, DFSR, DEMCR and CCR.
enum : uint32_t {
  kCfsrIaccviol = 1u << 0,
  kCfsrMstkerr = 1u << 4,
  kCfsrMunstkerr = 1u << 3,
  kCfsrIbuserr = 1u << 8,
  kCfsrPreciserr = 1u << 9,
  kCfsrUnstkerr = 1u << 11,
  kCfsrStkerr = 1u << 12,
  kCfsrBfarvalid = 1u << 15,
  kCfsrUndefinstr = 1u << 16,
  kCfsrInvstate = 1u << 17,
  kCfsrInvpc = 1u << 18,
  kCfsrNocp = 1u << 19,
  kCfsrUnaligned = 1u << 24,
  kCfsrDivbyzero = 1u << 25,
  kHfsrVecttbl = 1u << 1,
  kHfsrForced = 1u << 30,
  kHfsrDebugevt = 1u << 31,
  kDfsrHalted = 1u << 0,
  kDfsrBkpt = 1u << 1,
  kDfsrDwttrap = 1u << 2,
  kDfsrVcatch = 1u << 3,
  kDemcrTrcena = 1u << 24,
  kDemcrVcHarderr = 1u << 10,
  kDemcrVcCorereset = 1u << 0,
  kCcrUnalignTrp = 1u << 3,
  kCcrDiv0Trp = 1u << 4,
  kCcrStkalign = 1u << 9,
  kFpccrAspen = 1u << 31,
  kFpccrLspen = 1u << 30,
};

/// The 24-bit down counter, computed from the cycle count when somebody looks.
class SysTick {
 public:
  void reset() { *this = SysTick(); }
  uint32_t control(uint64_t now, bool clear_flag);
  void set_control(uint32_t value, uint64_t now);
  uint32_t load() const { return load_; }
  void set_load(uint32_t value, uint64_t now);
  uint32_t value(uint64_t now) const;
  void clear_value(uint64_t now);
  /// The cycle at which it next counts to zero with its interrupt on; ~0 when never.
  uint64_t next_interrupt() const;
  /// Interrupts due up to `now`: true when there was one since the last call.
  bool take_interrupt(uint64_t now);

 private:
  uint64_t divider() const { return control_ & 4 ? 1 : 8; }
  uint64_t zeros(uint64_t now) const;    // how often it has counted to zero since start_
  uint64_t zero_time(uint64_t n) const;  // when it does for the n-th time (from 1)
  void restart(uint32_t value, uint64_t now);

  uint32_t control_ = 0, load_ = 0, value_ = 0;
  uint64_t start_ = 0, seen_ = 0, taken_ = 0;  // value_ holds at start_; zeros already flagged, already interrupted
};

class SystemSpace {
 public:
  explicit SystemSpace(const target::Board& board);

  /// Everything but the debug registers goes back to its reset value.
  void reset();
  /// Any size (1, 2, 4) and lane; `now` is the cycle count. `debugger`: reads have no side effects.
  uint32_t read(uint32_t address, int bytes, uint64_t now, bool debugger = false);
  void write(uint32_t address, uint32_t value, int bytes, uint64_t now);

  /// The pending exception that would be taken first, or kThread.
  int first_pending() const;
  /// Priority of exception `n` (lower is more urgent): -3 reset, -2 NMI, -1 HardFault, else the register's value.
  int priority(int n) const;
  /// `priority` without its subpriority: what pre-emption compares.
  int group(int priority) const;

  uint32_t vtor = 0, ccr = 0, cpacr = 0, fpccr = 0;
  uint32_t cfsr = 0, hfsr = 0, dfsr = 0, mmfar = 0, bfar = 0;
  uint32_t demcr = 0;
  std::bitset<kExceptions> pending, active, enabled;
  std::array<uint8_t, kExceptions> priorities = {};
  SysTick systick;
  bool reset_requested = false;
  /// A register was written that decides what the core may do next: exceptions, CPACR, CCR.
  bool changed = false;

  bool fpu_enabled() const { return (cpacr >> 20 & 0xF) != 0; }
  bool is_v6m() const { return v6m_; }

 private:
  uint32_t read_word(uint32_t address, uint64_t now, bool debugger);
  void write_word(uint32_t address, uint32_t value, uint64_t now);
  uint32_t read_dwt(uint32_t address, uint64_t now) const;
  void write_dwt(uint32_t address, uint32_t value, uint64_t now);
  uint32_t read_scb(uint32_t address) const;
  void write_scb(uint32_t address, uint32_t value);
  uint32_t read_nvic(uint32_t address) const;
  void write_nvic(uint32_t address, uint32_t value);
  uint32_t read_identity(uint32_t address) const;
  uint32_t icsr() const;
  uint32_t shcsr() const;
  uint32_t cycle_count(uint64_t now) const;

  uint32_t cpuid_ = 0, reset_vtor_ = 0, priority_mask_ = 0xF0;
  bool v6m_ = false, has_fpu_ = false, lock_ = false, lock_open_ = false;
  uint32_t idcode_address_ = 0, idcode_ = 0;
  uint32_t prigroup_ = 0, dwt_control_ = 0, count_ = 0, scr_ = 0;
  uint64_t counted_at_ = 0;             // count_ held at this cycle
  std::map<uint32_t, uint32_t> other_;  // registers that only remember: MPU, FPCAR, ...
};

}  // namespace mote::board_sim
