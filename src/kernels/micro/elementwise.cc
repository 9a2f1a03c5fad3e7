#include "kernels/micro/elementwise.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/micro/code.h"
#include "kernels/micro/epilogue.h"
#include "schedule/list.h"

namespace mote::kernels::micro {
namespace {

using schedule::Reg;
using schedule::Rules;

constexpr int kBlock = 16;  // elements per round of the main loop

/// A function with a main loop over blocks of elements, a loop over words of four, and a loop over single ones. `count`
/// is the register with the number of elements.
struct ElementLoops {
  Code setup, block, word, single;
  Reg count;
};

void write_loops(const std::string& name, const ElementLoops& loops, MicroKernel& kernel) {
  Listing out;
  out.add(loops.setup);
  const std::string n = schedule::register_name(loops.count);
  const auto loop = [&](const Code& body, int elements, int again, int done) {
    out.line(fmt::format("  subs {}, {}, #{}\n  blt {}f", n, n, elements, done));
    out.aligned_label(again);
    out.add(body);
    out.line(fmt::format("  subs {}, {}, #{}\n  bge {}b", n, n, elements, again));
    out.label(done);
    out.line(fmt::format("  adds {}, {}, #{}", n, n, elements));
  };
  loop(loops.block, kBlock, 1, 2);
  loop(loops.word, 4, 3, 4);
  loop(loops.single, 1, 5, 6);
  kernel.assembly =
      function_begin(name) + "  push {r4-r11, lr}\n" + out.text() + "  pop {r4-r11, pc}\n" + function_end(name);
  kernel.code_bytes_estimate = out.bytes() + 60;
}

Code with_step(Code code, Reg pointer, int step) {
  append(code, schedule::add_constant(pointer, pointer, step));
  return code;
}

/// Four elements at byte `at`.
void widen_word(WidenOrder order, int at, const std::array<Reg, 3>& r, Code& code) {
  code.push_back(schedule::ldr(r[1], 0, at));
  code.push_back(schedule::sxtb16(r[0], r[1], false));
  code.push_back(schedule::sxtb16(r[1], r[1], true));
  if (order == WidenOrder::kQuads) {
    code.push_back(schedule::store(4, r[0], 1, 2 * at));
    code.push_back(schedule::store(4, r[1], 1, 2 * at + 4));
    return;
  }
  code.push_back(schedule::pkhbt(r[2], r[0], r[1]));
  code.push_back(schedule::store(4, r[2], 1, 2 * at));
  code.push_back(schedule::pkhtb(r[1], r[1], r[0]));
  code.push_back(schedule::store(4, r[1], 1, 2 * at + 4));
}

/// Loads in one group: on a single-issue core only the last one costs more.
void widen_block(WidenOrder order, Code& code) {
  constexpr std::array<std::array<Reg, 3>, 3> kSets = {{{3, 4, 5}, {6, 7, 8}, {9, 10, 11}}};
  for (int word = 0; word < kBlock / 4; ++word) widen_word(order, 4 * word, kSets[static_cast<size_t>(word % 3)], code);
}

/// Loads come first where registers allow, for cores that issue one instruction a cycle.
void widen_block_grouped(WidenOrder order, Code& code) {
  constexpr std::array<Reg, 4> kRaw = {3, 4, 5, 6}, kEven = {7, 8, 9, 10};
  constexpr Reg kPacked = 11;
  for (size_t word = 0; word < 4; ++word) code.push_back(schedule::ldr(kRaw[word], 0, 4 * static_cast<int>(word)));
  for (size_t word = 0; word < 4; ++word) {
    code.push_back(schedule::sxtb16(kEven[word], kRaw[word], false));
    code.push_back(schedule::sxtb16(kRaw[word], kRaw[word], true));
    const int at = 8 * static_cast<int>(word);
    if (order == WidenOrder::kQuads) {
      code.push_back(schedule::store(4, kEven[word], 1, at));
      code.push_back(schedule::store(4, kRaw[word], 1, at + 4));
    } else {
      code.push_back(schedule::pkhbt(kPacked, kEven[word], kRaw[word]));
      code.push_back(schedule::pkhtb(kRaw[word], kRaw[word], kEven[word]));
      code.push_back(schedule::store(4, kPacked, 1, at));
      code.push_back(schedule::store(4, kRaw[word], 1, at + 4));
    }
  }
}

/// Registers of the addition: 0 a, 1 b, 2 out, 3 the first factor, 4 the second, 5 the offset, 6 the clamp's constant;
/// the count is kept in lr.
constexpr Reg kFactorA = 3, kFactorB = 4, kOffset = 5, kClamp = 6;

void finish_sum(const AddForm& form, Reg sum, int at, Code& code) {
  saturate(form.end, sum, kClamp, false, code);
  code.push_back(schedule::store(1, sum, 2, at));
}

/// Four elements at byte `at`, with r7..r12.
void add_word(const AddForm& form, int at, Code& code) {
  constexpr Reg a = 7, b = 8;
  code.push_back(schedule::ldr(a, 0, at));
  code.push_back(schedule::ldr(b, 1, at));
  for (int odd = 0; odd < 2 && form.by_halves; ++odd) {
    const Reg ea = odd ? a : 11, eb = odd ? b : 12, even_sum = odd ? 10 : 9;
    code.push_back(schedule::sxtb16(ea, a, odd != 0));
    code.push_back(schedule::sxtb16(eb, b, odd != 0));
    for (const char half : {'b', 't'}) {
      const Reg sum = half == 'b' ? even_sum : ea;
      code.push_back(schedule::smlaw(half, sum, kFactorA, ea, kOffset));
      code.push_back(schedule::smlaw(half, sum, kFactorB, eb, sum));
      finish_sum(form, sum, at + odd + (half == 't' ? 2 : 0), code);
    }
  }
  for (int i = 0; i < 4 && !form.by_halves; ++i) {
    const Reg operand = i % 2 ? 11 : 12, sum = i % 2 ? 9 : 10;
    code.push_back(schedule::sxtb(operand, a, i));
    code.push_back(schedule::mla(sum, operand, kFactorA, kOffset));
    code.push_back(schedule::sxtb(operand, b, i));
    code.push_back(schedule::mla(sum, operand, kFactorB, sum));
    finish_sum(form, sum, at + i, code);
  }
}

void add_single(const AddForm& form, Code& code) {
  code.push_back(schedule::load_signed_byte_post(7, 0, 1));
  code.push_back(schedule::load_signed_byte_post(8, 1, 1));
  if (form.by_halves) {
    code.push_back(schedule::smlaw('b', 9, kFactorA, 7, kOffset));
    code.push_back(schedule::smlaw('b', 9, kFactorB, 8, 9));
  } else {
    code.push_back(schedule::mla(9, 7, kFactorA, kOffset));
    code.push_back(schedule::mla(9, 8, kFactorB, 9));
  }
  saturate(form.end, 9, kClamp, false, code);
  code.push_back(schedule::store_post(1, 9, 2, 1));
}

void set_register(Reg reg, int32_t value, Code& code) {
  const auto bits = static_cast<uint32_t>(value);
  code.push_back(schedule::mov_immediate(reg, static_cast<int32_t>(bits & 0xFFFF)));
  if (bits >> 16) code.push_back(schedule::mov_top(reg, static_cast<int32_t>(bits >> 16)));
}

}  // namespace

MicroKernel widen(const std::string& name, WidenOrder order, const target::Target& target) {
  MicroKernel kernel;
  kernel.function_name = name;
  kernel.prototype = fmt::format("void {}(const int8_t *in, int16_t *out, int32_t count)", name);
  kernel.c_form = kernel.prototype + " {\n" +
                  (order == WidenOrder::kNatural ? "  for (int32_t i = 0; i < count; ++i) out[i] = in[i];\n"
                                                 : "  for (int32_t i = 0; i < count; i += 4) {\n"
                                                   "    out[i] = in[i];\n    out[i + 1] = in[i + 2];\n    out[i + 2] = "
                                                   "in[i + 1];\n    out[i + 3] = in[i + 3];\n"
                                                   "  }\n") +
                  "}\n";
  if (!target.dsp) return kernel;
  const Rules rules(target.pipeline);
  ElementLoops loops{.setup = {}, .block = {}, .word = {}, .single = {}, .count = 2};
  rules.dual_issue() ? widen_block(order, loops.block) : widen_block_grouped(order, loops.block);
  loops.block = schedule::list_schedule(with_step(with_step(loops.block, 0, kBlock), 1, 2 * kBlock), rules);
  widen_word(order, 0, {3, 4, 5}, loops.word);
  loops.word = with_step(with_step(loops.word, 0, 4), 1, 8);
  loops.single = {schedule::load_signed_byte_post(3, 0, 1), schedule::store_post(2, 3, 1, 2)};
  write_loops(name, loops, kernel);
  return kernel;
}

std::optional<AddForm> plan_add(const ir::AddParams& params, const ir::ClampI8& clamp) {
  const SaturationForm saturation = saturation_for(clamp);
  // The reference's outputs, from its two scaled operands.
  std::array<int32_t, 256> a, b;
  for (int32_t i = 0; i < 256; ++i) {
    const auto scaled = [&](int32_t offset, ir::Multiplier multiplier) {
      return ir::multiply_by_quantized_multiplier((i - 128 + offset) * (1 << params.left_shift), multiplier);
    };
    a[static_cast<size_t>(i)] = scaled(params.a_offset, params.a);
    b[static_cast<size_t>(i)] = scaled(params.b_offset, params.b);
  }
  const auto real = [](ir::Multiplier m) { return std::ldexp(static_cast<double>(m.mantissa), m.shift - 31); };
  const double to_out = std::ldexp(real(params.out), params.left_shift);
  for (const bool by_halves : {true, false}) {
    for (int shift = 22; shift >= 14; shift -= 2) {
      const double unit = std::ldexp(to_out, shift + (by_halves ? 16 : 0));
      const double fa = std::round(real(params.a) * unit), fb = std::round(real(params.b) * unit);
      if (std::max(fa, fb) >= 2147483647.0) continue;
      AddForm form{static_cast<int32_t>(fa), static_cast<int32_t>(fb), 0, by_halves, saturation.form};
      form.end.shift = shift;
      int64_t lo = INT32_MIN / 2, hi = INT32_MAX / 2;
      int64_t least = INT64_MAX, most = INT64_MIN;
      for (int64_t i = 0; i < 256; ++i) {
        for (int64_t j = 0; j < 256; ++j) {
          const int32_t sum =
              ir::multiply_by_quantized_multiplier(a[static_cast<size_t>(i)] + b[static_cast<size_t>(j)], params.out);
          const int64_t y = std::clamp<int64_t>(int64_t{sum} + params.out_offset, clamp.lo, clamp.hi),
                        to = y - saturation.moved;
          const int64_t pa = (i - 128) * form.a_factor, pb = (j - 128) * form.b_factor;
          const int64_t products = by_halves ? (pa >> 16) + (pb >> 16) : pa + pb;
          least = std::min(least, products);
          most = std::max(most, products);
          if (y > clamp.lo) lo = std::max(lo, (to << shift) - products);
          if (y < clamp.hi) hi = std::min(hi, ((to + 1) << shift) - 1 - products);
        }
      }
      if (lo > hi) continue;
      const int64_t offset = lo + (hi - lo) / 2;
      if (least + offset < INT32_MIN || most + offset > INT32_MAX) continue;
      form.offset = static_cast<int32_t>(offset);
      return form;
    }
  }
  return std::nullopt;
}

MicroKernel add(const std::string& name, const AddForm& form, const target::Target& target) {
  MicroKernel kernel;
  kernel.function_name = name;
  kernel.prototype = fmt::format("void {}(const int8_t *a, const int8_t *b, int8_t *out, int32_t count)", name);
  const auto product = [&](const char* operand, int32_t factor) {
    return form.by_halves ? fmt::format("(int32_t)(((int64_t){} * {}) >> 16)", operand, factor)
                          : fmt::format("{} * {}", operand, factor);
  };
  const std::string saturated = saturation_in_c(form.end, name + "_saturate");
  kernel.c_form = saturated + "\n" + kernel.prototype +
                  " {\n  for (int32_t i = 0; i < count; ++i) {\n    out[i] = (int8_t)" + name + "_saturate(" +
                  product("a[i]", form.a_factor) + " + " + product("b[i]", form.b_factor) +
                  fmt::format(" + {});\n  }}\n}}\n", form.offset);
  if (!target.dsp) return kernel;
  const Rules rules(target.pipeline);
  ElementLoops loops{.setup = {}, .block = {}, .word = {}, .single = {}, .count = schedule::kLr};
  loops.setup.push_back(schedule::mov(schedule::kLr, 3));
  set_register(kFactorA, form.a_factor, loops.setup);
  set_register(kFactorB, form.b_factor, loops.setup);
  set_register(kOffset, form.offset, loops.setup);
  if (form.end.clamped_add != 0) set_register(kClamp, form.end.clamped_add & 0xFF, loops.setup);
  for (int word = 0; word < kBlock / 4; ++word) add_word(form, 4 * word, loops.block);
  for (const Reg pointer : {0, 1, 2}) loops.block = with_step(loops.block, pointer, kBlock);
  loops.block = schedule::list_schedule(loops.block, rules);
  add_word(form, 0, loops.word);
  for (const Reg pointer : {0, 1, 2}) loops.word = with_step(loops.word, pointer, 4);
  add_single(form, loops.single);
  write_loops(name, loops, kernel);
  return kernel;
}

}  // namespace mote::kernels::micro
