// A board: a target with a memory map, a clock, and ways to reach it. Loaded from boards/NAME.toml, or any file.
// Board files come from outside: load_board() checks everything and names the line. The format: docs/add-a-board.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "target/target.h"

namespace mote::target {

/// `count` neighbouring flash sectors of `size` bytes each: what one erase erases.
struct Sectors {
  uint32_t count = 0, size = 0;
};

struct MemoryRegion {
  enum class Kind : uint8_t { kFlash, kRam, kTightlyCoupledCode, kTightlyCoupledData };
  std::string name;  // "flash", "sram1", "dtcm"
  Kind kind = Kind::kRam;
  uint32_t address = 0;
  uint32_t size = 0;    // bytes
  int wait_states = 0;  // at the board's clock
  bool executable = true;
  std::optional<uint32_t> alias;  // a second address at which the same bytes are seen
  std::vector<Sectors> sectors;   // kFlash: from the lowest address up; together `size` bytes. Empty: not known
  uint64_t end() const { return uint64_t{address} + size; }
  bool writable() const { return kind != Kind::kFlash; }
  bool contains(uint32_t first, uint64_t bytes) const { return first >= address && first + bytes <= end(); }
};

/// "flash", "ram", "itcm", "dtcm": as in board files.
std::string_view name_of(MemoryRegion::Kind kind);

struct CycleCounter {
  enum class Kind : uint8_t { kDwt, kSysTick, kTimer, kNone };
  Kind kind = Kind::kDwt;
  uint32_t address = 0;          // kTimer: of its 32-bit count register
  bool counts_down = false;      // kTimer
  bool dwt_lock = false;         // kDwt: the lock access register must be opened first
  uint32_t cycles_per_tick = 1;  // CPU cycles per count of the counter
};

/// A cache between the core and the memories that are not tightly coupled.
struct Cache {
  uint32_t size = 0;  // bytes; 0: none
  uint32_t ways = 1, line = 32;
};

/// How OpenOCD reaches it; every part is named separately because board scripts hard-wire their adapter.
struct OpenOcd {
  std::string target_script;          // "target/stm32f7x.cfg"
  std::string interface_script;       // "interface/stlink.cfg"
  std::vector<std::string> commands;  // run between the interface and the target script: transport, adapter speed
  std::string reset = "sysresetreq";  // cortex_m reset_config: "sysresetreq", "vectreset"; or "srst" for the reset pin
};

/// The GDB server that usually reaches it.
struct GdbServer {
  std::string host = "localhost";
  uint16_t port = 0;
};

/// How long it is waited for, in wall-clock time; no wait is without one of these.
struct Limits {
  std::chrono::milliseconds connect{5000};   // for a peer that is being started, or a connection
  std::chrono::milliseconds reply{5000};     // for the answer to one request
  std::chrono::milliseconds flash{120'000};  // for programming; the largest parts take that long to erase
  std::chrono::milliseconds run{300'000};    // for one inference, or one operator of it
};

/// What a board does before it is timed.
struct Init {
  std::string text;       // C statements, or instructions; "" for nothing
  bool assembly = false;  // which of the two
  int line = 0;           // of the board file where `text` begins
};

/// `init` as C statements. With a `file`, compiler and assembler name it and its lines in their messages.
std::string c_statements(const Init& init, const std::string& file = "");

/// What the virtual board needs beyond the memory map.
struct Simulation {
  uint32_t idcode_address = 0, idcode = 0;  // DBGMCU_IDCODE or its like; address 0: none
  uint32_t flash_size_address = 0;          // of the 16-bit word with the flash size in KiB; 0: none
  std::string accelerator;                  // flash accelerator model: "", "art-l4"
  int flash_miss_cycles = 0;                // a cache line of data from flash, from other memory, a line of code
  int ram_miss_cycles = 0;
  int fetch_miss_cycles = 0;
};

struct Board {
  std::string name;
  std::string description;
  std::string file;  // where it was loaded from
  Target target;
  uint32_t clock_hz = 0;
  std::vector<MemoryRegion> regions;
  CycleCounter counter;
  Cache instruction_cache, data_cache;  // when present, maintained after code is loaded
  std::string toolchain_prefix;         // "arm-none-eabi-"; "" for the host's own compiler
  std::vector<std::string> flags;       // compiler flags beyond the target's
  Init init;
  std::optional<OpenOcd> openocd;
  std::optional<GdbServer> gdb;
  Limits limits;
  std::string flash_controller;  // "stm32f4", "stm32f7", "stm32l4", "stm32h7", "stm32u5", "nrf52"; "" when plain writes
                                 // program it
  uint32_t flash_controller_address = 0;
  Simulation simulation;
  std::string qemu_machine;  // QEMU's -M name, "" when it has none
  uint32_t stack_bytes = 4096;

  /// Whether cycles can be counted on it. The host always has its time-stamp counter.
  bool counts_cycles() const { return counter.kind != CycleCounter::Kind::kNone || !target.cortex_m(); }
  /// The region code boots from, and the one data lives in by default: the first of its kind in the file.
  const MemoryRegion& flash() const;
  const MemoryRegion& ram() const;
};

/// Changes one limit: "reply=20" is twenty seconds. Throws InputError that begins with `what`.
void set_limit(Limits& limits, const std::string& text, const std::string& what);

/// `name_or_file`: a shipped board's name, or a path (it has a slash or ends in .toml). `folders` are searched before
/// the shipped boards. Throws InputError.
Board load_board(const std::string& name_or_file, const std::vector<std::string>& folders = {});

/// Names of the shipped boards and of those in `folders`, sorted.
std::vector<std::string> board_names(const std::vector<std::string>& folders = {});

}  // namespace mote::target
