// A JTAG chain as on an STM32: the boundary-scan TAP, then the debug port's, which is nearest to TDO.
#pragma once

#include <cstdint>

#include "board_sim/dap.h"

namespace mote::board_sim {

class JtagChain {
 public:
  /// IDCODEs of the debug port's TAP and of the boundary-scan TAP.
  JtagChain(DebugAccessPort& port, uint32_t debug_id, uint32_t boundary_id)
      : port_(port), debug_id_(debug_id), boundary_id_(boundary_id) {}

  /// The rising edge of TCK.
  void clock(bool tms, bool tdi);
  /// The level of TDO.
  bool tdo() const;
  void reset();

 private:
  enum class State : uint8_t {
    kReset,
    kIdle,
    kSelectDr,
    kCaptureDr,
    kShiftDr,
    kExit1Dr,
    kPauseDr,
    kExit2Dr,
    kUpdateDr,
    kSelectIr,
    kCaptureIr,
    kShiftIr,
    kExit1Ir,
    kPauseIr,
    kExit2Ir,
    kUpdateIr
  };
  struct Tap {
    int ir_bits;
    uint32_t ir = 0;
    uint64_t shift = 0;
    int shift_bits = 1;
    bool push(bool in) {  // returns what falls out
      const bool out = (shift & 1) != 0;
      shift = shift >> 1 | uint64_t{in} << (shift_bits - 1);
      return out;
    }
  };

  static State next(State state, bool tms);
  void capture_data();
  void update_data();

  DebugAccessPort& port_;
  uint32_t debug_id_, boundary_id_;
  State state_ = State::kReset;
  Tap debug_{4, 0xE}, boundary_{5, 1};
};

}  // namespace mote::board_sim
