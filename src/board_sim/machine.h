// One virtual microcontroller: core, memory, system space, peripherals, and the cycle counter they share. A debug port
// halts it, looks at it and lets it run; it does not know which port that is.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "board_sim/block.h"
#include "board_sim/exceptions.h"
#include "board_sim/flash_controller.h"
#include "board_sim/memory.h"
#include "board_sim/memory_model.h"
#include "board_sim/peripherals.h"
#include "board_sim/processor.h"
#include "board_sim/system.h"
#include "board_sim/timing.h"
#include "target/board.h"

namespace mote::board_sim {

/// Memory whose accesses halt the machine: `bytes` at `address`, when they are read, written, or both.
struct Watchpoint {
  uint32_t address = 0;
  uint64_t bytes = 0;
  bool reads = false, writes = false;
  bool operator==(const Watchpoint&) const = default;
};

/// Why the machine stopped.
struct Halt {
  enum class Reason : uint8_t {
    kRequested,    // interrupted from outside
    kStep,         // one instruction was executed
    kBreakpoint,   // before the instruction at a breakpoint, or at a BKPT instruction
    kWatchpoint,   // behind the instruction that touched watched memory
    kVectorCatch,  // at the first instruction of a fault handler the debugger wanted to see
    kFault,        // before a faulting instruction whose exception has no handler (a debugger is attached)
    kLockup,       // a fault nobody could handle; without a debugger this is the end
    kExit          // semihosting exit
  };
  Reason reason = Reason::kRequested;
  std::optional<Fault> fault;                 // kFault, kLockup
  int exit_code = 0;                          // kExit
  std::optional<Watchpoint> watchpoint = {};  // kWatchpoint
};

/// What memory costs: nothing, or what the board file says of its flash and caches.
enum class MemoryProfile : uint8_t { kZeroWait, kFlash };

class Machine {
 public:
  /// Powered up and reset. `board` must outlive it. Throws InputError for a board it cannot be.
  explicit Machine(const target::Board& board, MemoryProfile profile = MemoryProfile::kZeroWait);

  /// Looked at now and then while the machine runs; true halts it.
  std::function<bool()> poll = [] { return false; };
  /// Takes what the firmware prints (semihosting, UART).
  std::function<void(std::string_view)> print = [](std::string_view) {};
  /// A debugger is attached: breakpoint instructions halt.
  bool debugger = false;
  /// With a debugger attached: faults without a handler halt before the instruction. Off: as on hardware.
  bool faults_halt = true;
  /// BKPT 0xAB is a semihosting call done here. Off: it is a breakpoint, and the debugger's business.
  bool own_semihosting = true;
  /// run() goes on from a breakpoint it stands at. Off: it halts there at once, as on hardware.
  bool leaves_breakpoint = true;
  uint64_t poll_interval = 1'000'000;  // cycles

  /// Reset: registers, system space, peripherals; memory stays.
  void reset();
  /// Runs until something halts it.
  Halt run();
  /// Executes one instruction (an exception that is due is entered first).
  Halt step();

  Processor& processor() { return processor_; }
  const Memory& memory() const { return memory_; }
  SystemSpace& system() { return system_; }
  FlashController& flash() { return flash_; }
  Peripherals& peripherals() { return peripherals_; }
  const Peripherals& peripherals() const { return peripherals_; }
  const BlockCache& blocks() const { return blocks_; }
  const Timer& timer() const { return timer_; }
  const target::Board& board() const { return board_; }
  uint64_t cycles() const { return cycles_; }
  uint64_t instructions() const { return instructions_; }
  /// Cycles among cycles() that were spent waiting for memory.
  uint64_t memory_cycles() const { return memory_cycles_; }

  /// What a debugger reads and writes: memory (flash too), then the system space and the peripherals word by word.
  /// False when there is nothing at one of the addresses.
  bool read(uint32_t address, std::span<std::byte> out);
  bool write(uint32_t address, std::span<const std::byte> bytes);

  void add_breakpoint(uint32_t address);
  void remove_breakpoint(uint32_t address);
  void clear_breakpoints();
  /// They slow the machine down, and cost no cycles.
  void add_watchpoint(const Watchpoint& watchpoint);
  void remove_watchpoint(const Watchpoint& watchpoint);
  void clear_watchpoints();
  /// How often it was reset.
  uint64_t resets() const { return resets_; }

 private:
  // What ended a stretch of emulation, beyond what the emulator itself says.
  struct Exit {
    std::optional<uint32_t> attention;       // stopped before the block at this address: something is due
    std::vector<uint32_t> wanted_guards;     // of that block
    std::optional<uint32_t> wanted_end;      // where in that block to stop once
    std::optional<uint32_t> guard;           // stopped before the instruction at a guarded address
    std::optional<uint32_t> watched;         // stopped before this instruction, behind one that touched watched memory
    const schedule::Insn* stored = nullptr;  // stopped behind this instruction of current_, which made something due
    int interrupt = -1;                      // the emulator's exception number
    struct Access {
      uint32_t address;
      int bytes;
      bool write, fetch;
      uint32_t value;  // written
    };
    std::optional<Access> bad_access;
  };

