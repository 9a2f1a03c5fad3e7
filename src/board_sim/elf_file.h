// Firmware images: what an ELF file puts where, and its functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mote::board_sim {

struct ElfSegment {
  uint32_t address = 0;  // load address
  std::vector<std::byte> bytes;
};

struct ElfSymbol {
  std::string name;
  uint32_t address = 0, size = 0;
  bool function = false;
};

struct ElfFile {
  std::vector<ElfSegment> segments;
  std::vector<ElfSymbol> symbols;  // sorted by address
};

/// Throws InputError when it is no 32-bit little-endian Arm ELF file.
ElfFile read_elf(const std::string& path);

}  // namespace mote::board_sim
