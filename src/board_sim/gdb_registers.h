// The registers as GDB numbers them in our target description.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "board_sim/processor.h"
#include "target/board.h"

namespace mote::board_sim {

/// r0..r15 = 0..15, xpsr = 16, msp psp primask basepri faultmask control = 17..22, d0..d15 = 23..38, fpscr = 39.
inline constexpr int kGdbCoreRegisters = 17;

/// Bytes of register `n`: 4 or 8; 0 when the core has no such register.
int gdb_register_bytes(const Processor& processor, int n);
/// Its value, little-endian in the low bytes.
uint64_t gdb_register(const Processor& processor, int n);
void set_gdb_register(Processor& processor, int n, uint64_t value);

/// target.xml, and the memory map for GDB's `load`.
std::string target_xml(const Processor& processor);
std::string memory_map_xml(const target::Board& board);

}  // namespace mote::board_sim
