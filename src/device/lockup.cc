#include "device/lockup.h"

namespace mote::device {

bool is_lockup(Device& device, const Registers& registers) {
  constexpr uint32_t kNmi = 2, kHardFault = 3, kBreakpoint = 0xBE;  // BKPT's upper byte
  const uint32_t exception = registers.xpsr & 0x1FF;
  if (exception != kNmi && exception != kHardFault) return false;
  uint16_t code = 0;
  try {
    device.read(registers.r[15] & ~1u, std::as_writable_bytes(std::span(&code, 1)));
  } catch (const AccessError&) {
    return true;  // the architecture has it stand at 0xfffffffe, where there is nothing
  }
  return code >> 8 != kBreakpoint;
}

}  // namespace mote::device
