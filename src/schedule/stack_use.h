// How much stack a function's machine code takes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace mote::schedule {

struct StackUse {
  /// A call, or a jump to another function.
  struct Call {
    uint32_t target = 0;
    uint32_t depth = 0;  // bytes of stack that the function has taken there
  };
  uint32_t bytes = 0;  // that the function takes by itself, at most
  std::vector<Call> calls;
};

/// `address`: where `code`, one function, begins. Nothing when it cannot be told: the function calls or jumps through a
/// register, or moves the stack pointer by what is no constant.
std::optional<StackUse> stack_use(uint32_t address, std::span<const std::byte> code);

}  // namespace mote::schedule
