// What the machine does when the emulator has stopped.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "board_sim/machine.h"
#include "board_sim/semihosting.h"
#include "support/error.h"

namespace mote::board_sim {
namespace {

using schedule::Insn;
using schedule::kNoRegister;

// The emulator's exception numbers.
constexpr int kEmulatorSvc = 2, kEmulatorPrefetchAbort = 3, kEmulatorDataAbort = 4, kEmulatorBkpt = 7,
              kEmulatorReturn = 8, kEmulatorNocp = 17, kEmulatorInvstate = 18;
constexpr uint32_t kFirstReturnValue = 0xFFFFFFE0;
constexpr uint16_t kSemihosting = 0xBEAB, kWfi = 0xBF30, kWfe = 0xBF20, kYield = 0xBF10;
constexpr uint32_t kWideWfe = 0x8002F3AF, kWideYield = 0x8001F3AF;
constexpr uint32_t kIpsr = 0x1FF, kThumb = 1u << 24;

bool is_breakpoint(uint32_t halfword) {
  return (halfword & 0xFF00) == 0xBE00;
}

/// ITSTATE after one more instruction.
uint32_t advance_it(uint32_t it) {
  return (it & 7) == 0 ? 0 : (it & 0xE0) | (it << 1 & 0x1F);
}

uint32_t with_it(uint32_t xpsr, uint32_t it) {
  return (xpsr & ~0x0600FC00u) | (it & 3) << 25 | (it & 0xFC) << 8;
}

uint32_t it_of(uint32_t xpsr) {
  return (xpsr >> 25 & 3) | (xpsr >> 8 & 0xFC);
}

/// Whether condition `condition` (0..14) holds with the flags of `xpsr`.
bool holds(uint32_t condition, uint32_t xpsr) {
  const bool n = xpsr >> 31 & 1, z = xpsr >> 30 & 1, c = xpsr >> 29 & 1, v = xpsr >> 28 & 1;
  const bool results[8] = {z, c, n, v, c && !z, n == v, n == v && !z, true};
  const bool result = results[condition >> 1];
  return (condition & 1) != 0 && condition < 14 ? !result : result;
}

}  // namespace

// Stopped in the middle of current_, before the instruction at `pc`: that much has run.
void Machine::stop_at(uint32_t pc) {
  if (current_ != nullptr && pc > current_->address && pc < current_->end()) {
    const uint32_t it = it_state(pc);
    Block* part = blocks_.find(current_->address, pc - current_->address);
    if (part != nullptr) {
      current_ = part;
      charge(pc);
      resume_at_ = pc;
      resume_path_ = path_;
    }
    processor_.set_xpsr(with_it(processor_.xpsr(), it));
  } else if (current_ != nullptr && pc != current_->address) {
    charge(pc);
  } else if (current_ != nullptr) {
    resume_at_ = pc;  // nothing of it has run
    resume_path_ = path_;
  }
  current_ = nullptr;
  processor_.set_reg(15, pc);
}

// ITSTATE before the instruction at `pc` of current_. The emulator keeps it up to date only between blocks.
uint32_t Machine::it_state(uint32_t pc) const {
  uint32_t it = it_of(processor_.xpsr());
  for (const Insn& insn : current_->insns) {
    if (insn.address >= pc) break;
    it = insn.it ? memory_.value(insn.address, 1).value_or(0) : advance_it(it);
  }
  return it;
}

std::optional<Halt> Machine::handle_exit(uc_err error) {
  const std::optional<uint32_t> end = std::exchange(end_, exit_.wanted_end);
  for (const uint32_t address : exit_.wanted_guards) guard(address);
  if (exit_.bad_access) return handle_bad_access(*exit_.bad_access);
  if (exit_.stored != nullptr) return handle_store(*exit_.stored);
  if (exit_.watched) {
    stop_at(*exit_.watched);
    return Halt{Halt::Reason::kWatchpoint, {}, 0, std::exchange(watched_, std::nullopt)};
  }
  if (exit_.guard) return handle_guard(*exit_.guard);
  if (exit_.attention) {
    // Between blocks that the emulator has chained its PC is that of an earlier one.
    processor_.set_reg(15, *exit_.attention);
    return std::nullopt;
  }
  if (exit_.interrupt >= 0) return handle_interrupt(exit_.interrupt);
  const uint32_t pc = processor_.reg(15) & ~1u;
  if (error == UC_ERR_INSN_INVALID) {
    const bool thumb = (processor_.xpsr() & kThumb) != 0;
    if (just_yielded(pc)) return handle_end(pc);  // nothing to yield to, and WFE may wake at any time
    stop_at(pc);
    return fault({kUsageFault, thumb ? kCfsrUndefinstr : kCfsrInvstate, pc, 0});
  }
  if (error != UC_ERR_OK) {
    throw JobError(fmt::format("the emulator stopped at {:#010x}: {}", pc, uc_strerror(error)));
  }
  if (end && pc == *end && !just_slept(pc)) return handle_end(pc);
  stop_at(pc);  // WFI
  return sleep();
}

std::optional<Halt> Machine::handle_guard(uint32_t address) {
  stop_at(address);
  if (breakpoints_.contains(address)) return Halt{Halt::Reason::kBreakpoint, {}, 0};
  if (const std::optional<Fault> found = fault_at(address)) return fault(*found);
  return std::nullopt;
}

/// The stretch of emulation came to its end, before the instruction at `address`.
std::optional<Halt> Machine::handle_end(uint32_t address) {
  // Where the block would have gone on, what follows is its rest.
  const bool cut = current_ != nullptr && address == current_->end() && !current_->insns.back().branch &&
                   current_->insns.back().timing != target::Timing::kSystem;
  stop_at(address);
  if (cut) {
    resume_at_ = address;
    resume_path_ = path_;
  }
  if (single_) return Halt{Halt::Reason::kStep, {}, 0};
  return handle_guard(address);
}

/// The instruction before `pc` is WFI.
bool Machine::just_slept(uint32_t pc) const {
  return memory_.value(pc - 2, 2).value_or(0) == kWfi;
}

/// The block that ran last ended before `pc`, with WFE or YIELD: the emulator reports them as it does an undefined
/// instruction, but with the address of the one after them.
bool Machine::just_yielded(uint32_t pc) const {
  if (current_ == nullptr || current_->insns.empty() || current_->end() != pc) return false;
  const uint32_t address = current_->insns.back().address;
  if (pc - address == 4) {
    const uint32_t code = memory_.value(address, 4).value_or(0);
    return code == kWideWfe || code == kWideYield;
  }
  const uint32_t code = memory_.value(address, 2).value_or(0);
  return code == kWfe || code == kYield;
}

/// The fault that the guarded instruction at `address` makes with the registers as they are.
std::optional<Fault> Machine::fault_at(uint32_t address) const {
  std::byte code[4] = {};
  const int size = schedule::thumb_size(static_cast<uint16_t>(memory_.value(address, 2).value_or(0)));
  if (!memory_.read(address, std::span(code).first(static_cast<size_t>(size)))) return std::nullopt;
  const std::vector<Insn> insns = schedule::decode(address, std::span(code).first(static_cast<size_t>(size)));
  const Insn& insn = insns.front();
  const uint32_t it =
      current_ != nullptr && current_->address <= address ? it_state(address) : it_of(processor_.xpsr());
  if (it != 0 && !holds(it >> 4, processor_.xpsr())) return std::nullopt;
  if (insn.floating && !system_.fpu_enabled()) return Fault{kUsageFault, kCfsrNocp, address, 0};
  if (insn.access.word_aligned && insn.access.base < 15) {
    const uint32_t to = processor_.reg(insn.access.base) + static_cast<uint32_t>(insn.access.offset);
    if (to % 4 != 0) return Fault{kUsageFault, kCfsrUnaligned, address, to};
  }
  if (insn.access.bytes > 1 && insn.access.base < 15 && (system_.ccr & kCcrUnalignTrp)) {
    uint32_t to = processor_.reg(insn.access.base) + static_cast<uint32_t>(insn.access.offset);
    if (insn.access.index != kNoRegister) to += processor_.reg(insn.access.index) << insn.access.shift;
    if (to % insn.access.bytes != 0) return Fault{kUsageFault, kCfsrUnaligned, address, to};
  }
  if (insn.divide && (system_.ccr & kCcrDiv0Trp)) {
    const uint32_t divisor = memory_.value(address + 2, 1).value_or(0) & 0xF;
    if (processor_.reg(static_cast<int>(divisor)) == 0) return Fault{kUsageFault, kCfsrDivbyzero, address, 0};
  }
  return std::nullopt;
}

/// The guarded instruction at `address` rounds to nearest, and the emulator would not.
bool Machine::rounds_wrongly_at(uint32_t address) const {
  if ((processor_.special(Special::kFpscr) & kFpscrRounding) == 0) return false;
  std::byte code[4] = {};
  return memory_.read(address, code) && schedule::decode(address, code).front().to_nearest;
}

std::optional<Halt> Machine::handle_interrupt(int number) {
  const uint32_t pc = processor_.reg(15) & ~1u;
  switch (number) {
    case kEmulatorSvc:
      stop_at(pc);
      return handle_svc(pc);
    case kEmulatorBkpt:
      stop_at(pc);
      return handle_breakpoint_instruction(pc);
    case kEmulatorReturn:
    case kEmulatorPrefetchAbort:
      return handle_bad_fetch(pc);
    case kEmulatorNocp:
      stop_at(pc);
      return fault({kUsageFault, kCfsrNocp, pc, 0});
    case kEmulatorInvstate:
      stop_at(pc);
      return fault({kUsageFault, kCfsrInvstate, pc, 0});
    case kEmulatorDataAbort:
      stop_at(pc);
      return fault({kUsageFault, kCfsrUnaligned, pc, 0});
    default:
      stop_at(pc);
      return fault({kUsageFault, kCfsrUndefinstr, pc, 0});
  }
}

/// The core went to `pc`, where it cannot execute.
std::optional<Halt> Machine::handle_bad_fetch(uint32_t pc) {
  stop_at(pc);
  // A branch to EXC_RETURN; a vector that points there is none.
  if (pc >= kFirstReturnValue && blocks_begun_ > 0 && (processor_.xpsr() & kIpsr) != 0) return handle_return(pc | 1);
  return fault(fetch_fault(pc));
}

/// A branch to EXC_RETURN `value`.
std::optional<Halt> Machine::handle_return(uint32_t value) {
  clear_exclusive();
  if (!exceptions_.leave(value)) return locked_up({kUsageFault, kCfsrInvpc, value & ~1u, 0});
  if (system_.systick.take_interrupt(cycles_)) system_.pending[kSysTick] = true;
  const int next = exceptions_.to_take();
  if (next == kThread) {
    cycles_ += timer_.exception_return();
    return std::nullopt;
  }
  // Tail-chaining: the frame stays where it is.
  cycles_ += timer_.tail_chain();
  if (!exceptions_.enter(next, processor_.reg(15) & ~1u)) return locked_up({next, 0, processor_.reg(15), 0});
  return std::nullopt;
}

std::optional<Halt> Machine::handle_svc(uint32_t next) {
  const std::optional<int> taken = exceptions_.escalated(kSvc);
  const Fault unhandled{kSvc, 0, next - 2, 0};
  if (debugger && faults_halt && !(taken && exceptions_.has_handler(*taken))) {
    processor_.set_reg(15, next - 2);
    return Halt{Halt::Reason::kFault, unhandled, 0};
  }
  if (taken == kHardFault) system_.hfsr |= kHfsrForced;
  cycles_ += timer_.exception_entry();
  if (!taken || !exceptions_.enter(*taken, next)) return locked_up(unhandled);
  clear_exclusive();
  return std::nullopt;
}

std::optional<Halt> Machine::handle_breakpoint_instruction(uint32_t pc) {
  const uint32_t code = memory_.value(pc, 2).value_or(0);
  if (code == kSemihosting && own_semihosting) {
    const SemihostingResult result = semihosting_call(processor_, memory_, cycles_, board_.clock_hz, print);
    processor_.set_reg(15, pc + 2);
    if (result.exit) return Halt{Halt::Reason::kExit, {}, *result.exit};
    return std::nullopt;
  }
  if (debugger && is_breakpoint(code)) {
    system_.dfsr |= kDfsrBkpt;
    return Halt{Halt::Reason::kBreakpoint, {}, 0};
  }
  return fault({kHardFault, kHfsrDebugevt, pc, 0});
}

std::optional<Halt> Machine::handle_bad_access(const Exit::Access& access) {
  if (access.fetch) return handle_bad_fetch(access.address & ~1u);
  if (access.write && program_flash(access)) return std::nullopt;
  uint32_t pc = processor_.reg(15) & ~1u;
  if (current_ != nullptr) {
    const int index = locate(access.address, access.bytes, access.write);
    pc = index >= 0 ? current_->insns[static_cast<size_t>(index)].address : current_->address;
  }
  stop_at(pc);
  return fault({kBusFault, kCfsrPreciserr | kCfsrBfarvalid, pc, access.address});
}

// A store to flash while the controller programs: done here, and execution goes on behind it.
bool Machine::program_flash(const Exit::Access& access) {
  const Window* window = memory_.find(access.address, static_cast<uint64_t>(access.bytes));
  if (window == nullptr || !window->flash || !flash_.modelled() || !flash_.programming()) return false;
  const int index = current_ != nullptr ? locate(access.address, access.bytes, true) : -1;
  if (index < 0) return false;
  const Insn& insn = current_->insns[static_cast<size_t>(index)];
  if (insn.access.count != 1) return false;
  flash_.program(access.address, access.value, access.bytes);
  write_back(insn);
  stop_at(insn.address + insn.size);
  return true;
}

// The emulator has stopped between a store and the write-back of its base.
std::optional<Halt> Machine::handle_store(const Insn& insn) {
  write_back(insn);
  stop_at(insn.address + insn.size);
  return std::nullopt;
}

void Machine::write_back(const Insn& insn) {
  if (insn.base_writes == 0) return;
  const int base = insn.access.base;
  processor_.set_reg(base, processor_.reg(base) + static_cast<uint32_t>(insn.access.writeback));
}

// Entering and leaving an exception clears the exclusive monitor. The emulator's is reached by an instruction alone:
// a CLREX, in memory that is there for as long as it takes.
void Machine::clear_exclusive() {
  if (!std::exchange(exclusive_, false)) return;
  alignas(4096) static std::array<std::byte, 4096> page = {std::byte{0xBF}, std::byte{0xF3}, std::byte{0x2F},
                                                           std::byte{0x8F}};
  uint32_t at = 0x9FFFF000;  // code may lie there
  while (memory_.find(at, page.size()) != nullptr) at -= static_cast<uint32_t>(page.size());
  uc_engine* uc = processor_.handle();
  const uint32_t pc = processor_.reg(15);
  clearing_exclusive_ = true;
  const bool done = uc_mem_map_ptr(uc, at, page.size(), UC_PROT_READ | UC_PROT_EXEC, page.data()) == UC_ERR_OK &&
                    uc_emu_start(uc, at | 1, at + 4, 0, 0) == UC_ERR_OK &&
                    uc_mem_unmap(uc, at, page.size()) == UC_ERR_OK;
  check(done, "the emulator does not run CLREX");
  clearing_exclusive_ = false;
  processor_.set_reg(15, pc);
}

Fault Machine::fetch_fault(uint32_t pc) const {
  const bool device = (pc >= device_window_.address && pc < 0x60000000) || pc >= system_window_.address;
  const bool memory = memory_.find(pc, 2) != nullptr;
  if (device || memory) return {kMemManage, kCfsrIaccviol, pc, 0};
  return {kBusFault, kCfsrIbuserr, pc, 0};
}

std::optional<Halt> Machine::fault(const Fault& fault) {
  const std::optional<int> taken = exceptions_.escalated(fault.exception);
  if (debugger && faults_halt && !(taken && exceptions_.has_handler(*taken))) {
    exceptions_.record(fault);
    if (fault.exception != kHardFault) system_.hfsr |= kHfsrForced;
    return Halt{Halt::Reason::kFault, fault, 0};
  }
  cycles_ += timer_.exception_entry();
  if (!exceptions_.raise(fault)) return locked_up(fault);
  clear_exclusive();
  if (debugger && exceptions_.caught(*taken, fault)) {
    system_.dfsr |= kDfsrVcatch;
    return Halt{Halt::Reason::kVectorCatch, fault, 0};
  }
  return std::nullopt;
}

Halt Machine::locked_up(const Fault& fault) {
  return Halt{Halt::Reason::kLockup, fault, 0};
}

}  // namespace mote::board_sim
