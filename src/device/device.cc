#include "device/device.h"

namespace mote::device {

std::string_view name_of(Stop::Kind kind) {
  switch (kind) {
    case Stop::Kind::kBreakpoint:
      return "breakpoint";
    case Stop::Kind::kFault:
      return "fault";
    case Stop::Kind::kTimeout:
      return "timeout";
    case Stop::Kind::kLockup:
      return "lockup";
    case Stop::Kind::kExit:
      return "exit";
  }
  unreachable("Stop::Kind");
}

uint32_t read_word(Device& device, uint32_t address) {
  uint32_t value = 0;
  device.read(address, std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

void write_word(Device& device, uint32_t address, uint32_t value) {
  device.write(address, std::as_bytes(std::span(&value, 1)));
}

}  // namespace mote::device
