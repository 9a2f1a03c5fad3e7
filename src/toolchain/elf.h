// Reading what compilers and linkers wrote. An ELF file may also come from outside (a firmware): nothing in it is
// trusted.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "support/bytes.h"

namespace mote::toolchain {

/// Bytes by what they become in memory.
struct Sizes {
  uint32_t text = 0;    // instructions
  uint32_t rodata = 0;  // constants
  uint32_t data = 0;    // initialised variables
  uint32_t bss = 0;     // zeroed variables
  uint32_t copied = 0;  // of text and rodata: what lies in flash to be copied elsewhere before it is used
  uint32_t flash() const { return text + rodata + data; }
  uint32_t ram() const { return data + bss + copied; }
};

/// Part of an image: `bytes` at `address`, then zeroes up to `memory_size`. `load_address` differs from `address` for
/// variables that a firmware keeps in flash and copies to RAM.
struct Segment {
  uint32_t address = 0, load_address = 0;
  uint32_t memory_size = 0;
  bool executable = false;
  Bytes bytes;
};

struct Symbol {
  std::string name;
  uint32_t value = 0;  // what a call jumps to: bit 0 is set for Thumb functions
  uint32_t size = 0;
  bool function = false;
  uint32_t address() const { return function ? value & ~1u : value; }
};

/// A linked program: at fixed addresses, ready to be loaded.
struct Image {
  std::vector<Segment> segments;
  std::vector<Symbol> symbols;  // sorted by address
  Sizes sizes;
  uint32_t entry = 0;
  Bytes elf;  // the whole file, for debuggers

  /// Null when there is none.
  const Symbol* find(std::string_view name) const;
  /// The function that `address` is in, or null.
  const Symbol* function_at(uint32_t address) const;
  /// "kernel+0x12", or "" when `address` is in no function.
  std::string describe(uint32_t address) const;
};

/// Sizes of a relocatable object. Throws InputError("`name`", ...) when it is not an ELF file this program can use.
Sizes object_sizes(std::span<const std::byte> elf, const std::string& name);

/// A linked 32-bit Arm program, or a linked program of the host below 4 GiB. Throws InputError like object_sizes().
Image read_image(std::span<const std::byte> elf, const std::string& name);

}  // namespace mote::toolchain
