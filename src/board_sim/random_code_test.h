// For tests: random straight-line programs from templates of instructions, as assembly text.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/random.h"

namespace mote::board_sim {

/// Instructions come from templates in which `%` and a letter stand for
///   r: a register of r0..r9, r12          a b c: such registers, different from each other and the same all through
///   k: one of r0..r7                      s: one of s0..s31
///   5: 0..31   1: 1..31   2: 1..32   4: 0..15   8: 0..255   w: 0..65535   m: a modified immediate
///   o: 0..120, a multiple of 4            u: 0..120           p: -128..127
///   f: lsb, width                         x: the rest of a shifted operand, or nothing
///   R: 8, 16 or 24                        l L: two register lists of one length without %a      V W: the same of
///   s0..s31
///   !: "s" or nothing (nothing in an IT block)                 ?: the condition inside an IT block
///   I: a whole simple instruction
/// r11 points to 128 bytes of memory, r10 behind them. `;` separates instructions.
class RandomCode {
 public:
  RandomCode(uint64_t seed, bool fpv5) : random_(seed), fpv5_(fpv5) {}

  /// `count` instructions or small groups of them; loads, stores, and branches stay inside.
  std::string sequence(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      const uint64_t kind = random_.below(20);
      if (kind < 2) {
        text += it_block();
      } else if (kind < 5) {
        text += fill(pick(kGroups), "") + "\n";
      } else {
        text += simple("") + "\n";
      }
    }
    std::ranges::replace(text, ';', '\n');
    return text;
  }

