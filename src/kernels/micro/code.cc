#include "kernels/micro/code.h"

#include <fmt/format.h>

#include <cstdlib>

#include "support/error.h"

namespace mote::kernels::micro {

using schedule::Instruction;
using schedule::Kind;
using schedule::Reg;
using schedule::Role;

std::string function_begin(const std::string& name) {
  return fmt::format(
      "  .syntax unified\n"
      "  .pushsection .text.{0}, \"ax\", %progbits\n"
      "  .balign 8\n"
      "  .global {0}\n"
      "  .thumb_func\n"
      "  .type {0}, %function\n"
      "{0}:\n",
      name);
}

std::string function_end(const std::string& name) {
  return fmt::format("  .size {0}, . - {0}\n  .popsection\n", name);
}

Slots::Slots(const target::Target& target, int count) : fpu_(target.fpu) {
  check(count <= 16, "more slots than registers");
  // Nine registers are pushed: four bytes more keep the stack pointer a multiple of 8.
  bytes_ = fpu_ ? 0 : (4 * count + 4 + 7) / 8 * 8 - 4;
}

Instruction Slots::load(Reg reg, int slot) const {
  return fpu_ ? schedule::vmov_to_core(reg, slot) : schedule::ldr(reg, schedule::kSp, 4 * slot);
}

Instruction Slots::save(int slot, Reg reg) const {
  return fpu_ ? schedule::vmov_to_fpu(slot, reg) : schedule::store(4, reg, schedule::kSp, 4 * slot);
}

std::string Slots::prologue() const {
  return bytes_ == 0 ? "  push {r4-r11, lr}\n" : fmt::format("  push {{r4-r11, lr}}\n  sub sp, sp, #{}\n", bytes_);
}

std::string Slots::epilogue() const {
  return bytes_ == 0 ? "  pop {r4-r11, pc}\n" : fmt::format("  add sp, sp, #{}\n  pop {{r4-r11, pc}}\n", bytes_);
}

void Walker::move_to(int64_t displacement, Code& code) {
  append(code, schedule::add_constant(reg_, reg_, static_cast<int32_t>(displacement - at_)));
  if (displacement != at_) at_ = displacement;
}

void Walker::load(Reg into, int64_t displacement, int step, Code& code) {
  if (!reaches(displacement)) move_to(displacement, code);
  if (displacement == at_ && step != 0 && std::abs(step) <= 255) {
    code.push_back(schedule::ldr_post(into, reg_, step));
    at_ += step;
    return;
  }
  code.push_back(schedule::ldr(into, reg_, static_cast<int32_t>(displacement - at_)));
}

void Walker::store(int width, Reg from, int64_t displacement, int step, Code& code) {
  if (!reaches(displacement)) move_to(displacement, code);
  if (displacement == at_ && step != 0 && std::abs(step) <= 255) {
    code.push_back(schedule::store_post(width, from, reg_, step));
    at_ += step;
    return;
  }
  code.push_back(schedule::store(width, from, reg_, static_cast<int32_t>(displacement - at_)));
}

}  // namespace mote::kernels::micro
