#include "schedule/insn.h"

#include <bit>

namespace mote::schedule {

void Insn::add_reads(uint64_t mask, target::Operand use) {
  for (; mask != 0; mask &= mask - 1) add_read(static_cast<uint8_t>(std::countr_zero(mask)), use);
}

uint64_t Insn::read_mask() const {
  uint64_t mask = 0;
  for (int i = 0; i < read_count; ++i) mask |= register_bit(reads[i].reg);
  return mask;
}

}  // namespace mote::schedule