 private:
  static constexpr std::string_view kSimple[] = {"add%!%? %r, %r, %r%x",
                                                 "sub%!%? %r, %r, %r%x",
                                                 "adc%!%? %r, %r, %r%x",
                                                 "sbc%!%? %r, %r, %r%x",
                                                 "rsb%!%? %r, %r, %r%x",
                                                 "and%!%? %r, %r, %r%x",
                                                 "orr%!%? %r, %r, %r%x",
                                                 "eor%!%? %r, %r, %r%x",
                                                 "bic%!%? %r, %r, %r%x",
                                                 "orn%!%? %r, %r, %r%x",
                                                 "add%!%? %r, %r, #%m",
                                                 "sub%!%? %r, %r, #%m",
                                                 "adc%!%? %r, %r, #%m",
                                                 "sbc%!%? %r, %r, #%m",
                                                 "rsb%!%? %r, %r, #%m",
                                                 "and%!%? %r, %r, #%m",
                                                 "orr%!%? %r, %r, #%m",
                                                 "eor%!%? %r, %r, #%m",
                                                 "bic%!%? %r, %r, #%m",
                                                 "orn%!%? %r, %r, #%m",
                                                 "mov%!%? %r, %r",
                                                 "mov%!%? %r, #%m",
                                                 "mvn%!%? %r, #%m",
                                                 "mvn%!%? %r, %r%x",
                                                 "movw%? %r, #%w",
                                                 "movt%? %r, #%w",
                                                 "addw%? %r, %r, #%w@",
                                                 "subw%? %r, %r, #%w@",
                                                 "cmp%? %r, %r%x",
                                                 "cmn%? %r, %r%x",
                                                 "tst%? %r, %r%x",
                                                 "teq%? %r, %r%x",
                                                 "cmp%? %r, #%m",
                                                 "tst%? %r, #%m",
                                                 "lsl%!%? %r, %r, #%5",
                                                 "lsr%!%? %r, %r, #%2",
                                                 "asr%!%? %r, %r, #%2",
                                                 "ror%!%? %r, %r, #%1",
                                                 "rrx%!%? %r, %r",
                                                 "lsl%!%? %r, %r, %r",
                                                 "lsr%!%? %r, %r, %r",
                                                 "asr%!%? %r, %r, %r",
                                                 "ror%!%? %r, %r, %r",
                                                 "mul%? %r, %r, %r",
                                                 "mla%? %r, %r, %r, %r",
                                                 "mls%? %r, %r, %r, %r",
                                                 "umull%? %a, %b, %r, %r",
                                                 "smull%? %a, %b, %r, %r",
                                                 "umlal%? %a, %b, %r, %r",
                                                 "smlal%? %a, %b, %r, %r",
                                                 "umaal%? %a, %b, %r, %r",
                                                 "smlalbb%? %a, %b, %r, %r",
                                                 "smlaltb%? %a, %b, %r, %r",
                                                 "smlald%? %a, %b, %r, %r",
                                                 "smlaldx%? %a, %b, %r, %r",
                                                 "smlsld%? %a, %b, %r, %r",
                                                 "smlsldx%? %a, %b, %r, %r",
                                                 "smulbb%? %r, %r, %r",
                                                 "smultt%? %r, %r, %r",
                                                 "smulwb%? %r, %r, %r",
                                                 "smulwt%? %r, %r, %r",
                                                 "smlabb%? %r, %r, %r, %r",
                                                 "smlatb%? %r, %r, %r, %r",
                                                 "smlawb%? %r, %r, %r, %r",
                                                 "smlawt%? %r, %r, %r, %r",
                                                 "smuad%? %r, %r, %r",
                                                 "smuadx%? %r, %r, %r",
                                                 "smusd%? %r, %r, %r",
                                                 "smusdx%? %r, %r, %r",
                                                 "smlad%? %r, %r, %r, %r",
                                                 "smladx%? %r, %r, %r, %r",
                                                 "smlsd%? %r, %r, %r, %r",
                                                 "smlsdx%? %r, %r, %r, %r",
                                                 "smmul%? %r, %r, %r",
                                                 "smmulr%? %r, %r, %r",
                                                 "smmla%? %r, %r, %r, %r",
                                                 "smmlar%? %r, %r, %r, %r",
                                                 "smmls%? %r, %r, %r, %r",
                                                 "smmlsr%? %r, %r, %r, %r",
                                                 "udiv%? %r, %r, %r",
                                                 "sdiv%? %r, %r, %r",
                                                 "ssat%? %r, #%2, %r",
                                                 "usat%? %r, #%5, %r",
                                                 "ssat%? %r, #%2, %r, asr #%1",
                                                 "usat%? %r, #%5, %r, lsl #%1",
                                                 "ssat16%? %r, #%1@, %r",
                                                 "usat16%? %r, #%4, %r",
                                                 "qadd%? %r, %r, %r",
                                                 "qsub%? %r, %r, %r",
                                                 "qdadd%? %r, %r, %r",
                                                 "qdsub%? %r, %r, %r",
                                                 "qadd8%? %r, %r, %r",
                                                 "qadd16%? %r, %r, %r",
                                                 "qsub8%? %r, %r, %r",
                                                 "qsub16%? %r, %r, %r",
                                                 "qasx%? %r, %r, %r",
                                                 "qsax%? %r, %r, %r",
                                                 "uqadd8%? %r, %r, %r",
                                                 "uqadd16%? %r, %r, %r",
                                                 "uqsub8%? %r, %r, %r",
                                                 "uqsub16%? %r, %r, %r",
                                                 "uqasx%? %r, %r, %r",
                                                 "uqsax%? %r, %r, %r",
                                                 "sadd8%? %r, %r, %r",
                                                 "sadd16%? %r, %r, %r",
                                                 "ssub8%? %r, %r, %r",
                                                 "ssub16%? %r, %r, %r",
                                                 "sasx%? %r, %r, %r",
                                                 "ssax%? %r, %r, %r",
                                                 "uadd8%? %r, %r, %r",
                                                 "uadd16%? %r, %r, %r",
                                                 "usub8%? %r, %r, %r",
                                                 "usub16%? %r, %r, %r",
                                                 "uasx%? %r, %r, %r",
                                                 "usax%? %r, %r, %r",
                                                 "shadd8%? %r, %r, %r",
                                                 "shadd16%? %r, %r, %r",
                                                 "shsub8%? %r, %r, %r",
                                                 "shsub16%? %r, %r, %r",
                                                 "shasx%? %r, %r, %r",
                                                 "shsax%? %r, %r, %r",
                                                 "uhadd8%? %r, %r, %r",
                                                 "uhadd16%? %r, %r, %r",
                                                 "uhsub8%? %r, %r, %r",
                                                 "uhsub16%? %r, %r, %r",
                                                 "uhasx%? %r, %r, %r",
                                                 "uhsax%? %r, %r, %r",
                                                 "usad8%? %r, %r, %r",
                                                 "usada8%? %r, %r, %r, %r",
                                                 "sel%? %r, %r, %r",
                                                 "pkhbt%? %r, %r, %r, lsl #%1",
                                                 "pkhtb%? %r, %r, %r, asr #%2",
                                                 "pkhbt%? %r, %r, %r",
                                                 "sxtb%? %r, %r",
                                                 "sxth%? %r, %r",
                                                 "uxtb%? %r, %r",
                                                 "uxth%? %r, %r",
                                                 "sxtb%? %r, %r, ror #%R",
                                                 "uxth%? %r, %r, ror #%R",
                                                 "sxtb16%? %r, %r",
                                                 "uxtb16%? %r, %r, ror #%R",
                                                 "sxtab%? %r, %r, %r",
                                                 "sxtah%? %r, %r, %r, ror #%R",
                                                 "uxtab%? %r, %r, %r, ror #%R",
                                                 "uxtah%? %r, %r, %r",
                                                 "sxtab16%? %r, %r, %r",
                                                 "uxtab16%? %r, %r, %r, ror #%R",
                                                 "bfi%? %r, %r, %f",
                                                 "bfc%? %r, %f",
                                                 "ubfx%? %r, %r, %f",
                                                 "sbfx%? %r, %r, %f",
                                                 "rev%? %r, %r",
                                                 "rev16%? %r, %r",
                                                 "revsh%? %r, %r",
                                                 "rbit%? %r, %r",
                                                 "clz%? %r, %r",
                                                 "mrs%? %r, apsr",
                                                 "msr%? apsr_nzcvqg, %r",
                                                 "nop%?",
                                                 "ldr%? %r, [r11, #%u]",
                                                 "ldrb%? %r, [r11, #%u]",
                                                 "ldrh%? %r, [r11, #%u]",
                                                 "ldrsb%? %r, [r11, #%u]",
                                                 "ldrsh%? %r, [r11, #%u]",
                                                 "ldr%? %r, [r10, #-%2@]",
                                                 "ldrsh%? %r, [r10, #-%2@]",
                                                 "str%? %r, [r11, #%u]",
                                                 "strb%? %r, [r11, #%u]",
                                                 "strh%? %r, [r11, #%u]",
                                                 "ldrd%? %a, %b, [r11, #%o]",
                                                 "strd%? %r, %r, [r11, #%o]",
                                                 "ldrt%? %r, [r11, #%u]",
                                                 "strht%? %r, [r11, #%u]",
                                                 "ldm%? r11, %l",
                                                 "stm%? r11, %l",
                                                 "ldmdb%? r10, %l",
                                                 "stmdb%? r10, %l"};
  static constexpr std::string_view kFloat[] = {
      "vadd%?.f32 %s, %s, %s",   "vsub%?.f32 %s, %s, %s",   "vmul%?.f32 %s, %s, %s",   "vnmul%?.f32 %s, %s, %s",
      "vdiv%?.f32 %s, %s, %s",   "vsqrt%?.f32 %s, %s",      "vfma%?.f32 %s, %s, %s",   "vfms%?.f32 %s, %s, %s",
      "vfnma%?.f32 %s, %s, %s",  "vfnms%?.f32 %s, %s, %s",  "vmla%?.f32 %s, %s, %s",   "vmls%?.f32 %s, %s, %s",
      "vnmla%?.f32 %s, %s, %s",  "vnmls%?.f32 %s, %s, %s",  "vabs%?.f32 %s, %s",       "vneg%?.f32 %s, %s",
      "vcmp%?.f32 %s, %s",       "vcmpe%?.f32 %s, %s",      "vcmp%?.f32 %s, #0.0",     "vmrs%? apsr_nzcv, fpscr",
      "vmrs%? %r, fpscr",        "vcvt%?.s32.f32 %s, %s",   "vcvt%?.u32.f32 %s, %s",   "vcvtr%?.s32.f32 %s, %s",
      "vcvtr%?.u32.f32 %s, %s",  "vcvt%?.f32.s32 %s, %s",   "vcvt%?.f32.u32 %s, %s",   "vcvt%?.f32.s32 %s@, #%2",
      "vcvt%?.u32.f32 %s@, #%2", "vcvt%?.s16.f32 %s@, #%4", "vcvt%?.f32.u16 %s@, #%4", "vcvtb%?.f32.f16 %s, %s",
      "vcvtt%?.f32.f16 %s, %s",  "vcvtb%?.f16.f32 %s, %s",  "vcvtt%?.f16.f32 %s, %s",  "vmov%?.f32 %s, %s",
      "vmov%?.f32 %s, #1.5",     "vmov%? %r, %s",           "vmov%? %s, %r",           "vmov%? %a, %b, s6, s7",
      "vmov%? s12, s13, %r, %r", "vldr%? %s, [r11, #%o]",   "vstr%? %s, [r11, #%o]",   "vldmia%? r11, %V",
      "vstmia%? r11, %V",

      "vldr%? d5, [r11, #%o]",   "vstr%? d9, [r11, #%o]"};
  static constexpr std::string_view kFpv5[] = {
      "vselge.f32 %s, %s, %s", "vseleq.f32 %s, %s, %s", "vselgt.f32 %s, %s, %s", "vselvs.f32 %s, %s, %s",
      "vmaxnm.f32 %s, %s, %s", "vminnm.f32 %s, %s, %s", "vrinta.f32 %s, %s",     "vrintn.f32 %s, %s",
      "vrintp.f32 %s, %s",     "vrintm.f32 %s, %s",     "vrintx.f32 %s, %s",     "vrintz.f32 %s, %s",
      "vrintr.f32 %s, %s",     "vcvta.s32.f32 %s, %s",  "vcvtn.u32.f32 %s, %s",  "vcvtp.s32.f32 %s, %s",
      "vcvtm.u32.f32 %s, %s"};
  static constexpr std::string_view kGroups[] = {
      "and %a, %r, #63; ldr %r, [r11, %a]",
      "and %a, %r, #15; ldr %r, [r11, %a, lsl #2]",
      "and %a, %r, #31; ldrsh %r, [r11, %a, lsl #1]",
      "and %a, %r, #63; ldrsb %r, [r11, %a]",
      "and %a, %r, #63; str %r, [r11, %a]",
      "and %a, %r, #31; strh %r, [r11, %a, lsl #1]",
      "and %a, %r, #15; strb %r, [r11, %a, lsl #3]",
      "add %a, r11, #%u; ldr %b, [%a], #%p",
      "add %a, r11, #%u; ldrh %b, [%a], #%p; mov %a, %r",
      "add %a, r11, #%u; str %b, [%a], #%p",
      "add %a, r11, #64; ldr %b, [%a, #-%1]!",
      "add %a, r11, #64; ldrsb %b, [%a, #%1]!",
      "add %a, r11, #64; strh %b, [%a, #-%1]!",
      "add %a, r11, #64; ldrd %b, %c, [%a], #%4@",
      "add %a, r11, #64; strd %b, %c, [%a, #-%4@]!",
      "add %a, r11, #32; ldmia %a!, %l",
      "add %a, r11, #64; ldmdb %a!, %l",
      "add %a, r11, #32; stmia %a!, %l",
      "add %a, r11, #96; stmdb %a!, %l",
      "push %l; pop %L",
      "push %l; add sp, #4; sub sp, #4; pop %L",
      "ldrex %a, [r11, #%o]; strex %b, %c, [r11, #8]",
      "ldrex %a, [r11, #16]; strex %b, %c, [r11, #16]",
      "ldrexb %a, [r11]; strexb %b, %c, [r11]",
      "ldrexh %a, [r11]; clrex; strexh %b, %c, [r11]",
      "cmp %r, %r; bne 1f; %I; 1:",
      "adds %r, %r, %r; bvc 1f; %I; 1:",
      "tst %r, %r; bmi.w 1f; %I; %I; 1:",
      "cbz %k, 1f; %I; 1:",
      "cbnz %k, 1f; %I; %I; 1:",
      "and %a, %r, #3; tbb [pc, %a]; 1: .byte (2f-1b)/2, (3f-1b)/2, (4f-1b)/2, (5f-1b)/2; 2: %I; 3: %I; 4: %I; 5:",
      "and %a, %r, #1; tbh [pc, %a, lsl #1]; 1: .hword (2f-1b)/2, (3f-1b)/2; 2: %I; 3: %I",
      "and %a, %r, #7; 1: subs %a, %a, #1; add %b, %b, %a; bgt 1b",
      "vpush %V; vpop %W",
      "add %a, r11, #32; vldmia %a!, %V",
      "add %a, r11, #96; vstmdb %a!, %V",
      "bl 1f; b 2f; 1: mov %a, #%8; bx lr; 2:"};

