// Semihosting for peers that leave it to us: a core that stands at BKPT 0xAB wants something of its host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "device/device.h"

namespace mote::device {

/// The halfword of the instruction.
inline constexpr uint16_t kSemihostingCall = 0xBEAB;

struct SemihostingAnswer {
  uint32_t result = 0;           // for r0; the core goes on behind the instruction
  std::optional<int> exit_code;  // the firmware is done, and does not go on
};

/// Does what operation `r0` with parameter `r1` asks for. What is printed is appended to `output`; there are no files
/// and no input. Throws what device.read() throws when a parameter leads nowhere.
SemihostingAnswer answer_semihosting(Device& device, uint32_t r0, uint32_t r1, std::string& output);

}  // namespace mote::device
