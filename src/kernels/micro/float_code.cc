#include "kernels/micro/float_code.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "schedule/rules.h"

namespace mote::kernels::micro {

using schedule::Instruction;
using schedule::Kind;
using schedule::Reg;
using schedule::register_name;

FloatCore float_core(const target::Target& target) {
  const schedule::Rules rules(target.pipeline);
  const bool version5 = std::any_of(target.flags.begin(), target.flags.end(),
                                    [](const std::string& flag) { return flag.starts_with("-mfpu=fpv5"); });
  return {.assembly = target.fpu && target.dsp,
          .fused = rules.issue_cycles(Kind::kFpFused) <
                   rules.issue_cycles(Kind::kFpMultiply) + rules.issue_cycles(Kind::kFpAdd),
          .min_max = version5};
}

std::string float_prologue() {
  return "  push {r4-r11, lr}\n  vpush {s16-s31}\n";
}

std::string float_epilogue() {
  return "  vpop {s16-s31}\n  pop {r4-r11, pc}\n";
}

namespace {

void set_bits(Reg reg, float value, Listing& out) {
  const auto bits = std::bit_cast<uint32_t>(value);
  out.add(schedule::mov_immediate(reg, static_cast<int32_t>(bits & 0xFFFF)));
  if (bits >> 16) out.add(schedule::mov_top(reg, static_cast<int32_t>(bits >> 16)));
}

/// Where the flags of "vcmp value, bound" fulfil `condition`, value = bound.
void take_bound(Reg value, Reg bound, const char* condition, Listing& out) {
  out.add({.text = fmt::format("vcmp.f32 {}, {}", register_name(value), register_name(bound))});
  out.add({.text = "vmrs APSR_nzcv, fpscr"});
  out.add({.text = fmt::format("it {0}\n  vmov{0}.f32 {1}, {2}", condition, register_name(value), register_name(bound)),
           .bytes = 6});
}

}  // namespace

/// A float that is not negative has the order of its bits: where the lower limit is 0, the core's integer instructions
/// limit in fewer cycles than vcmp and vmrs take.
bool FloatStores::through_core() const {
  return !core_.min_max && clamp_.has_lo() && std::bit_cast<uint32_t>(clamp_.lo) == 0 && clamp_.hi >= 0;
}

void FloatStores::begin(Listing& out) const {
  if (through_core()) {
    if (clamp_.has_hi()) set_bits(kFloatScratch[3], clamp_.hi, out);
    return;
  }
  const Reg scratch = kFloatScratch[0];
  for (const auto& [has, value, reg] :
       {std::tuple{clamp_.has_lo(), clamp_.lo, lo_}, std::tuple{clamp_.has_hi(), clamp_.hi, hi_}}) {
    if (!has) continue;
    set_bits(scratch, value, out);
    out.add(schedule::vmov_to_fpu(reg - schedule::kFpu, scratch));
  }
}

void FloatStores::store(Reg pointer, Reg first, int count, Listing& out) const {
  if (through_core()) return through_core(pointer, first, count, out);
  for (int i = 0; i < count; ++i) {
    const Reg value = first + i;
    if (core_.min_max) {
      if (clamp_.has_lo()) out.add(schedule::vselect("vmaxnm", value, value, lo_));
      if (clamp_.has_hi()) out.add(schedule::vselect("vminnm", value, value, hi_));
    } else {
      if (clamp_.has_lo()) take_bound(value, lo_, "mi", out);
      if (clamp_.has_hi()) take_bound(value, hi_, "gt", out);
    }
  }
  out.add(schedule::vstm(pointer, false, first, count));
}

void FloatStores::through_core(Reg pointer, Reg first, int count, Listing& out) const {
  const int at_once = clamp_.has_hi() ? 3 : 4;
  for (int done = 0; done < count; done += at_once) {
    const int here = std::min(at_once, count - done);
    for (int i = 0; i < here; ++i) {
      out.add(schedule::vmov_to_core(kFloatScratch[static_cast<size_t>(i)], first + done + i - schedule::kFpu));
    }
    for (int i = 0; i < here; ++i) {
      const std::string value = register_name(kFloatScratch[static_cast<size_t>(i)]);
      out.add({.text = fmt::format("bic {0}, {0}, {0}, asr #31", value)});
      if (!clamp_.has_hi()) continue;
      const std::string hi = register_name(kFloatScratch[3]);
      out.add({.text = fmt::format("cmp {}, {}\n  it gt\n  movgt {}, {}", value, hi, value, hi), .bytes = 6});
    }
    for (int i = 0; i < here; ++i)
      out.add(schedule::store(4, kFloatScratch[static_cast<size_t>(i)], pointer, 4 * (done + i)));
  }
}

std::string clamp_in_c(const FloatClamp& clamp, const std::string& variable, const std::string& indent) {
  std::string text;
  if (clamp.has_lo()) text += fmt::format("{0}if ({1} < {2}) {1} = {2};\n", indent, variable, float_in_c(clamp.lo));
  if (clamp.has_hi()) text += fmt::format("{0}if ({1} > {2}) {1} = {2};\n", indent, variable, float_in_c(clamp.hi));
  return text;
}

std::string float_in_c(float value) {
  const std::string text = fmt::format("{:.9g}", value);
  return text + (text.find_first_of(".e") == std::string::npos ? ".0f" : "f");
}

}  // namespace mote::kernels::micro
