// Semihosting: what firmware asks of its debugger with BKPT 0xAB (Arm's "Semihosting for AArch32 and AArch64").
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "board_sim/memory.h"
#include "board_sim/processor.h"

namespace mote::board_sim {

struct SemihostingResult {
  std::optional<int> exit;  // the firmware ended, with this code
};

/// Does the call in r0 and r1, and puts its result into r0. Output to every handle goes to `print`; calls that are not
/// supported return -1.
SemihostingResult semihosting_call(Processor& processor, Memory& memory, uint64_t cycles, uint32_t clock_hz,
                                   const std::function<void(std::string_view)>& print);

}  // namespace mote::board_sim
