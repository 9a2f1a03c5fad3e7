#include "schedule/assembly.h"

#include <fmt/format.h>

#include <cstdlib>

#include "support/error.h"

namespace mote::schedule {
namespace {

std::string name(Reg reg) {
  return register_name(reg);
}

Instruction make(Kind kind, std::string text, std::vector<Reg> writes, std::vector<Use> reads) {
  return {.text = std::move(text), .kind = kind, .reads = std::move(reads), .writes = std::move(writes)};
}

std::string address(Reg base, int32_t offset) {
  check(offset >= -255 && offset <= 4095, "offset out of an addressing mode's range");
  return offset == 0 ? fmt::format("[{}]", name(base)) : fmt::format("[{}, #{}]", name(base), offset);
}

const char* store_name(int width) {
  return width == 4 ? "str" : width == 2 ? "strh" : "strb";
}

/// Immediates that 32-bit data-processing instructions encode: a byte at any even-or-odd rotation that does not wrap.
bool is_modified_immediate(uint32_t value) {
  for (int shift = 0; shift <= 24; ++shift) {
    if ((value & ~(0xFFu << shift)) == 0) return true;
  }
  return false;
}

}  // namespace

std::string register_name(Reg reg) {
  if (reg >= kFpu) return fmt::format("s{}", reg - kFpu);
  if (reg == kSp) return "sp";
  if (reg == kLr) return "lr";
  check(reg >= 0 && reg <= 12, "not a register");
  return fmt::format("r{}", reg);
}

Instruction smlad(Reg d, Reg n, Reg m, Reg acc) {
  return make(Kind::kMultiply, fmt::format("smlad {}, {}, {}, {}", name(d), name(n), name(m), name(acc)), {d},
              {{n, Role::kMultiply}, {m, Role::kMultiply}, {acc, Role::kAccumulate}});
}

Instruction smuad(Reg d, Reg n, Reg m) {
  return make(Kind::kMultiply, fmt::format("smuad {}, {}, {}", name(d), name(n), name(m)), {d},
              {{n, Role::kMultiply}, {m, Role::kMultiply}});
}

Instruction smla_halves(const std::string& halves, Reg d, Reg n, Reg m, Reg acc) {
  return make(Kind::kMultiply, fmt::format("smla{} {}, {}, {}, {}", halves, name(d), name(n), name(m), name(acc)), {d},
              {{n, Role::kMultiply}, {m, Role::kMultiply}, {acc, Role::kAccumulate}});
}

Instruction smmla(Reg d, Reg n, Reg m, Reg acc, bool rounding) {
  return make(Kind::kMultiply,
              fmt::format("smmla{} {}, {}, {}, {}", rounding ? "r" : "", name(d), name(n), name(m), name(acc)), {d},
              {{n, Role::kMultiply}, {m, Role::kMultiply}, {acc, Role::kAccumulate}});
}

Instruction smlaw(char half, Reg d, Reg n, Reg m, Reg acc) {
  return make(Kind::kMultiply, fmt::format("smlaw{} {}, {}, {}, {}", half, name(d), name(n), name(m), name(acc)), {d},
              {{n, Role::kMultiply}, {m, Role::kMultiply}, {acc, Role::kAccumulate}});
}

Instruction mla(Reg d, Reg n, Reg m, Reg acc) {
  return make(Kind::kMultiply, fmt::format("mla {}, {}, {}, {}", name(d), name(n), name(m), name(acc)), {d},
              {{n, Role::kMultiply}, {m, Role::kMultiply}, {acc, Role::kAccumulate}});
}

Instruction sxtb(Reg d, Reg m, int byte) {
  return make(Kind::kExtend,
              fmt::format("sxtb {}, {}{}", name(d), name(m), byte ? fmt::format(", ror #{}", 8 * byte) : ""), {d},
              {{m, Role::kAlu}});
}

Instruction sxtb16(Reg d, Reg m, bool rotate8) {
  return make(Kind::kExtend, fmt::format("sxtb16 {}, {}{}", name(d), name(m), rotate8 ? ", ror #8" : ""), {d},
              {{m, Role::kAlu}});
}

Instruction sxtab16(Reg d, Reg n, Reg m, bool rotate8) {
  return make(Kind::kPack, fmt::format("sxtab16 {}, {}, {}{}", name(d), name(n), name(m), rotate8 ? ", ror #8" : ""),
              {d}, {{n, Role::kAlu}, {m, Role::kShifted}});
}

Instruction add_halves(const std::string& op, Reg d, Reg n, Reg m) {
  return make(Kind::kExtend, fmt::format("{} {}, {}, {}", op, name(d), name(n), name(m)), {d},
              {{n, Role::kAlu}, {m, Role::kAlu}});
}

Instruction pkhbt(Reg d, Reg n, Reg m) {
  return make(Kind::kPack, fmt::format("pkhbt {}, {}, {}, lsl #16", name(d), name(n), name(m)), {d},
              {{n, Role::kAlu}, {m, Role::kShifted}});
}

Instruction pkhtb(Reg d, Reg n, Reg m) {
  return make(Kind::kPack, fmt::format("pkhtb {}, {}, {}, asr #16", name(d), name(n), name(m)), {d},
              {{n, Role::kShifted}, {m, Role::kShifted}});
}

Instruction ssat(Reg d, int bits, Reg n, int asr) {
  return make(Kind::kSaturate,
              fmt::format("ssat {}, #{}, {}{}", name(d), bits, name(n), asr ? fmt::format(", asr #{}", asr) : ""), {d},
              {{n, Role::kShifted}});
}

Instruction usat(Reg d, int bits, Reg n, int asr) {
  return make(Kind::kSaturate,
              fmt::format("usat {}, #{}, {}{}", name(d), bits, name(n), asr ? fmt::format(", asr #{}", asr) : ""), {d},
              {{n, Role::kShifted}});
}

Instruction qadd8(Reg d, Reg n, Reg m) {
  return make(Kind::kSaturate, fmt::format("qadd8 {}, {}, {}", name(d), name(n), name(m)), {d},
              {{n, Role::kAlu}, {m, Role::kAlu}});
}

Instruction add(Reg d, Reg n, Reg m) {
  return make(Kind::kAlu, fmt::format("add {}, {}, {}", name(d), name(n), name(m)), {d},
              {{n, Role::kAlu}, {m, Role::kAlu}});
}

Instruction add_asr(Reg d, Reg n, Reg m, int asr) {
  return make(Kind::kAluShifted, fmt::format("add {}, {}, {}, asr #{}", name(d), name(n), name(m), asr), {d},
              {{n, Role::kAlu}, {m, Role::kShifted}});
}

Instruction sub(Reg d, Reg n, Reg m) {
  return make(Kind::kAlu, fmt::format("sub {}, {}, {}", name(d), name(n), name(m)), {d},
              {{n, Role::kAlu}, {m, Role::kAlu}});
}

Instruction add_immediate(Reg d, Reg n, int32_t value) {
  check(std::abs(value) <= 4095, "immediate out of range");
  return make(Kind::kAlu, fmt::format("{} {}, {}, #{}", value < 0 ? "subw" : "addw", name(d), name(n), std::abs(value)),
              {d}, {{n, Role::kAlu}});
}

Instruction mov(Reg d, Reg m) {
  Instruction code = make(Kind::kAlu, fmt::format("mov {}, {}", name(d), name(m)), {d}, {{m, Role::kAlu}});
  code.bytes = 2;
  return code;
}

Instruction mov_immediate(Reg d, int32_t value) {
  check(value >= 0 && value <= 0xFFFF, "immediate out of range");
  return make(Kind::kAlu, fmt::format("movw {}, #{}", name(d), value), {d}, {});
}

Instruction mov_top(Reg d, int32_t value) {
  check(value >= 0 && value <= 0xFFFF, "immediate out of range");
  return make(Kind::kAlu, fmt::format("movt {}, #{}", name(d), value), {d}, {{d, Role::kAlu}});
}

Instruction lsl(Reg d, Reg n, int amount) {
  return make(Kind::kShift, fmt::format("lsl {}, {}, #{}", name(d), name(n), amount), {d}, {{n, Role::kAlu}});
}

Instruction asr(Reg d, Reg n, int amount) {
  return make(Kind::kShift, fmt::format("asr {}, {}, #{}", name(d), name(n), amount), {d}, {{n, Role::kAlu}});
}

Instruction asr_by(Reg d, Reg n, Reg amount) {
  return make(Kind::kShift, fmt::format("asr {}, {}, {}", name(d), name(n), name(amount)), {d},
              {{n, Role::kAlu}, {amount, Role::kAlu}});
}

Instruction compare(Reg n, Reg m) {
  Instruction code =
      make(Kind::kAlu, fmt::format("cmp {}, {}", name(n), name(m)), {kFlags}, {{n, Role::kAlu}, {m, Role::kAlu}});
  code.bytes = 2;
  return code;
}

Instruction subtract_if_equal(Reg n, int32_t value) {
  check(value >= 0 && value <= 4095, "immediate out of range");
  Instruction code = make(Kind::kAlu, fmt::format("it eq\n  subweq {0}, {0}, #{1}", name(n), value), {n},
                          {{n, Role::kAlu}, {kFlags, Role::kAlu}});
  code.bytes = 6;
  return code;
}

Instruction subs(Reg n, int32_t value) {
  return make(Kind::kAlu, fmt::format("subs {0}, {0}, #{1}", name(n), value), {n, kFlags}, {{n, Role::kAlu}});
}

Instruction ldr(Reg d, Reg base, int32_t offset) {
  return make(Kind::kLoad, fmt::format("ldr {}, {}", name(d), address(base, offset)), {d}, {{base, Role::kAddress}});
}

Instruction ldr_post(Reg d, Reg base, int32_t step) {
  check(std::abs(step) <= 255 && d != base, "step out of range");
  Instruction code =
      make(Kind::kLoad, fmt::format("ldr {}, [{}], #{}", name(d), name(base), step), {d}, {{base, Role::kAddress}});
  code.writeback = base;
  return code;
}

Instruction load_signed_byte_post(Reg d, Reg base, int32_t step) {
  check(std::abs(step) <= 255 && d != base, "step out of range");
  Instruction code = make(Kind::kLoadNarrow, fmt::format("ldrsb {}, [{}], #{}", name(d), name(base), step), {d},
                          {{base, Role::kAddress}});
  code.writeback = base;
  return code;
}

Instruction store(int width, Reg d, Reg base, int32_t offset) {
  return make(Kind::kStore, fmt::format("{} {}, {}", store_name(width), name(d), address(base, offset)), {},
              {{d, Role::kStoreData}, {base, Role::kAddress}});
}

Instruction store_post(int width, Reg d, Reg base, int32_t step) {
  check(std::abs(step) <= 255 && d != base, "step out of range");
  Instruction code = make(Kind::kStore, fmt::format("{} {}, [{}], #{}", store_name(width), name(d), name(base), step),
                          {}, {{d, Role::kStoreData}, {base, Role::kAddress}});
  code.writeback = base;
  return code;
}

Instruction vmov_to_core(Reg d, int s) {
  return make(Kind::kMoveToCore, fmt::format("vmov {}, s{}", name(d), s), {d}, {{kFpu + s, Role::kAlu}});
}

Instruction vmov_to_fpu(int s, Reg n) {
  return make(Kind::kMoveToFpu, fmt::format("vmov s{}, {}", s, name(n)), {kFpu + s}, {{n, Role::kAlu}});
}

std::vector<Instruction> add_constant(Reg d, Reg n, int32_t value) {
  if (value == 0 && d == n) return {};
  if (value == 0) return {mov(d, n)};
  const bool negative = value < 0;
  uint32_t left = negative ? 0u - static_cast<uint32_t>(value) : static_cast<uint32_t>(value);
  std::vector<Instruction> code;
  Reg from = n;
  while (left > 4095) {
    // The highest eight bits, above the twelve that one addw takes.
    int top = 31;
    while ((left >> top) == 0) --top;
    int shift = top - 7;
    if (shift < 12) shift = 12;
    const uint32_t part = left & (0xFFu << shift);
    check(part != 0 && is_modified_immediate(part), "no encoding for a constant");
    code.push_back(make(Kind::kAlu,
                        fmt::format("{}.w {}, {}, #{}", negative ? "sub" : "add", name(d), name(from), part), {d},
                        {{from, Role::kAlu}}));
    left -= part;
    from = d;
  }
  if (left != 0)
    code.push_back(add_immediate(d, from, negative ? -static_cast<int32_t>(left) : static_cast<int32_t>(left)));
  return code;
}

std::string text_of(const std::vector<Instruction>& code) {
  std::string text;
  for (const Instruction& instruction : code) text += "  " + instruction.text + "\n";
  return text;
}

int bytes_of(const std::vector<Instruction>& code) {
  int bytes = 0;
  for (const Instruction& instruction : code) bytes += instruction.bytes;
  return bytes;
}

}  // namespace mote::schedule