  static void on_block(uc_engine*, uint64_t address, uint32_t size, void* self);
  static void on_guard(uc_engine*, uint64_t address, uint32_t size, void* self);
  static void on_interrupt(uc_engine*, uint32_t number, void* self);
  static bool on_bad_access(uc_engine*, uc_mem_type type, uint64_t address, int size, int64_t value, void* self);
  static uint64_t on_device_read(uc_engine*, uint64_t offset, unsigned size, void* window);
  static void on_device_write(uc_engine*, uint64_t offset, unsigned size, uint64_t value, void* window);

  static void on_data(uc_engine*, uc_mem_type type, uint64_t address, int size, int64_t value, void* self);
  static void on_watched_data(uc_engine*, uc_mem_type type, uint64_t address, int size, int64_t value, void* self);
  static void on_watched_code(uc_engine*, uint64_t address, uint32_t size, void* self);

  void block(uint32_t address, uint32_t size);
  bool must_stop_before(const Block& block);
  bool starts_at(uint32_t address) const;
  void charge(uint32_t next);
  uint32_t unaligned_cycles(const Block& block);
  uint32_t unaligned_cycles_before(size_t index);
  void note_unaligned(Block& block);
  uint32_t lost_registers();
  bool interrupted_inside(const Block& block);
  uint32_t round_to_nearest(uint32_t pc);
  uint64_t now_at_access(uint32_t address, int bytes, bool write);
  void stop_behind_store();
  bool refused(uint32_t address, int bytes, bool write, uint32_t value);
  uint64_t memory_cycles_before(size_t index);
  int locate(uint32_t address, int bytes, bool write) const;

  std::optional<Halt> emulate();
  std::optional<Halt> handle_exit(uc_err error);
  std::optional<Halt> handle_guard(uint32_t address);
  std::optional<Halt> handle_interrupt(int number);
  std::optional<Halt> handle_bad_access(const Exit::Access& access);
  std::optional<Halt> handle_store(const schedule::Insn& insn);
  void write_back(const schedule::Insn& insn);
  std::optional<Halt> handle_svc(uint32_t next);
  std::optional<Halt> handle_bad_fetch(uint32_t pc);
  std::optional<Halt> handle_return(uint32_t value);
  std::optional<Halt> handle_breakpoint_instruction(uint32_t pc);
  std::optional<Halt> handle_due();
  bool just_slept(uint32_t pc) const;
  bool just_yielded(uint32_t pc) const;
  std::optional<Halt> sleep();
  std::optional<Halt> fault(const Fault& fault);
  void clear_exclusive();
  Fault fetch_fault(uint32_t pc) const;
  static Halt locked_up(const Fault& fault);
  void stop_at(uint32_t pc);
  uint32_t it_state(uint32_t pc) const;
  Halt go(bool single);

  uint32_t read_device(uint32_t address, int bytes);
  void write_device(uint32_t address, uint32_t value, int bytes);
  bool program_flash(const Exit::Access& access);

  void guard(uint32_t address);
  void unguard(uint32_t address);
  std::optional<Halt> handle_end(uint32_t address);
  void unguard_unneeded();
  void watch();
  void unwatch();
  void forget_all_code();
  std::optional<Fault> fault_at(uint32_t address) const;
  bool rounds_wrongly_at(uint32_t address) const;

  struct DeviceWindow {
    Machine* machine;
    uint32_t address;
  };

  const target::Board& board_;
  Memory memory_;
  Processor processor_;
  SystemSpace system_;
  Peripherals peripherals_;
  FlashController flash_;
  Exceptions exceptions_;
  BlockCache blocks_;
  std::unique_ptr<MemoryModel> memory_model_;  // nullptr: zero-wait
  Timer timer_;
  DeviceWindow system_window_{this, 0xE0000000}, device_window_{this, 0x40000000};

  uint64_t cycles_ = 0, instructions_ = 0, memory_cycles_ = 0, resets_ = 0;
  uint64_t attention_at_ = 0, poll_at_ = 0, interrupt_at_ = 0;  // cycles
  Block* current_ = nullptr;                                    // being executed; not yet charged
  // A halt in the middle of a block must not change what the branch predictor learns: the rest counts as the whole.
  uint32_t path_ = 0;                         // where current_, or the block it is the rest of, begins
  uint32_t resume_at_ = 1, resume_path_ = 0;  // the rest begins at resume_at_ (odd: none)
  uint32_t halted_at_ = 1;                    // PC at the last halt (odd: none yet)
  std::array<uint32_t, 16> entry_ = {};       // the registers that current_->entry_registers names, at its start
  int devices_seen_ = -1;                     // last instruction of current_ that touched a device
  bool single_ = false;                       // one instruction only
  bool exclusive_ = false;                    // an LDREX has run since the exclusive monitor was cleared
  bool clearing_exclusive_ = false;           // and nothing else runs
  bool fresh_ = false;                        // nothing has run since the debugger let go
  int blocks_begun_ = 0;                      // in this stretch of emulation
  std::optional<uint32_t> end_;               // where this stretch of emulation ends
  std::vector<DataAccess> accesses_;          // of current_, for memory_model_
  uint16_t reads_ = 0;                        // among them
  bool flash_writable_ = false;               // by code: while the controller programs
  Exit exit_;
  std::set<uint32_t> breakpoints_;
  std::map<uint32_t, uc_hook> guards_;
  std::vector<Watchpoint> watchpoints_;
  uc_hook watch_data_ = 0, watch_code_ = 0;  // while there are any
  std::optional<Watchpoint> watched_;        // was touched; the machine is about to halt
};

}  // namespace mote::board_sim