  std::string_view pick(std::span<const std::string_view> from) { return from[random_.below(from.size())]; }

  std::string simple(const std::string& condition) {
    if (random_.below(4) != 0) return fill(pick(kSimple), condition);
    const bool five = fpv5_ && condition.empty() && random_.below(4) == 0;
    return fill(five ? pick(kFpv5) : pick(kFloat), condition);
  }

  std::string it_block() {
    static constexpr std::string_view kConditions[] = {"eq", "ne", "cs", "cc", "mi", "pl", "vs",
                                                       "vc", "hi", "ls", "ge", "lt", "gt", "le"};
    const size_t first = random_.below(std::size(kConditions));
    std::string pattern, body;
    const int length = static_cast<int>(random_.between(1, 4));
    for (int i = 0; i < length; ++i) {
      const bool other = i > 0 && random_.below(2) == 0;
      if (i > 0) pattern += other ? 'e' : 't';
      body += simple(std::string(kConditions[other ? first ^ 1 : first])) + "\n";
    }
    return fmt::format("it{} {}\n{}", pattern, kConditions[first], body);
  }

  std::string core(std::span<const int> without = {}) {
    for (;;) {
      const int n = static_cast<int>(random_.below(11));
      const int reg = n == 10 ? 12 : n;
      if (std::ranges::find(without, reg) == without.end()) return fmt::format("r{}", reg);
    }
  }

