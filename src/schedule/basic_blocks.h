// The basic blocks of a function's machine code.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "schedule/insn.h"

namespace mote::schedule {

/// Consecutive instructions that are entered at the first and left at the last, never empty.
using BasicBlock = std::vector<Insn>;

/// The blocks that can be reached from `address`, where `code` begins, sorted by address. Calls end a block; table
/// branches are followed. What nothing leads to, such as literals, is in no block.
std::vector<BasicBlock> basic_blocks(uint32_t address, std::span<const std::byte> code);

}  // namespace mote::schedule
