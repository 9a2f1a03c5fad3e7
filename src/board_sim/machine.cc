#include "board_sim/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "support/error.h"

namespace mote::board_sim {
namespace {

constexpr uint32_t kSystemBytes = 0x100000, kDeviceBytes = 0x20000000;
constexpr uint32_t kFlashStart = 1u << 16;  // in the flash controllers' control registers
constexpr uint64_t kNoEnd = 0xFFFFFFFF;     // an address execution never reaches

void add_hook(uc_engine* uc, int type, void* function, void* self) {
  uc_hook hook = 0;
  check(uc_hook_add(uc, &hook, type, function, self, 1, 0) == UC_ERR_OK, "the emulator refuses a hook");
}

}  // namespace

Machine::Machine(const target::Board& board, MemoryProfile profile)
    : board_(board),
      memory_(board),
      processor_(board.target.name, memory_),
      system_(board),
      peripherals_(board),
      flash_(board, memory_),
      exceptions_(processor_, memory_, system_),
      blocks_(memory_),
      memory_model_(profile == MemoryProfile::kFlash ? make_memory_model(board) : nullptr),
      timer_(board.target, memory_model_ != nullptr) {
  peripherals_.print = [this](std::string_view text) { print(text); };
  uc_engine* uc = processor_.handle();
  add_hook(uc, UC_HOOK_BLOCK, reinterpret_cast<void*>(&on_block), this);
  add_hook(uc, UC_HOOK_INTR, reinterpret_cast<void*>(&on_interrupt), this);
  add_hook(uc, UC_HOOK_MEM_INVALID, reinterpret_cast<void*>(&on_bad_access), this);
  // They halve the speed.
  if (memory_model_) add_hook(uc, UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, reinterpret_cast<void*>(&on_data), this);
  const uc_err system = uc_mmio_map(uc, system_window_.address, kSystemBytes, &on_device_read, &system_window_,
                                    &on_device_write, &system_window_);
  const uc_err device = uc_mmio_map(uc, device_window_.address, kDeviceBytes, &on_device_read, &device_window_,
                                    &on_device_write, &device_window_);
  if (system != UC_ERR_OK || device != UC_ERR_OK) {
    throw InputError(board.file, "memory lies where peripherals are (0x40000000 to 0x5FFFFFFF or 0xE0000000)");
  }
  reset();
}

void Machine::reset() {
  ++resets_;
  system_.reset();
  peripherals_.reset();
  flash_.reset();
  for (const Special which : {Special::kPrimask, Special::kBasepri, Special::kFaultmask, Special::kFpscr}) {
    processor_.set_special(which, 0);
  }
  processor_.set_xpsr(1u << 24);
  processor_.set_special(Special::kControl, 0);
  for (int n = 0; n < 13; ++n) processor_.set_reg(n, 0);
  processor_.set_special(Special::kPsp, 0);
  processor_.set_reg(13, memory_.value(system_.vtor, 4).value_or(0) & ~3u);
  processor_.set_reg(14, 0xFFFFFFFF);
  processor_.set_reg(15, memory_.value(system_.vtor + 4, 4).value_or(0) & ~1u);
  resume_at_ = 1;
  timer_.reset();
  blocks_.forget_branches();
  if (memory_model_) memory_model_->reset();
}

Halt Machine::run() {
  return go(false);
}

Halt Machine::step() {
  return go(true);
}

Halt Machine::go(bool single) {
  single_ = single;
  fresh_ = true;
  // A debugger that moved PC begins something new. What it costs must not depend on what ran before.
  if ((processor_.reg(15) & ~1u) != halted_at_) {
    timer_.reset();
    blocks_.forget_branches();
    blocks_.forget_stale();  // of programs that were loaded one after the other
    current_ = nullptr;
  }
  poll_at_ = cycles_ + poll_interval;
  watched_.reset();
  std::optional<Halt> halt;
  while (!halt) halt = emulate();
  halted_at_ = processor_.reg(15) & ~1u;
  if (watched_ && (halt->reason == Halt::Reason::kStep || halt->reason == Halt::Reason::kRequested)) {
    halt->reason = Halt::Reason::kWatchpoint;
    halt->watchpoint = std::exchange(watched_, std::nullopt);
  }
  return *halt;
}

std::optional<Halt> Machine::emulate() {
  // Exceptions that are due, resets, and the debugger come first; then code runs until the next of them.
  if (std::optional<Halt> halt = handle_due()) return halt;
  const uint32_t pc = processor_.reg(15) & ~1u;
  if (single_)
    end_ = pc + static_cast<uint32_t>(schedule::thumb_size(static_cast<uint16_t>(memory_.value(pc, 2).value_or(0))));
  const uint32_t rounding = round_to_nearest(pc);
  exit_ = {};
  current_ = nullptr;
  blocks_begun_ = 0;
  // The emulator looks for the end when it translates.
  if (end_) processor_.forget_code(*end_, 2);
  const uc_err error = uc_emu_start(processor_.handle(), pc | 1, end_.value_or(kNoEnd), 0, 0);
  if (end_) processor_.forget_code(*end_, 2);
  if (rounding != 0) processor_.set_special(Special::kFpscr, processor_.special(Special::kFpscr) | rounding);
  std::optional<Halt> halt = handle_exit(error);
  if (!halt && single_ && blocks_begun_ > 0) halt = Halt{Halt::Reason::kStep, {}, 0};
  if (blocks_begun_ > 0) fresh_ = false;
  return halt;
}

std::optional<Halt> Machine::handle_due() {
  if (system_.reset_requested) {
    reset();
    if (debugger && (system_.demcr & kDemcrVcCorereset)) return Halt{Halt::Reason::kVectorCatch, {}, 0};
  }
  if (cycles_ >= poll_at_) {
    poll_at_ = cycles_ + poll_interval;
    if (poll()) return Halt{Halt::Reason::kRequested, {}, 0};
  }
  if (system_.systick.take_interrupt(cycles_)) system_.pending[kSysTick] = true;
  if (const int n = exceptions_.to_take(); n != kThread) {
    cycles_ += timer_.exception_entry();
    fresh_ = false;
    if (!exceptions_.enter(n, processor_.reg(15) & ~1u)) return locked_up({n, 0, processor_.reg(15), 0});
    clear_exclusive();
    if (single_) return Halt{Halt::Reason::kStep, {}, 0};
  }
  if (system_.changed) {
    system_.changed = false;
    // Guards depend on CPACR and CCR: those still needed come back when their block is met.
    unguard_unneeded();
  }
  const bool masked = system_.first_pending() != kThread;  // may become possible at any instruction
  interrupt_at_ = system_.systick.next_interrupt();
  attention_at_ = masked ? 0 : std::min(poll_at_, interrupt_at_);
  return std::nullopt;
}

// The emulator converts from fixed point with the rounding of FPSCR, the architecture to nearest: such an instruction
// at `pc` runs alone, without the rounding bits, which are returned.
uint32_t Machine::round_to_nearest(uint32_t pc) {
  if (!guards_.contains(pc) || !rounds_wrongly_at(pc)) return 0;
  const uint32_t fpscr = processor_.special(Special::kFpscr);
  processor_.set_special(Special::kFpscr, fpscr & ~kFpscrRounding);
  end_ = pc + 4;
  return fpscr & kFpscrRounding;
}

std::optional<Halt> Machine::sleep() {
  while (!exceptions_.wakes()) {
    const uint64_t next = system_.systick.next_interrupt();
    if (next != ~uint64_t{0}) {
      cycles_ = std::max(cycles_, next);
      if (system_.systick.take_interrupt(cycles_)) system_.pending[kSysTick] = true;
      if (cycles_ < poll_at_) continue;
      poll_at_ = cycles_ + poll_interval;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // only the outside can wake it
    }
    if (poll()) return Halt{Halt::Reason::kRequested, {}, 0};
  }
  return std::nullopt;
}

bool Machine::read(uint32_t address, std::span<std::byte> out) {
  if (memory_.read(address, out)) return true;
  const bool system = address >= system_window_.address && address - system_window_.address < kSystemBytes;
  const bool device = address >= device_window_.address && address - device_window_.address < kDeviceBytes;
  if (!system && !device) return false;
  for (size_t i = 0; i < out.size();) {
    const uint32_t at = address + static_cast<uint32_t>(i);
    const int bytes = at % 4 == 0 && out.size() - i >= 4 ? 4 : at % 2 == 0 && out.size() - i >= 2 ? 2 : 1;
    const uint32_t value = system ? system_.read(at, bytes, cycles_, true) : read_device(at, bytes);
    for (int b = 0; b < bytes; ++b) out[i + static_cast<size_t>(b)] = static_cast<std::byte>(value >> (8 * b));
    i += static_cast<size_t>(bytes);
  }
  return true;
}

bool Machine::write(uint32_t address, std::span<const std::byte> bytes) {
  if (memory_.write(address, bytes)) {
    // Window by window: the emulator takes a range for one piece of its own memory.
    for (const Window& window : memory_.windows()) {
      const uint64_t begin = std::max<uint64_t>(address, window.address);
      const uint64_t end = std::min(address + uint64_t{bytes.size()}, window.end());
      if (begin < end) processor_.forget_code(static_cast<uint32_t>(begin), end - begin);
    }
    return true;
  }
  const bool system = address >= system_window_.address && address - system_window_.address < kSystemBytes;
  const bool device = address >= device_window_.address && address - device_window_.address < kDeviceBytes;
  if (!system && !device) return false;
  for (size_t i = 0; i < bytes.size();) {
    const uint32_t at = address + static_cast<uint32_t>(i);
    const int count = at % 4 == 0 && bytes.size() - i >= 4 ? 4 : at % 2 == 0 && bytes.size() - i >= 2 ? 2 : 1;
    uint32_t value = 0;
    for (int b = 0; b < count; ++b) value |= static_cast<uint32_t>(bytes[i + static_cast<size_t>(b)]) << (8 * b);
    if (system) {
      system_.write(at, value, count, cycles_);
    } else {
      write_device(at, value, count);
    }
    i += static_cast<size_t>(count);
  }
  return true;
}

uint32_t Machine::read_device(uint32_t address, int bytes) {
  if (!flash_.owns(address)) return peripherals_.read(address, bytes);
  const uint32_t value = flash_.read(address) >> (8 * (address & 3));
  return bytes == 4 ? value : value & ((1u << (8 * bytes)) - 1);
}

void Machine::write_device(uint32_t address, uint32_t value, int bytes) {
  if (!flash_.owns(address)) return peripherals_.write(address, value, bytes);
  const uint32_t shift = 8 * (address & 3);
  const uint32_t mask = bytes == 4 ? ~0u : ((1u << (8 * bytes)) - 1) << shift;
  const uint32_t word = (flash_.read(address) & ~mask) | (value << shift & mask);
  const bool programmed = flash_.modelled() && flash_.programming();
  flash_.write(address, word);
  // Other code may be in flash now: programming has ended, or something was erased.
  if ((programmed && !flash_.programming()) || (word & kFlashStart) != 0) forget_all_code();
  if (memory_model_ && (address & ~3u) == board_.flash_controller_address) {
    memory_model_->set_access_control(flash_.read(address & ~3u));
  }
}

void Machine::add_breakpoint(uint32_t address) {
  if (breakpoints_.insert(address).second) guard(address);
}

void Machine::remove_breakpoint(uint32_t address) {
  if (breakpoints_.erase(address) != 0) unguard(address);
}

void Machine::clear_breakpoints() {
  for (const uint32_t address : std::exchange(breakpoints_, {})) unguard(address);
}

void Machine::guard(uint32_t address) {
  uc_hook& hook = guards_[address];
  if (hook != 0) return;
  const uc_err error =
      uc_hook_add(processor_.handle(), &hook, UC_HOOK_CODE, reinterpret_cast<void*>(&on_guard), this, address, address);
  check(error == UC_ERR_OK, "the emulator refuses a hook");
  processor_.forget_code(address, 2);
}

void Machine::unguard(uint32_t address) {
  const auto found = guards_.find(address);
  if (found == guards_.end()) return;
  uc_hook_del(processor_.handle(), found->second);
  guards_.erase(found);
  processor_.forget_code(address, 2);
}

void Machine::unguard_unneeded() {
  std::vector<uint32_t> unneeded;
  for (const auto& [address, hook] : guards_) {
    if (!breakpoints_.contains(address)) unneeded.push_back(address);
  }
  for (const uint32_t address : unneeded) unguard(address);
}

}  // namespace mote::board_sim