  std::string modified_immediate() {
    const uint32_t byte = static_cast<uint32_t>(random_.between(0, 255));
    switch (random_.below(5)) {
      case 0:
        return fmt::format("{}", byte);
      case 1:
        return fmt::format("{:#x}", byte << 16 | byte);
      case 2:
        return fmt::format("{:#x}", byte << 24 | byte << 8);
      case 3:
        return fmt::format("{:#x}", byte * 0x01010101u);
      default:
        return fmt::format("{:#x}", (byte | 0x80) << random_.below(25));
    }
  }

  std::string shifted() {
    static constexpr std::string_view kShifts[] = {", lsl #", ", lsr #", ", asr #", ", ror #"};
    const uint64_t which = random_.below(8);
    if (which >= 5) return "";
    return which == 4 ? ", rrx" : fmt::format("{}{}", kShifts[which], random_.between(1, 31));
  }

  std::string core_list(size_t length, int without) {
    std::vector<int> all;
    for (int r = 0; r < 13; ++r) {
      if (r != 10 && r != 11 && r != without) all.push_back(r);
    }
    while (all.size() > length) all.erase(all.begin() + static_cast<ptrdiff_t>(random_.below(all.size())));
    std::string text;
    for (const int r : all) text += fmt::format("{}r{}", text.empty() ? "{" : ", ", r);
    return text + "}";
  }

