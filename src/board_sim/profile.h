// Where the cycles went: per function and per basic block, and what the core waited for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "board_sim/elf_file.h"
#include "board_sim/machine.h"

namespace mote::board_sim {

struct ProfileEntry {
  std::string name;      // of the function; "0x08000400" where there is no symbol
  uint32_t address = 0;  // of the block, or of the function's first block that ran
  uint64_t executions = 0, instructions = 0, cycles = 0;
  Stalls stalls;
};

/// All runs of one instruction, whichever block it was a part of.
struct InsnProfile {
  uint32_t address = 0;
  uint64_t executions = 0;
  double cycles = 0;  // in which it waited or issued: 0 for an older one of a pair; all of them add up to the blocks'
  Stalls stalls;
};

struct Profile {
  std::vector<ProfileEntry> functions, blocks;  // most cycles first
  std::vector<InsnProfile> insns;               // by address
};

/// Everything that ran since power-up. `symbols` of the firmware, sorted by address.
Profile profile(const Machine& machine, const std::vector<ElfSymbol>& symbols);

/// As a JSON document. With `elf`, each block's source line where arm-none-eabi-addr2line finds one.
std::string to_json(const Machine& machine, const Profile& profile, const std::string& elf);
/// The heaviest `lines` blocks and functions, for people.
std::string to_text(const Profile& profile, size_t lines);

}  // namespace mote::board_sim
