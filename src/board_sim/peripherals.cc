#include "board_sim/peripherals.h"

namespace mote::board_sim {

Peripherals::Peripherals(const target::Board&) {}

void Peripherals::reset() {}

uint32_t Peripherals::read(uint32_t address, int) {
  ++unmodelled_[address & ~0x3FFu];
  return 0;
}

void Peripherals::write(uint32_t address, uint32_t, int) {
  ++unmodelled_[address & ~0x3FFu];
}

}  // namespace mote::board_sim
