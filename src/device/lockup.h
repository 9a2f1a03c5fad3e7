// Telling a core that locked up from one that halted at a breakpoint: no debug server says it.
#pragma once

#include "device/device.h"

namespace mote::device {

/// Whether a core that halted by itself, and not where it was to, has locked up: it stands in the handler of an NMI or
/// a HardFault, where nothing is left to handle a fault, and not at a breakpoint instruction. Throws ConnectionError.
bool is_lockup(Device& device, const Registers& registers);

}  // namespace mote::device
