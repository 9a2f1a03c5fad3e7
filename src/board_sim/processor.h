// The emulated core: Unicorn, and the registers of a Cortex-M behind it.
#pragma once

#include <unicorn/unicorn.h>

#include <cstdint>
#include <string>

#include "board_sim/memory.h"

namespace mote::board_sim {

/// Special registers, as MRS and MSR name them.
enum class Special : uint8_t { kMsp, kPsp, kPrimask, kBasepri, kFaultmask, kControl, kFpscr };

inline constexpr uint32_t kFpscrRounding = 3u << 22;

class Processor {
 public:
  /// `target`: "cortex-m0" ... "cortex-m33". Maps every window of `memory`, which must outlive it.
  /// Throws InputError when the emulator has no such core.
  Processor(const std::string& target, const Memory& memory);
  ~Processor();
  Processor(const Processor&) = delete;
  Processor& operator=(const Processor&) = delete;

  /// r0..r15 (r13 is the stack pointer in use). Setting r15 from a hook is not allowed.
  uint32_t reg(int n) const;
  void set_reg(int n, uint32_t value);
  uint32_t xpsr() const;
  /// Also switches between thread and handler mode, and so between the stack pointers.
  void set_xpsr(uint32_t value);
  uint32_t special(Special which) const;
  void set_special(Special which, uint32_t value);
  /// s0..s31 as bits.
  uint32_t fp(int n) const;
  void set_fp(int n, uint32_t value);

  bool has_fpu() const { return has_fpu_; }
  uc_engine* handle() const { return uc_; }
  /// Bytes were written behind the emulator's back: code translated from them is dropped.
  void forget_code(uint32_t address, uint64_t bytes);

 private:
  uc_engine* uc_ = nullptr;
  bool has_fpu_ = false;
};

}  // namespace mote::board_sim
