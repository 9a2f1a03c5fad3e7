// A debug access port as Arm's ADIv5 describes it: the registers of a JTAG debug port, and one memory access port.
#pragma once

#include <cstdint>

#include "board_sim/core_debug.h"

namespace mote::board_sim {

class DebugAccessPort {
 public:
  /// `increment_window`: bytes within which the transfer address counts up (a debugger writes it anew at the end).
  DebugAccessPort(CoreDebug& core, uint32_t increment_window) : core_(core), window_mask_(increment_window - 1) {}

  /// A transfer to register `address` (0, 4, 8 or 12) of the debug port or of the selected access port. Reads leave
  /// their value in result(), which the next transfer hands out.
  void debug_port(uint32_t address, bool read, uint32_t value);
  void access_port(uint32_t address, bool read, uint32_t value);
  uint32_t result() const { return result_; }
  /// The same for access port `port`, whatever is selected; false when it is refused, or fails.
  bool access(uint32_t port, uint32_t address, bool read, uint32_t value);
  /// What a serial-wire debugger does by the ABORT register: clears the flags that stop transfers.
  void clear_errors() { error_ = overrun_ = compare_ = false; }
  /// Transfers to memory are refused until the flags are cleared.
  bool sticky() const { return error_ || overrun_ || compare_; }
  void set_error() { error_ = true; }
  void set_result(uint32_t value) { result_ = value; }

 private:
  uint32_t status() const;
  bool transfer(uint32_t address, bool read, uint32_t& value);
  void data_transfer(uint32_t address, bool read, uint32_t value);

  CoreDebug& core_;
  uint32_t window_mask_;
  uint32_t control_ = 0, select_ = 0;
  bool error_ = false, overrun_ = false, compare_ = false;
  uint32_t transfer_control_ = 0x23000042, transfer_address_ = 0;  // CSW, TAR
  uint32_t result_ = 0;
};

}  // namespace mote::board_sim
