// For tests: random straight-line programs from templates of instructions, as assembly text.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "board_sim/random_code_templates_test.h"
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