  std::string float_list(int length) {
    const int first = static_cast<int>(random_.between(0, 32 - length));
    return fmt::format("{{s{}-s{}}}", first, first + length - 1);
  }

  std::string fill(std::string_view pattern, const std::string& condition) {
    std::vector<int> named;  // %a, %b, %c
    while (named.size() < 3) named.push_back(std::stoi(core(named).substr(1)));
    const size_t length = static_cast<size_t>(random_.between(2, 6));
    const auto number = [&](int64_t low, int64_t high) { return fmt::format("{}", random_.between(low, high)); };
    std::string text;
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] != '%') {
        text += pattern[i];
        continue;
      }
      const char token = pattern[++i];
      const bool variant = i + 1 < pattern.size() && pattern[i + 1] == '@';  // explained where it is used
      if (variant) ++i;
      switch (token) {
        case 'a':
        case 'b':
        case 'c':
          text += fmt::format("r{}", named[static_cast<size_t>(token - 'a')]);
          break;
        case 'r':
          text += core();
          break;
        case 'k':
          text += "r" + number(0, 7);
          break;
        case 's': {
          const std::string reg = "s" + number(0, 31);
          text += variant ? reg + ", " + reg : reg;  // twice the same
          break;
        }
        case '5':
          text += number(0, 31);
          break;
        case '1':
          text += variant ? number(1, 16) : number(1, 31);
          break;
        case '2':
          text += variant ? number(4, 128) : number(1, 32);
          break;
        case '4':
          text += variant ? fmt::format("{}", 4 * random_.between(0, 15)) : number(0, 15);
          break;
        case '8':
          text += number(0, 255);
          break;
        case 'w':
          text += variant ? number(0, 4095) : number(0, 65535);
          break;
        case 'm':
          text += modified_immediate();
          break;
        case 'o':
          text += fmt::format("{}", 4 * random_.between(0, 30));
          break;
        case 'u':
          text += number(0, 120);
          break;
        case 'p':
          text += number(-128, 127);
          break;
        case 'f': {
          const int64_t lsb = random_.between(0, 31);
          text += fmt::format("#{}, #{}", lsb, random_.between(1, 32 - lsb));
          break;
        }
        case 'x':
          text += shifted();
          break;
        case 'R':
          text += fmt::format("{}", 8 * random_.between(1, 3));
          break;
        case 'l':
        case 'L':
          text += core_list(length, named[0]);
          break;
        case 'V':
        case 'W':
          text += float_list(static_cast<int>(length));
          break;
        case '!':
          if (condition.empty() && random_.below(2) == 0) text += 's';
          break;
        case '?':
          text += condition;
          break;
        case 'I':
          text += simple("");
          break;
        default:
          break;
      }
    }
    return text;
  }

  Random random_;
  bool fpv5_;
};

}  // namespace mote::board_sim
