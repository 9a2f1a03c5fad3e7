// Exceptions of a Cortex-M: which one is taken, the frame that is stacked, returns, and how faults escalate.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "board_sim/memory.h"
#include "board_sim/processor.h"
#include "board_sim/system.h"

namespace mote::board_sim {

/// A fault before it becomes an exception.
struct Fault {
  int exception = kHardFault;  // kMemManage, kBusFault, kUsageFault, kHardFault; kSvc: an SVC nobody handles
  uint32_t status = 0;         // the CFSR bit (HFSR bit for kHardFault)
  uint32_t pc = 0;             // of the instruction
  uint32_t address = 0;        // of the access, for a BusFault with BFARVALID
};

/// "BusFault: data access to 0x60000000 by the instruction at 0x08000124".
std::string describe(const Fault& fault);

/// The core's exception machinery over the other parts of the board.
class Exceptions {
 public:
  Exceptions(Processor& processor, Memory& memory, SystemSpace& system)
      : processor_(processor), memory_(memory), system_(system) {}

  /// The pending exception that pre-empts what runs now, or kThread.
  int to_take() const;
  /// True when WFI wakes up: an exception is pending whose priority would do, PRIMASK ignored.
  bool wakes() const;
  /// Stacks the state and goes to the handler of `n`; execution would have gone on at `return_address`. False: lockup.
  bool enter(int n, uint32_t return_address);
  /// Leaves the handler through EXC_RETURN `value`. False: lockup.
  bool leave(uint32_t value);
  /// Records `fault` in the status registers and enters the exception it ends in after escalation. False: lockup.
  bool raise(const Fault& fault);
  /// Records `fault` in the status registers only.
  void record(const Fault& fault);
  /// The exception that `raise` would enter; nullopt: lockup.
  std::optional<int> escalated(int exception) const;
  /// True when the vector of `n` leads to memory that can hold code.
  bool has_handler(int n) const;
  /// True when DEMCR asks the debugger to be shown `fault`, which ends in exception `taken`.
  bool caught(int taken, const Fault& fault) const;

 private:
  int current_priority() const;
  bool keeps_fp() const;
  bool push_frame(uint32_t return_address, uint32_t& frame);
  bool pop_frame(uint32_t frame, bool extended, int back_to);
  bool nested_fault(int exception, uint32_t status);
  void activate(int n, uint32_t return_value);
  bool go_to_vector(int n, uint32_t return_address);

  Processor& processor_;
  Memory& memory_;
  SystemSpace& system_;
};

}  // namespace mote::board_sim
