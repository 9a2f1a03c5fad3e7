// Data watchpoints. While one is set, every access and every instruction is looked at, and code runs at a tenth of its
// speed; when none is, nothing is paid for them.
#include <algorithm>

#include "board_sim/machine.h"
#include "support/error.h"

namespace mote::board_sim {

void Machine::add_watchpoint(const Watchpoint& watchpoint) {
  watchpoints_.push_back(watchpoint);
  if (watchpoints_.size() == 1) watch();
}

void Machine::remove_watchpoint(const Watchpoint& watchpoint) {
  const auto found = std::ranges::find(watchpoints_, watchpoint);
  if (found == watchpoints_.end()) return;
  watchpoints_.erase(found);
  if (watchpoints_.empty()) unwatch();
}

void Machine::clear_watchpoints() {
  if (watchpoints_.empty()) return;
  watchpoints_.clear();
  unwatch();
}

void Machine::watch() {
  uc_engine* uc = processor_.handle();
  const bool hooked =
      uc_hook_add(uc, &watch_data_, UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, reinterpret_cast<void*>(&on_watched_data),
                  this, 1, 0) == UC_ERR_OK &&
      uc_hook_add(uc, &watch_code_, UC_HOOK_CODE, reinterpret_cast<void*>(&on_watched_code), this, 1, 0) == UC_ERR_OK;
  check(hooked, "the emulator refuses a hook");
  forget_all_code();
}

void Machine::unwatch() {
  uc_hook_del(processor_.handle(), watch_data_);
  uc_hook_del(processor_.handle(), watch_code_);
  watched_.reset();
  forget_all_code();
}

// The emulator asks for hooks when it translates.
void Machine::forget_all_code() {
  for (const Window& window : memory_.windows()) {
    if (window.executable) processor_.forget_code(window.address, window.size);
  }
}

void Machine::on_watched_data(uc_engine*, uc_mem_type type, uint64_t address, int size, int64_t, void* self) {
  Machine& machine = *static_cast<Machine*>(self);
  if (machine.watched_) return;
  const bool write = type == UC_MEM_WRITE;
  for (const Watchpoint& watchpoint : machine.watchpoints_) {
    if (!(write ? watchpoint.writes : watchpoint.reads)) continue;
    if (address + static_cast<uint64_t>(size) <= watchpoint.address) continue;
    if (address >= uint64_t{watchpoint.address} + watchpoint.bytes) continue;
    machine.watched_ = watchpoint;
    return;
  }
}

// Called before each instruction: the one before it may have touched what is watched. Within an IT block the core
// cannot be left; it halts behind it, as hardware does, whose watchpoints come late as well.
void Machine::on_watched_code(uc_engine* uc, uint64_t address, uint32_t, void* self) {
  Machine& machine = *static_cast<Machine*>(self);
  if (!machine.watched_) return;
  const uint32_t at = static_cast<uint32_t>(address);
  if (machine.current_ != nullptr && at > machine.current_->address && machine.it_state(at) != 0) return;
  machine.exit_.watched = at;
  uc_emu_stop(uc);
}

}  // namespace mote::board_sim
