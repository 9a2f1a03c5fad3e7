#include "board_sim/jtag.h"

namespace mote::board_sim {
namespace {

constexpr uint32_t kAbort = 0x8, kDebugPort = 0xA, kAccessPort = 0xB, kIdCode = 0xE;  // instructions of the debug TAP
constexpr uint32_t kBoundaryIdCode = 1;
constexpr uint32_t kAcknowledgeOk = 2;

}  // namespace

JtagChain::State JtagChain::next(State state, bool tms) {
  using enum State;
  static constexpr State kNext[16][2] = {
      {kIdle, kReset},       {kIdle, kSelectDr},    {kCaptureDr, kSelectIr}, {kShiftDr, kExit1Dr},
      {kShiftDr, kExit1Dr},  {kPauseDr, kUpdateDr}, {kPauseDr, kExit2Dr},    {kShiftDr, kUpdateDr},
      {kIdle, kSelectDr},    {kCaptureIr, kReset},  {kShiftIr, kExit1Ir},    {kShiftIr, kExit1Ir},
      {kPauseIr, kUpdateIr}, {kPauseIr, kExit2Ir},  {kShiftIr, kUpdateIr},   {kIdle, kSelectDr}};
  return kNext[static_cast<size_t>(state)][tms ? 1 : 0];
}

void JtagChain::reset() {
  state_ = State::kReset;
  debug_.ir = kIdCode;
  boundary_.ir = kBoundaryIdCode;
}

bool JtagChain::tdo() const {
  return state_ == State::kShiftDr || state_ == State::kShiftIr ? (debug_.shift & 1) != 0 : true;
}

void JtagChain::clock(bool tms, bool tdi) {
  switch (state_) {
    case State::kCaptureDr:
      capture_data();
      break;
    case State::kCaptureIr:
      for (Tap* tap : {&debug_, &boundary_}) {
        tap->shift = 1;
        tap->shift_bits = tap->ir_bits;
      }
      break;
    case State::kShiftDr:
    case State::kShiftIr:
      debug_.push(boundary_.push(tdi));
      break;
    default:
      break;
  }
  state_ = next(state_, tms);
  if (state_ == State::kUpdateDr) {
    update_data();
  } else if (state_ == State::kUpdateIr) {
    debug_.ir = static_cast<uint32_t>(debug_.shift);
    boundary_.ir = static_cast<uint32_t>(boundary_.shift);
  } else if (state_ == State::kReset) {
    reset();
  }
}

void JtagChain::capture_data() {
  const bool id = boundary_.ir == kBoundaryIdCode;
  boundary_.shift = id ? boundary_id_ : 0;
  boundary_.shift_bits = id ? 32 : 1;
  debug_.shift = 0;
  switch (debug_.ir) {
    case kIdCode:
      debug_.shift = debug_id_;
      debug_.shift_bits = 32;
      break;
    case kDebugPort:
    case kAccessPort:
      debug_.shift = uint64_t{port_.result()} << 3 | kAcknowledgeOk;
      debug_.shift_bits = 35;
      break;
    case kAbort:
      debug_.shift_bits = 35;
      break;
    default:  // BYPASS
      debug_.shift_bits = 1;
      break;
  }
}

void JtagChain::update_data() {
  const bool read = (debug_.shift & 1) != 0;
  const uint32_t address = static_cast<uint32_t>(debug_.shift >> 1 & 3) << 2;
  const uint32_t value = static_cast<uint32_t>(debug_.shift >> 3);
  if (debug_.ir == kDebugPort) port_.debug_port(address, read, value);
  if (debug_.ir == kAccessPort) port_.access_port(address, read, value);
}

}  // namespace mote::board_sim
