#include "board_sim/timing.h"

namespace mote::board_sim {
namespace {

constexpr uint32_t kExceptionEntry = 12, kExceptionReturn = 10;

}  // namespace

Timer::Timer(const target::Target&) {}

void Timer::reset() {}

uint32_t Timer::run(Block& block, uint32_t) {
  return static_cast<uint32_t>(block.insns.size());
}

uint32_t Timer::until(const Block&, size_t index) const {
  return static_cast<uint32_t>(index);
}

uint32_t Timer::exception_entry() {
  return kExceptionEntry;
}

uint32_t Timer::exception_return() {
  return kExceptionReturn;
}

}  // namespace mote::board_sim
