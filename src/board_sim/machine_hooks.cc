// What the emulator calls while code runs. These functions are on the path of every block: they do little, and they
// must not throw.
#include <algorithm>
#include <bit>

#include "board_sim/machine.h"

namespace mote::board_sim {

using schedule::Insn;
using schedule::kNoRegister;

void Machine::on_block(uc_engine*, uint64_t address, uint32_t size, void* self) {
  Machine& machine = *static_cast<Machine*>(self);
  if (!machine.clearing_exclusive_) machine.block(static_cast<uint32_t>(address) & ~1u, size);
}

void Machine::block(uint32_t address, uint32_t size) {
  if (current_ != nullptr) charge(address);
  current_ = nullptr;
  // What was due has been seen to before the first block.
  if (blocks_begun_ > 0 && (cycles_ >= attention_at_ || single_)) {
    exit_.attention = address;
    uc_emu_stop(processor_.handle());
    return;
  }
  ++blocks_begun_;
  Block* next = blocks_.find(address, size);
  const bool look = next != nullptr && (next->careful || (next->conditional && !breakpoints_.empty()) ||
                                        (system_.ccr & kCcrUnalignTrp) != 0);
  if ((look && must_stop_before(*next)) || (next != nullptr && interrupted_inside(*next))) {
    --blocks_begun_;
    exit_.attention = address;
    uc_emu_stop(processor_.handle());
    return;
  }
  current_ = next;
  if (next != nullptr) {
    for (unsigned registers = next->entry_registers; registers != 0; registers &= registers - 1) {
      const int r = std::countr_zero(registers);
      entry_[static_cast<size_t>(r)] = processor_.reg(r);
    }
  }
  path_ = address == resume_at_ ? resume_path_ : address;
  resume_at_ = 1;
  devices_seen_ = -1;
}

// A block that will fault where the emulator would go on gets guards: it is left, and on its next run (at once) the
// guard stops it exactly before the instruction. Guards cannot stop inside an IT block: there the next run ends at the
// instruction.
bool Machine::must_stop_before(const Block& block) {
  const bool at_end = end_ && *end_ > block.address && *end_ < block.end();
  const auto need = [&](size_t index) {
    const Insn& insn = block.insns[index];
    // A block that begins inside an IT block was decoded without it.
    const uint32_t it = (processor_.xpsr() >> 25 & 3) | (processor_.xpsr() >> 8 & 0xC);
    const bool begun = it != 0 && index < 4u - static_cast<unsigned>(std::countr_zero(it));
    if ((insn.conditional || begun) && index > 0) {
      if (!at_end && !exit_.wanted_end) exit_.wanted_end = insn.address;
    } else if (!guards_.contains(insn.address)) {
      exit_.wanted_guards.push_back(insn.address);
    }
  };
  for (auto at = breakpoints_.upper_bound(block.address); at != breakpoints_.end() && *at < block.end(); ++at) {
    for (size_t i = 1; i < block.insns.size(); ++i) {
      if (block.insns[i].address == *at && block.insns[i].conditional) need(i);
    }
  }
  if (block.first_floating >= 0 && !system_.fpu_enabled()) need(static_cast<size_t>(block.first_floating));
  for (const EntryAccess& access : block.alignment) {
    if ((processor_.reg(access.reg) + static_cast<uint32_t>(access.offset)) % 4 != 0) need(access.insn);
  }
  for (const uint16_t index : block.unresolved) need(index);
  if (system_.ccr & kCcrUnalignTrp) {
    for (const EntryAccess& access : block.plain) {
      uint32_t address = processor_.reg(access.reg) + static_cast<uint32_t>(access.offset);
      if (access.index != kNoRegister) address += processor_.reg(access.index) << access.shift;
      if (address % access.bytes != 0) need(access.insn);
    }
    for (const uint16_t index : block.plain_unresolved) need(index);
  }
  if (block.first_to_nearest >= 0 && (processor_.special(Special::kFpscr) & kFpscrRounding) != 0) {
    for (size_t i = 0; i < block.insns.size(); ++i) {
      if (block.insns[i].to_nearest) need(i);
    }
  }
  if (block.first_divide >= 0 && (system_.ccr & kCcrDiv0Trp)) {
    for (size_t i = 0; i < block.insns.size(); ++i) {
      if (block.insns[i].divide) need(i);
    }
  }
  return exit_.wanted_end || !exit_.wanted_guards.empty();
}

// An interrupt is taken between instructions: when SysTick's falls inside `block`, this stretch of emulation ends
// there.
bool Machine::interrupted_inside(const Block& block) {
  constexpr uint64_t kLongestInsn = 32;  // cycles, well above what the pipeline tables say
  if (single_ || interrupt_at_ == ~uint64_t{0} || cycles_ + kLongestInsn * (block.insns.size() + 1) < interrupt_at_) {
    return false;
  }
  const std::vector<uint16_t> ends = timer_.ends(block, block.insns.size());
  for (size_t i = 1; i < block.insns.size(); ++i) {
    if (cycles_ + ends[i - 1] < interrupt_at_) continue;
    if (end_ && *end_ <= block.insns[i].address) return false;
    exit_.wanted_end = block.insns[i].address;
    return true;
  }
  return false;
}

// Registers of which it is not known, at the start of current_, what they held at the start of its path: a halt on the
// way must not change what is known of addresses: in the rest of a block, no more than in the whole.
uint32_t Machine::lost_registers() {
  const Block* before = path_ == current_->address ? nullptr : blocks_.find(path_, current_->address - path_);
  return before == nullptr ? 0 : before->lost;
}

// Cycles that `block` takes more because loads are unaligned, by the registers on entry to current_.
uint32_t Machine::unaligned_cycles(const Block& block) {
  if (!timer_.has_model()) return 0;
  const target::Pipeline& tables = timer_.model()->tables();
  const uint32_t lost = lost_registers();
  uint32_t loads = 0, pieces = 0;
  for (const UnalignedLoads& group : block.unaligned) {
    if ((lost >> group.reg & 1) != 0 || (group.index != kNoRegister && (lost >> group.index & 1) != 0)) continue;
    const uint32_t low = (group.index == kNoRegister ? 0 : entry_[group.index] << group.shift) + entry_[group.reg];
    loads += group.loads[low & 3];
    pieces += group.pieces[low & 3];
  }
  return loads * static_cast<uint32_t>(tables.unaligned_load) + pieces * static_cast<uint32_t>(tables.unaligned_piece);
}

// Adds the same to what each instruction of `block` waited.
void Machine::note_unaligned(Block& block) {
  const target::Pipeline& tables = timer_.model()->tables();
  const uint32_t lost = lost_registers();
  for (const EntryAccess& access : block.plain) {
    if (!access.load || (lost >> access.reg & 1) != 0) continue;
    if (access.index != kNoRegister && (lost >> access.index & 1) != 0) continue;
    const uint32_t index = access.index == kNoRegister ? 0 : entry_[access.index] << access.shift;
    const int pieces = extra_pieces(entry_[access.reg] + index + static_cast<uint32_t>(access.offset), access.bytes);
    if (pieces == 0) continue;
    block.waits[access.insn] += static_cast<uint64_t>(tables.unaligned_load + pieces * tables.unaligned_piece);
  }
}

/// The same for the instructions of current_ before `index`.
uint32_t Machine::unaligned_cycles_before(size_t index) {
  Block before;
  for (const EntryAccess& access : current_->plain) {
    if (access.insn < index && access.load) add_unaligned(before, access);
  }
  return unaligned_cycles(before);
}

void Machine::charge(uint32_t next) {
  BranchHistory* history = path_ == current_->address ? current_->history : blocks_.history(*current_, path_);
  const uint32_t cycles = timer_.run(*current_, next, history);
  uint32_t memory = unaligned_cycles(*current_);
  if (memory != 0 || memory_model_) current_->waits.resize(current_->insns.size());
  if (memory != 0) note_unaligned(*current_);
  if (memory_model_) {
    const schedule::Insn& last = current_->insns.back();
    const bool taken = last.branch && (!last.conditional || next != current_->end());
    memory += memory_model_->run(*current_, timer_.ends(), accesses_, taken, next, cycles_, current_->waits);
    accesses_.clear();
    reads_ = 0;
  }
  memory_cycles_ += memory;
  current_->memory_cycles += memory;
  cycles_ += cycles + memory;
  instructions_ += current_->insns.size();
  exclusive_ |= current_->exclusive;
  current_->cycles += cycles + memory;
  ++current_->executions;
}

void Machine::on_guard(uc_engine* uc, uint64_t address, uint32_t, void* self) {
  Machine& machine = *static_cast<Machine*>(self);
  const uint32_t at = static_cast<uint32_t>(address);
  if (machine.starts_at(at) && (machine.leaves_breakpoint || machine.single_)) return;  // a debugger runs on from here
  if (!machine.breakpoints_.contains(at) && !machine.rounds_wrongly_at(at) && !machine.fault_at(at)) return;
  machine.exit_.guard = at;
  uc_emu_stop(uc);
}

bool Machine::starts_at(uint32_t address) const {
  return fresh_ && blocks_begun_ <= 1 && current_ != nullptr && current_->address == address &&
         !fault_at(address).has_value();
}

void Machine::on_interrupt(uc_engine* uc, uint32_t number, void* self) {
  static_cast<Machine*>(self)->exit_.interrupt = static_cast<int>(number);
  uc_emu_stop(uc);
}

bool Machine::on_bad_access(uc_engine*, uc_mem_type type, uint64_t address, int size, int64_t value, void* self) {
  const bool fetch = type == UC_MEM_FETCH_UNMAPPED || type == UC_MEM_FETCH_PROT;
  const bool write = type == UC_MEM_WRITE_UNMAPPED || type == UC_MEM_WRITE_PROT;
  static_cast<Machine*>(self)->exit_.bad_access =
      Exit::Access{static_cast<uint32_t>(address), size, write, fetch, static_cast<uint32_t>(value)};
  return false;
}

void Machine::on_data(uc_engine*, uc_mem_type type, uint64_t address, int size, int64_t, void* self) {
  Machine& machine = *static_cast<Machine*>(self);
  const bool write = type == UC_MEM_WRITE;
  if (!write) ++machine.reads_;
  machine.accesses_.push_back({static_cast<uint32_t>(address), static_cast<uint8_t>(size), write,
                               static_cast<uint16_t>(write ? 0 : machine.reads_ - 1)});
}

uint64_t Machine::on_device_read(uc_engine*, uint64_t offset, unsigned size, void* window) {
  const DeviceWindow& here = *static_cast<DeviceWindow*>(window);
  Machine& machine = *here.machine;
  const uint32_t address = here.address + static_cast<uint32_t>(offset);
  const int bytes = static_cast<int>(size);
  if (here.address != machine.system_window_.address) return machine.read_device(address, bytes);
  if (machine.refused(address, bytes, false, 0)) return 0;
  return machine.system_.read(address, bytes, machine.now_at_access(address, bytes, false));
}

void Machine::on_device_write(uc_engine*, uint64_t offset, unsigned size, uint64_t value, void* window) {
  const DeviceWindow& here = *static_cast<DeviceWindow*>(window);
  Machine& machine = *here.machine;
  const uint32_t address = here.address + static_cast<uint32_t>(offset);
  const int bytes = static_cast<int>(size);
  if (here.address != machine.system_window_.address) {
    machine.write_device(address, static_cast<uint32_t>(value), bytes);
    return;
  }
  if (machine.refused(address, bytes, true, static_cast<uint32_t>(value))) return;
  const uint32_t traps = machine.system_.ccr;
  machine.system_.write(address, static_cast<uint32_t>(value), bytes, machine.now_at_access(address, bytes, true));
  if (!machine.system_.changed && !machine.system_.reset_requested) return;
  machine.attention_at_ = 0;
  const bool due = machine.system_.reset_requested || machine.exceptions_.to_take() != kThread;
  if (due || machine.system_.ccr != traps) machine.stop_behind_store();  // what traps is looked at as a block begins
}

// What a store made due happens behind it, not at the end of its block: the emulator stops between two accesses. It
// would leave a store of several registers in its middle, and does not stop in an IT block: those end with their block.
void Machine::stop_behind_store() {
  if (current_ == nullptr || devices_seen_ < 0) return;
  const Insn& insn = current_->insns[static_cast<size_t>(devices_seen_)];
  if (!insn.stores() || insn.access.count != 1 || it_state(insn.address) != 0) return;
  exit_.stored = &insn;
  uc_emu_stop(processor_.handle());
}

// Code that is not privileged has no access to the system space: true, and the access faults.
bool Machine::refused(uint32_t address, int bytes, bool write, uint32_t value) {
  const bool privileged = (processor_.special(Special::kControl) & 1) == 0 || (processor_.xpsr() & 0x1FF) != 0;
  if (privileged) return false;
  if (!exit_.bad_access) exit_.bad_access = Exit::Access{address, bytes, write, false, value};
  uc_emu_stop(processor_.handle());
  return true;
}

// The cycle at which the instruction issues that makes this access. The emulator does not say which one it is, but the
// registers are up to date.
uint64_t Machine::now_at_access(uint32_t address, int bytes, bool write) {
  if (current_ == nullptr) return cycles_;
  const int index = locate(address, bytes, write);
  if (index < 0) return cycles_;
  devices_seen_ = index;
  return cycles_ + timer_.until(*current_, static_cast<size_t>(index)) +
         unaligned_cycles_before(static_cast<size_t>(index)) +
         (memory_model_ ? memory_cycles_before(static_cast<size_t>(index)) : 0);
}

// What memory has added to current_ before its instruction `index`, whose own access is the last one noted.
uint64_t Machine::memory_cycles_before(size_t index) {
  if (index == 0) return 0;
  const Block* part = blocks_.find(current_->address, current_->insns[index].address - current_->address);
  if (part == nullptr) return 0;
  const std::vector<uint16_t> ends = timer_.ends(*current_, index);
  const std::span<const DataAccess> before = std::span(accesses_).first(accesses_.empty() ? 0 : accesses_.size() - 1);
  return memory_model_->clone()->run(*part, ends, before, false, part->end(), cycles_, {});
}

// The first instruction of current_, after the last one known to have run, that makes this access with the registers as
// they are; -1: none.
int Machine::locate(uint32_t address, int, bool write) const {
  for (size_t i = static_cast<size_t>(devices_seen_ + 1); i < current_->insns.size(); ++i) {
    const Insn& insn = current_->insns[i];
    if (insn.access.base == kNoRegister || (write ? !insn.stores() : !insn.loads())) continue;
    uint32_t base = insn.access.base == 15 ? (insn.address + 4) & ~3u : processor_.reg(insn.access.base);
    const BaseOrigin& origin = current_->bases[i];
    if (origin.reg < 15 && (current_->entry_registers >> origin.reg & 1)) {
      base = entry_[origin.reg] + static_cast<uint32_t>(origin.offset);
    }
    if (insn.access.index != kNoRegister) base += processor_.reg(insn.access.index) << insn.access.shift;
    const uint32_t first = base + static_cast<uint32_t>(insn.access.offset);
    if (address - first < uint32_t{insn.access.bytes} * insn.access.count) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace mote::board_sim
