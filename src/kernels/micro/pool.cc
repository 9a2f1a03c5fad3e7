#include "kernels/micro/pool.h"

#include <fmt/format.h>

#include <array>

#include "kernels/micro/code.h"
#include "schedule/list.h"
#include "support/error.h"

namespace mote::kernels::micro {
namespace {

using schedule::Reg;

enum Slot { kIn, kSums, kBlocks, kRows, kSlotCount };

/// Channels summed at a time: sixteen in eight registers of two halves each, or four.
int block_of(const WindowSumSpec& spec) {
  return spec.channels >= 16 ? 16 : 4;
}

/// void NAME_blocks(const int8_t *in, int16_t *sums, int32_t blocks): `blocks` blocks of channels.
void write_blocks(const WindowSumSpec& spec, const target::Target& target, MicroKernel& kernel) {
  constexpr Reg kPointer = 0, kColumns = schedule::kLr;
  constexpr std::array<Reg, 4> kWords = {1, 2, 3, 4};
  constexpr std::array<Reg, 4> kEven = {5, 6, 7, 8}, kOdd = {9, 10, 11, 12};
  const size_t words = static_cast<size_t>(block_of(spec) / 4);
  const schedule::Rules rules(target.pipeline);
  const Slots slots(target, kSlotCount);
  const std::string name = spec.name + "_blocks";
  Listing out;
  for (const auto& [slot, reg] : {std::pair{kIn, 0}, {kSums, 1}, {kBlocks, 2}}) out.add(slots.save(slot, reg));
  out.comment("next block of channels");
  out.label(1);
  out.add(slots.load(kPointer, kIn));
  for (size_t w = 0; w < words; ++w) {
    out.add(schedule::mov_immediate(kEven[w], 0));
    out.add(schedule::mov_immediate(kOdd[w], 0));
  }
  out.add(schedule::mov_immediate(kColumns, spec.rows));
  out.add(slots.save(kRows, kColumns));
  out.comment("next row");
  out.label(2);
  out.add(schedule::mov_immediate(kColumns, spec.columns));
  out.aligned_label(3);
  Code position;
  for (size_t w = 0; w < words; ++w) position.push_back(schedule::ldr(kWords[w], kPointer, 4 * static_cast<int>(w)));
  append(position, schedule::add_constant(kPointer, kPointer, spec.channels));
  for (size_t w = 0; w < words; ++w) {
    position.push_back(schedule::sxtab16(kEven[w], kEven[w], kWords[w], false));
    position.push_back(schedule::sxtab16(kOdd[w], kOdd[w], kWords[w], true));
  }
  position.push_back(schedule::subs(kColumns, 1));
  out.add(schedule::list_schedule(position, rules));
  out.branch_back("bne", 3);
  out.add(schedule::add_constant(kPointer, kPointer, spec.row_step - spec.columns * spec.channels));
  out.add(slots.load(kColumns, kRows));
  out.add(schedule::subs(kColumns, 1));
  out.add(slots.save(kRows, kColumns));
  out.branch_back("bne", 2);
  out.add(slots.load(kPointer, kSums));
  for (size_t w = 0; w < words; ++w) {
    const int at = 8 * static_cast<int>(w);
    out.add(schedule::pkhbt(kWords[w], kEven[w], kOdd[w]));
    out.add(schedule::pkhtb(kOdd[w], kOdd[w], kEven[w]));
    out.add(schedule::store(4, kWords[w], kPointer, at));
    out.add(schedule::store(4, kOdd[w], kPointer, at + 4));
  }
  out.add(schedule::add_constant(kPointer, kPointer, 2 * block_of(spec)));
  out.add(slots.save(kSums, kPointer));
  out.add(slots.load(kPointer, kIn));
  out.add(schedule::add_constant(kPointer, kPointer, block_of(spec)));
  out.add(slots.save(kIn, kPointer));
  out.add(slots.load(kPointer, kBlocks));
  out.add(schedule::subs(kPointer, 1));
  out.add(slots.save(kBlocks, kPointer));
  out.branch_back("bne", 1);
  kernel.assembly = function_begin(name) + slots.prologue() + out.text() + slots.epilogue() + function_end(name);
  kernel.code_bytes_estimate = out.bytes() + 8;
}

}  // namespace

std::optional<std::string> why_no_window_sum(const WindowSumSpec& spec) {
  if (spec.channels < 4) return "fewer than four channels";
  if (spec.rows < 1 || spec.columns < 1 || spec.rows * spec.columns > 256)
    return "a window of no or too many positions";
  return std::nullopt;
}

MicroKernel window_sum(const WindowSumSpec& spec, const target::Target& target) {
  check(!why_no_window_sum(spec), "a window sum that cannot be made");
  const int block = block_of(spec), blocks = spec.channels / block;
  MicroKernel kernel;
  kernel.function_name = spec.name;
  kernel.prototype = fmt::format("void {}(const int8_t *in, int16_t *sums)", spec.name);
  if (target.dsp) write_blocks(spec, target, kernel);
  kernel.c_form = fmt::format(
      "void {0}_blocks(const int8_t *in, int16_t *sums, int32_t blocks) {{\n"
      "  for (int32_t c = 0; c < blocks * {1}; ++c) {{\n"
      "    int32_t sum = 0;\n"
      "    for (int32_t y = 0; y < {2}; ++y) {{\n"
      "      for (int32_t x = 0; x < {3}; ++x) sum += in[y * {4} + x * {5} + c];\n"
      "    }}\n"
      "    sums[c] = (int16_t)sum;\n"
      "  }}\n"
      "}}\n",
      spec.name, block, spec.rows, spec.columns, spec.row_step, spec.channels);
  kernel.driver = fmt::format(
      "void {0}_blocks(const int8_t *in, int16_t *sums, int32_t blocks);\n\n{1} {{\n  {0}_blocks(in, sums, {2});\n",
      spec.name, kernel.prototype, blocks);
  const int left = spec.channels - block;  // where a last block begins that ends with the channels
  if (spec.channels % block != 0)
    kernel.driver += fmt::format("  {0}_blocks(in + {1}, sums + {1}, 1);\n", spec.name, left);
  kernel.driver += "}\n";
  return kernel;
}

}  // namespace mote::kernels::micro
