// A board: a target with a memory map, a clock, and ways to reach it. Loaded from boards/NAME.toml, or any file.
// Board files come from outside: load_board() checks everything and names the line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "target/target.h"

namespace mote::target {

struct MemoryRegion {
  enum class Kind : uint8_t { kFlash, kRam, kTightlyCoupledCode, kTightlyCoupledData };
  std::string name;  // "flash", "sram1", "dtcm"
  Kind kind = Kind::kRam;
  uint32_t address = 0;
  uint32_t size = 0;                // bytes
  int wait_states = 0;              // at the board's clock
  bool executable = true;
  std::optional<uint32_t> alias;    // a second address at which the same bytes are seen
  uint64_t end() const { return uint64_t{address} + size; }
};

struct CycleCounter {
  enum class Kind : uint8_t { kDwt, kSysTick, kTimer, kNone };
  Kind kind = Kind::kDwt;
  uint32_t address = 0;      // kTimer: of its 32-bit count register
  bool dwt_lock = false;     // kDwt: the lock access register must be opened first
};

/// How OpenOCD reaches it; every part is named separately because board scripts hard-wire their adapter.
struct OpenOcd {
  std::string target_script;          // "target/stm32f7x.cfg"
  std::string interface_script;       // "interface/stlink.cfg"
  std::vector<std::string> commands;  // run before init
};

struct Board {
  std::string name;
  std::string description;
  std::string file;  // where it was loaded from
  Target target;
  uint32_t clock_hz = 0;
  std::vector<MemoryRegion> regions;
  CycleCounter counter;
  bool instruction_cache = false, data_cache = false;  // to be maintained after code is loaded
  std::string toolchain_prefix;                        // "arm-none-eabi-"; "" for the host's own compiler
  std::vector<std::string> flags;                      // compiler flags beyond the target's
  std::string init;                                    // C statements to run before main, optional
  std::optional<OpenOcd> openocd;
  uint32_t stack_bytes = 4096;

  /// The region code boots from, and the one data lives in by default: the first of its kind in the file.
  const MemoryRegion& flash() const;
  const MemoryRegion& ram() const;
};

/// `name_or_file`: a shipped board's name, or a path (it has a slash or ends in .toml). `folders` are searched before the
/// shipped boards. Throws InputError.
Board load_board(const std::string& name_or_file, const std::vector<std::string>& folders = {});

/// Names of the shipped boards and of those in `folders`, sorted.
std::vector<std::string> board_names(const std::vector<std::string>& folders = {});

}  // namespace mote::target
