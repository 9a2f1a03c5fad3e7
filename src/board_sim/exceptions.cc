#include "board_sim/exceptions.h"

#include <fmt/format.h>

#include <algorithm>

namespace mote::board_sim {
namespace {

constexpr uint32_t kThumb = 1u << 24, kFrameAlign = 1u << 9, kIpsr = 0x1FF;
constexpr uint32_t kControlSpsel = 2, kControlFpca = 4;
constexpr uint32_t kBasicFrame = 0x20, kExtendedFrame = 0x68;
constexpr uint32_t kIsReturn = 0xFFFFFFE0, kReturnBasic = 1u << 4, kReturnThread = 1u << 3, kReturnPsp = 1u << 2;
constexpr int kLowest = 256;  // nothing active: less urgent than every exception

}  // namespace

std::string describe(const Fault& fault) {
  const std::string by = fmt::format("the instruction at {:#010x}", fault.pc);
  if (fault.exception == kSvc) return "SVC without a handler: " + by;
  switch (fault.status) {
    case kCfsrIaccviol:
      return fmt::format("MemManage fault: execution at {:#010x}, which cannot hold code", fault.pc);
    case kCfsrIbuserr:
      return fmt::format("BusFault: execution at {:#010x}, where there is no memory", fault.pc);
    case kCfsrPreciserr | kCfsrBfarvalid:
      return fmt::format("BusFault: data access to {:#010x} by {}", fault.address, by);
    case kCfsrUndefinstr:
      return "UsageFault: undefined instruction: " + by;
    case kCfsrInvstate:
      return "UsageFault: not in Thumb state: " + by;
    case kCfsrInvpc:
      return "UsageFault: invalid exception return: " + by;
    case kCfsrNocp:
      return "UsageFault: the FPU is not enabled (CPACR): " + by;
    case kCfsrUnaligned:
      return fmt::format("UsageFault: unaligned access to {:#010x} by {}", fault.address, by);
    case kCfsrDivbyzero:
      return "UsageFault: division by zero: " + by;
    case kHfsrDebugevt:
      return "HardFault: breakpoint instruction without a debugger: " + by;
    default:
      return fmt::format("fault {:#x}: {}", fault.status, by);
  }
}

int Exceptions::current_priority() const {
  int priority = kLowest;
  for (int n = 1; n < kExceptions; ++n) {
    if (system_.active[n]) priority = std::min(priority, system_.group(system_.priority(n)));
  }
  if (const int base = static_cast<int>(processor_.special(Special::kBasepri)); base != 0) {
    priority = std::min(priority, system_.group(base));
  }
  if (processor_.special(Special::kPrimask) & 1) priority = std::min(priority, 0);
  if (processor_.special(Special::kFaultmask) & 1) priority = std::min(priority, -1);
  return priority;
}

int Exceptions::to_take() const {
  const int n = system_.first_pending();
  return n != kThread && system_.group(system_.priority(n)) < current_priority() ? n : kThread;
}

bool Exceptions::wakes() const {
  const int n = system_.first_pending();
  if (n == kThread) return false;
  int priority = kLowest;
  for (int k = 1; k < kExceptions; ++k) {
    if (system_.active[k]) priority = std::min(priority, system_.group(system_.priority(k)));
  }
  return system_.group(system_.priority(n)) < priority;
}

bool Exceptions::has_handler(int n) const {
  const std::optional<uint32_t> vector = memory_.value(system_.vtor + 4 * static_cast<uint32_t>(n), 4);
  if (!vector || (*vector & 1) == 0) return false;
  const Window* window = memory_.find(*vector & ~1u, 2);
  return window != nullptr && window->executable && memory_.value(*vector & ~1u, 2) != 0xFFFF;
}

/// The frame keeps the registers of the FPU, too. (The emulator sets FPCA also where FPCCR says not to.)
bool Exceptions::keeps_fp() const {
  return (processor_.special(Special::kControl) & kControlFpca) != 0 && (system_.fpccr & kFpccrAspen) != 0;
}

bool Exceptions::push_frame(uint32_t return_address, uint32_t& frame) {
  const bool extended = keeps_fp();
  const uint32_t sp = processor_.reg(13);
  const uint32_t xpsr = processor_.xpsr();
  const uint32_t odd = sp & 4;
  frame = ((sp - (extended ? kExtendedFrame : kBasicFrame)) & ~4u);
  const uint32_t words[8] = {
      processor_.reg(0),  processor_.reg(1),  processor_.reg(2), processor_.reg(3),
      processor_.reg(12), processor_.reg(14), return_address,    (xpsr & ~kFrameAlign) | (odd != 0 ? kFrameAlign : 0)};
  bool ok = true;
  const auto store = [&](uint32_t offset, uint32_t value) {
    const Window* window = memory_.find(frame + offset, 4);
    ok = ok && window != nullptr && window->writable && memory_.set_value(frame + offset, value, 4);
  };
  for (uint32_t i = 0; i < 8; ++i) store(4 * i, words[i]);
  if (extended) {
    for (int i = 0; i < 16; ++i) store(kBasicFrame + 4 * static_cast<uint32_t>(i), processor_.fp(i));
    store(0x60, processor_.special(Special::kFpscr));
  }
  processor_.set_reg(13, frame);
  return ok;
}

bool Exceptions::enter(int n, uint32_t return_address) {
  const uint32_t control = processor_.special(Special::kControl);
  const bool handler = (processor_.xpsr() & kIpsr) != 0;
  uint32_t frame = 0;
  const bool stacked = push_frame(return_address, frame);
  const uint32_t back = 0xFFFFFFE1 | (keeps_fp() ? 0 : kReturnBasic) |
                        (handler ? 0 : kReturnThread | ((control & kControlSpsel) != 0 ? kReturnPsp : 0));
  // While still in thread mode: a handler cannot change the stack pointer that is used.
  processor_.set_special(Special::kControl, control & 1);
  activate(n, back);
  if (!stacked) return nested_fault(kBusFault, kCfsrStkerr);
  return go_to_vector(n, return_address);
}

// The state at the first instruction of the handler of `n`, but for the PC.
void Exceptions::activate(int n, uint32_t return_value) {
  system_.pending[n] = false;
  system_.active[n] = true;
  processor_.set_xpsr((processor_.xpsr() & 0xF80F0000) | kThumb | static_cast<uint32_t>(n));
  processor_.set_reg(14, return_value);
  system_.changed = true;
}

bool Exceptions::go_to_vector(int n, uint32_t return_address) {
  const std::optional<uint32_t> vector = memory_.value(system_.vtor + 4 * static_cast<uint32_t>(n), 4);
  if (!vector) {
    system_.hfsr |= kHfsrVecttbl;
    return n != kHardFault && n != kNmi && enter(kHardFault, return_address);
  }
  processor_.set_reg(15, *vector & ~1u);
  if ((*vector & 1) == 0) return raise({kUsageFault, kCfsrInvstate, *vector, 0});
  return true;
}

// A fault while stacking or unstacking: taken on top of the exception that was being entered or left.
bool Exceptions::nested_fault(int exception, uint32_t status) {
  system_.cfsr |= status;
  const std::optional<int> taken = escalated(exception);
  if (!taken) return false;
  if (*taken == kHardFault) system_.hfsr |= kHfsrForced;
  const std::optional<uint32_t> vector = memory_.value(system_.vtor + 4 * static_cast<uint32_t>(*taken), 4);
  if (!vector || (*vector & 1) == 0) return false;
  system_.active[*taken] = true;
  processor_.set_xpsr((processor_.xpsr() & ~kIpsr) | static_cast<uint32_t>(*taken));
  processor_.set_reg(15, *vector & ~1u);
  return true;
}

bool Exceptions::pop_frame(uint32_t frame, bool extended, int back_to) {
  uint32_t words[8] = {};
  for (uint32_t i = 0; i < 8; ++i) {
    const std::optional<uint32_t> value = memory_.value(frame + 4 * i, 4);
    if (!value) return nested_fault(kBusFault, kCfsrUnstkerr);
    words[i] = *value;
  }
  if (extended) {
    for (uint32_t i = 0; i < 16; ++i) {
      processor_.set_fp(static_cast<int>(i), memory_.value(frame + kBasicFrame + 4 * i, 4).value_or(0));
    }
    processor_.set_special(Special::kFpscr, memory_.value(frame + 0x60, 4).value_or(0));
  }
  const uint32_t sp = frame + (extended ? kExtendedFrame : kBasicFrame) + ((words[7] & kFrameAlign) != 0 ? 4 : 0);
  processor_.set_xpsr((words[7] & ~(kFrameAlign | kIpsr)) | static_cast<uint32_t>(back_to));
  for (int i = 0; i < 4; ++i) processor_.set_reg(i, words[i]);
  processor_.set_reg(12, words[4]);
  processor_.set_reg(14, words[5]);
  processor_.set_reg(13, sp);
  processor_.set_reg(15, words[6] & ~1u);
  if ((words[7] & kThumb) == 0) return raise({kUsageFault, kCfsrInvstate, words[6], 0});
  return true;
}

bool Exceptions::leave(uint32_t value) {
  const int from = static_cast<int>(processor_.xpsr() & kIpsr);
  system_.changed = true;
  system_.active[from] = false;
  if (from != kNmi) processor_.set_special(Special::kFaultmask, 0);
  const bool to_thread = (value & kReturnThread) != 0, psp = (value & kReturnPsp) != 0;
  const bool valid = (value & kIsReturn) == kIsReturn && (value & 3) == 1 && (to_thread || !psp) &&
                     (!to_thread || system_.active.none());
  if (!valid) {
    // The fault is taken in place of the return: the frame stays, and the handler sees the bad value.
    system_.cfsr |= kCfsrInvpc;
    const std::optional<int> taken = escalated(kUsageFault);
    if (!taken) return false;
    if (*taken == kHardFault) system_.hfsr |= kHfsrForced;
    activate(*taken, value);
    return go_to_vector(*taken, processor_.reg(15) & ~1u);
  }
  int back_to = kThread;
  if (!to_thread) {
    int best = kLowest;
    for (int n = 1; n < kExceptions; ++n) {
      if (system_.active[n] && system_.priority(n) < best) {
        best = system_.priority(n);
        back_to = n;
      }
    }
  }
  const bool extended = (value & kReturnBasic) == 0;
  const uint32_t frame = processor_.special(psp ? Special::kPsp : Special::kMsp);
  // Thread mode first, so that the stack pointer that is set is the one the frame came from.
  processor_.set_xpsr((processor_.xpsr() & ~kIpsr) | static_cast<uint32_t>(back_to));
  const uint32_t control =
      (processor_.special(Special::kControl) & 1) | (psp ? kControlSpsel : 0) | (extended ? kControlFpca : 0);
  processor_.set_special(Special::kControl, control);
  return pop_frame(frame, extended, back_to);
}

std::optional<int> Exceptions::escalated(int exception) const {
  const int now = current_priority();
  const bool configurable = exception != kHardFault;
  const bool enabled = exception == kSvc || (!system_.is_v6m() && system_.enabled[exception]);
  if (configurable && enabled && system_.group(system_.priority(exception)) < now) {
    return exception;
  }
  if (now <= -1) return std::nullopt;
  return kHardFault;
}

bool Exceptions::caught(int taken, const Fault& fault) const {
  constexpr uint32_t kMmErr = 1u << 4, kNocpErr = 1u << 5, kChkErr = 1u << 6, kStatErr = 1u << 7, kBusErr = 1u << 8;
  if (taken == kHardFault) return (system_.demcr & kDemcrVcHarderr) != 0;
  uint32_t wanted = kStatErr;
  if (taken == kMemManage) wanted = kMmErr;
  if (taken == kBusFault) wanted = kBusErr;
  if (fault.status == kCfsrNocp) wanted = kNocpErr;
  if (fault.status == kCfsrUnaligned || fault.status == kCfsrDivbyzero) wanted = kChkErr;
  return (system_.demcr & wanted) != 0;
}

void Exceptions::record(const Fault& fault) {
  if (fault.exception == kHardFault) {
    system_.hfsr |= fault.status;
    return;
  }
  system_.cfsr |= fault.status;
  if (fault.status & kCfsrBfarvalid) system_.bfar = fault.address;
}

bool Exceptions::raise(const Fault& fault) {
  record(fault);
  const std::optional<int> taken = escalated(fault.exception);
  if (!taken) return false;
  if (*taken == kHardFault && fault.exception != kHardFault) system_.hfsr |= kHfsrForced;
  if (fault.status == kCfsrInvstate) processor_.set_xpsr(processor_.xpsr() & ~kThumb);
  return enter(*taken, fault.pc);
}

}  // namespace mote::board_sim
