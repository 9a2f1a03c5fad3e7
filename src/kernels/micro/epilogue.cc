#include "kernels/micro/epilogue.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/error.h"

namespace mote::kernels::micro {

using schedule::Reg;

ConstantPool::ConstantPool(const RequantForm& form, int channels, std::vector<Reg> registers)
    : words_(form.words_per_channel()) {
  const int available = static_cast<int>(registers.size());
  const int wanted = words_ * channels;
  const int temporaries = form.sign_correction ? std::clamp(available - wanted, 1, 2) : 0;
  check(available - temporaries >= words_, "too few registers for a requantisation");
  for (int i = 0; i < temporaries; ++i) {
    temporaries_.push_back(registers.back());
    registers.pop_back();
  }
  all_at_once_ = static_cast<int>(registers.size()) >= wanted;
  // The output pointer has a register of its own when there is one, else it follows a constant.
  if (static_cast<int>(registers.size()) > wanted) {
    output_ = registers.back();
    registers.pop_back();
  } else {
    output_ = registers.front();
  }
  clamp_ = registers.size() > 1 ? registers[1] : registers[0];
  check(clamp_ != output_, "too few registers for a clamp");
  constants_ = std::move(registers);
}

Reg ConstantPool::constant(int channel, int word) const {
  return constants_[static_cast<size_t>(channel * words_ + word) % constants_.size()];
}

void scale_accumulators(const RequantForm& form, const Accumulators& acc, bool odd_by_256, const ConstantPool& pool,
                        Walker& weights, int64_t displacement, Code& code) {
  const int words = form.words_per_channel(), channels = static_cast<int>(acc.size());
  const int total = 4 * words * channels;
  const auto load = [&](int channel, int word) {
    const bool first = channel == 0 && word == 0;
    weights.load(pool.constant(channel, word), displacement + 4 * (channel * words + word), first ? total : 0, code);
  };
  // The load that steps the pointer comes last of its group: the next address would have to wait for it.
  const auto load_channel = [&](int channel) {
    for (int word = words - 1; word >= 0; --word) load(channel, word);
  };
  if (pool.all_at_once()) {
    for (int channel = channels - 1; channel >= 0; --channel) load_channel(channel);
  }
  int output = 0;
  for (int channel = 0; channel < channels; ++channel) {
    if (!pool.all_at_once()) load_channel(channel);
    const int pre_shift = form.pre_shift - (odd_by_256 && channel % 2 == 1 ? 8 : 0);
    const Reg multiplier = pool.constant(channel, 0), addend = pool.constant(channel, 1);
    for (Reg a : acc[static_cast<size_t>(channel)]) {
      const Reg sum = form.sign_correction ? pool.temporary(output++) : addend;
      if (form.sign_correction) code.push_back(schedule::add_asr(sum, addend, a, 31));
      if (pre_shift > 0) code.push_back(schedule::lsl(a, a, pre_shift));
      if (pre_shift < 0) code.push_back(schedule::asr(a, a, -pre_shift));
      code.push_back(schedule::smmla(a, a, multiplier, sum, form.rounding));
      if (form.shift_per_channel) code.push_back(schedule::asr_by(a, a, pool.constant(channel, 2)));
    }
  }
  weights.move_to(displacement + total, code);
}

void saturate(const RequantForm& form, Reg acc, Reg clamp, bool wide, Code& code) {
  const int shift = form.shift_per_channel ? 0 : form.shift;
  code.push_back(form.saturate_signed ? schedule::ssat(acc, form.saturate_bits, acc, shift)
                                      : schedule::usat(acc, form.saturate_bits, acc, shift));
  if (form.clamped_add != 0) code.push_back(schedule::qadd8(acc, acc, clamp));
  if (form.clamped_add != 0 && wide) code.push_back(schedule::sxtb(acc, acc));
  if (form.subtract != 0) code.push_back(schedule::add_immediate(acc, acc, -form.subtract));
}

namespace {

std::string last_steps_in_c(const RequantForm& form) {
  std::string body;
  if (form.shift_per_channel) {
    body += "  a >>= constants[2];\n";
  } else if (form.shift != 0) {
    body += fmt::format("  a >>= {};\n", form.shift);
  }
  const auto clamp_to = [&](int64_t lo, int64_t hi) {
    body += fmt::format("  a = a < {0} ? {0} : a > {1} ? {1} : a;\n", lo, hi);
  };
  const int64_t half = int64_t{1} << (form.saturate_bits - 1);
  form.saturate_signed ? clamp_to(-half, half - 1) : clamp_to(0, 2 * half - 1);
  if (form.clamped_add != 0) {
    body += fmt::format("  a += {};\n", form.clamped_add);
    clamp_to(-128, 127);
  }
  if (form.subtract != 0) body += fmt::format("  a -= {};\n", form.subtract);
  return body;
}

}  // namespace

std::string saturation_in_c(const RequantForm& form, const std::string& name) {
  return fmt::format("static int32_t {}(int32_t a) {{\n{}  return a;\n}}\n", name, last_steps_in_c(form));
}

std::string requantise_in_c(const RequantForm& form, const std::string& name) {
  std::string body = "  int64_t sum = (int64_t)constants[1]";
  if (form.sign_correction) body += " + (a >> 31)";
  body += ";\n";
  if (form.pre_shift > 0) body += fmt::format("  a = (int32_t)((uint32_t)a << {});\n", form.pre_shift);
  if (form.pre_shift < 0) body += fmt::format("  a >>= {};\n", -form.pre_shift);
  body += fmt::format("  a = (int32_t)(((int64_t)a * constants[0] + sum * 4294967296LL{}) >> 32);\n",
                      form.rounding ? " + 2147483648LL" : "");
  body += last_steps_in_c(form);
  return fmt::format("static int32_t {}(int32_t a, const int32_t *constants) {{\n{}  return a;\n}}\n", name, body);
}

}  // namespace mote::kernels::micro
