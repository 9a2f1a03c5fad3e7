// What went wrong on the board, in words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "device/device.h"

namespace mote::session {

struct Fault {
  enum class Kind : uint8_t {
    kHardFault,
    kMemManage,
    kBusFault,
    kUsageFault,
    kStackOverflow,
    kLockup,
    kTimeout,     // hung, or too slow
    kException,   // another exception: NMI, SVC, an interrupt
    kCrash,       // the host's process died, or the peer reports a fault of its own kind
    kConnection,  // the board was lost meanwhile
    kNotRun,      // an earlier call of the same queue failed
  };
  Kind kind = Kind::kHardFault;
  device::Registers registers;  // as they were where it happened, when `registers_known`
  bool registers_known = false;
  uint32_t cfsr = 0, hfsr = 0;       // status registers, decoded in `reasons`
  std::optional<uint32_t> address;   // the address that could not be accessed
  std::vector<std::string> reasons;  // "precise data access", "division by zero"
  std::string function;              // "conv_0+0x12", "" when not known
  std::string source_line;           // "conv_0.c:120", "" when not known
  std::string detail;                // what the driver said

  /// One line: "BusFault: precise data access at 0xdeadbeec, in conv_0+0x12 (PC 0x20010012), conv_0.c:120, LR ...".
  std::string text() const;
};

/// "HardFault", "BusFault", "stack overflow", "timeout" ...
std::string_view name_of(Fault::Kind kind);

/// What the fault status registers say, in words.
std::vector<std::string> decode_status(uint32_t cfsr, uint32_t hfsr);

}  // namespace mote::session
