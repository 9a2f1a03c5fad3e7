#include "kernels/micro/winograd_code.h"

#include <algorithm>
#include <array>

#include "kernels/micro/code.h"
#include "kernels/micro/epilogue.h"
#include "schedule/list.h"

namespace mote::kernels::micro {
namespace {

using schedule::Reg;

using Row = std::array<Reg, 4>;

/// The rows of a patch, transformed along the row as they are loaded: (d0 - d2, d1 + d2, d2 - d1, d1 - d3).
class InputTransform {
 public:
  InputTransform(const WinogradSpec& spec, const target::Target& target)
      : spec_(spec), rules_(target.pipeline), slots_(target, 1) {}

  void write(std::string& text, size_t& bytes) {
    const std::string name = spec_.name + "_input";
    text += function_begin(name) + slots_.prologue();
    Listing out;
    out.add(schedule::mov(in_.reg(), 0));
    out.add(schedule::mov(v_.reg(), 1));
    out.add(schedule::add_constant(0, 0, 2 * spec_.in_channels));
    out.add(slots_.save(0, 0));
    out.comment(is_flat(spec_) ? "next four channels" : "next pair of channels");
    out.aligned_label(1);
    Code code = is_flat(spec_) ? line() : patch();
    code.push_back(slots_.load(0, 0));
    code.push_back(schedule::compare(in_.reg(), 0));
    out.add(schedule::list_schedule(code, rules_));
    out.branch_back("bne", 1);
    text += out.text() + slots_.epilogue() + function_end(name);
    bytes += out.bytes() + 12;
  }

 private:
  /// Loads four words, `step` bytes apart from `from` on, into `d` and transforms them; one register of `d` is
  /// exchanged for `spare`, which comes back free.
  void load_line(int64_t from, int64_t step, Row& d, Reg& spare, Code& code) {
    for (size_t j = 0; j < 4; ++j) in_.load(d[j], from + static_cast<int64_t>(j) * step, 0, code);
    code.push_back(schedule::add_halves("ssub16", d[0], d[0], d[2]));
    code.push_back(schedule::add_halves("ssub16", d[3], d[1], d[3]));
    code.push_back(schedule::add_halves("ssub16", spare, d[2], d[1]));
    code.push_back(schedule::add_halves("sadd16", d[1], d[1], d[2]));
    std::swap(d[2], spare);
  }

  void load_row(int r, Row& d, Reg& spare, Code& code) {
    load_line(int64_t{r} * row_bytes(spec_), 2 * spec_.in_channels, d, spare, code);
  }

  static void combine(const char* op, const Row& into, const Row& a, const Row& b, Code& code) {
    for (size_t j = 0; j < 4; ++j) code.push_back(schedule::add_halves(op, into[j], a[j], b[j]));
  }

  void store_row(int i, const Row& row, Code& code) {
    for (size_t j = 0; j < 4; ++j) {
      v_.store(4, row[j], (4 * i + static_cast<int64_t>(j)) * transformed_bytes(spec_), 0, code);
    }
  }

  /// The same along the columns: r0 - r2, r1 + r2, r2 - r1, r1 - r3.
  Code patch() {
    Code code;
    Row a{0, 1, 2, 3}, b{4, 5, 6, 7};
    Reg spare = 8;
    load_row(0, a, spare, code);
    load_row(2, b, spare, code);
    combine("ssub16", a, a, b, code);
    store_row(0, a, code);
    Row c = a;
    load_row(1, c, spare, code);
    Row d{spare, 9, 10, 11};
    combine("sadd16", d, c, b, code);
    store_row(1, d, code);
    combine("ssub16", b, b, c, code);
    store_row(2, b, code);
    spare = b[0];
    load_row(3, d, spare, code);
    combine("ssub16", c, c, d, code);
    store_row(3, c, code);
    in_.move_to(4, code);
    v_.move_to(4 * tiles_at_once(spec_), code);
    return code;
  }

  /// A patch of one dimension, two pairs of channels.
  Code line() {
    Code code;
    const int64_t step = spec_.window.h == 1 ? 2 * spec_.in_channels : row_bytes(spec_),
                  next = 4 * tiles_at_once(spec_);
    Row a{0, 1, 2, 3}, b{4, 5, 6, 7};
    Reg spare = 8, other = 9;
    load_line(0, step, a, spare, code);
    load_line(4, step, b, other, code);
    for (size_t j = 0; j < 4; ++j) {
      const int64_t to = static_cast<int64_t>(j) * transformed_bytes(spec_);
      v_.store(4, a[j], to, 0, code);
      v_.store(4, b[j], to + next, 0, code);
    }
    in_.move_to(8, code);
    v_.move_to(2 * next, code);
    return code;
  }

  const WinogradSpec& spec_;
  const schedule::Rules rules_;
  Slots slots_;
  Walker in_{12}, v_{schedule::kLr};
};

class OutputTransform {
 public:
  OutputTransform(const WinogradSpec& spec, const target::Target& target)
      : spec_(spec), rules_(target.pipeline), slots_(target, 1) {}

  void write(std::string& text, size_t& bytes) {
    const std::string name = spec_.name + "_output";
    text += function_begin(name) + slots_.prologue();
    Listing out;
    out.add(schedule::mov(constants_.reg(), 0));
    out.add(schedule::mov(m_.reg(), 1));
    out.add(schedule::mov(out_.reg(), 2));
    out.add(schedule::add_constant(0, 0, 4 * output_words(spec_) * spec_.out_channels));
    out.add(slots_.save(0, 0));
    out.comment("next channel");
    out.aligned_label(1);
    Code code = is_flat(spec_) ? flat_channel() : channel();
    code.push_back(slots_.load(0, 0));
    code.push_back(schedule::compare(constants_.reg(), 0));
    out.add(schedule::list_schedule(code, rules_));
    out.branch_back("bne", 1);
    text += out.text() + slots_.epilogue() + function_end(name);
    bytes += out.bytes() + 12;
  }

 private:
  /// Row `i` of the products, transformed along the row into the first two registers: (m0 + m1 + m2, m1 - m2 - m3).
  void load_row(int i, const Row& q, bool with_bias, Code& code) {
    for (int j = 3; j >= 0; --j) {
      const bool last = 4 * (i + 1) == positions_of(spec_) && j == 0;
      m_.load(q[static_cast<size_t>(j)], 16 * i + 4 * j, 0, code);
      if (last) m_.move_to(4 * positions_of(spec_) * tiles_at_once(spec_), code);
    }
    if (with_bias) code.push_back(schedule::add(q[1], q[1], kBias));
    code.push_back(schedule::add(q[0], q[0], q[1]));
    code.push_back(schedule::sub(q[1], q[1], q[2]));
    code.push_back(schedule::add(q[0], q[0], q[2]));
    code.push_back(schedule::sub(q[1], q[1], q[3]));
  }

  static void combine(bool subtract, Row into, Row by, Code& code) {
    for (size_t j = 0; j < 2; ++j) {
      code.push_back(subtract ? schedule::sub(into[j], into[j], by[j]) : schedule::add(into[j], into[j], by[j]));
    }
  }

  /// One channel: the same along the columns, bias, requantisation, four stores.
  Code channel() {
    Code code;
    const Row upper{0, 1, 2, 3}, lower{4, 5, 6, 7}, next{2, 3, 6, 7};
    constants_.load(kBias, 0, 4, code);
    load_row(0, upper, false, code);
    load_row(1, lower, true, code);
    combine(false, upper, lower, code);
    load_row(2, next, false, code);
    combine(false, upper, next, code);
    combine(true, lower, next, code);
    load_row(3, next, false, code);
    combine(true, lower, next, code);

    requantise({upper[0], upper[1], lower[0], lower[1]}, code);
    const int64_t across = spec_.out_channels, down = int64_t{spec_.out_width} * spec_.out_channels;
    out_.store(1, upper[1], across, 0, code);
    if (down + across <= 4095) {
      out_.store(1, lower[0], down, 0, code);
      out_.store(1, lower[1], down + across, 0, code);
      out_.store(1, upper[0], 0, 1, code);
    } else {
      out_.store(1, upper[0], 0, 0, code);
      out_.store(1, lower[0], down, 0, code);
      out_.store(1, lower[1], down + across, 0, code);
      out_.move_to(1, code);
    }
    return code;
  }

  /// One channel of a tile of one dimension: bias, requantisation, two stores.
  Code flat_channel() {
    Code code;
    const Row q{0, 1, 4, 5};
    constants_.load(kBias, 0, 4, code);
    load_row(0, q, true, code);
    requantise({q[0], q[1]}, code);
    const int64_t step = int64_t{spec_.window.h == 1 ? 1 : spec_.out_width} * spec_.out_channels;
    if (step <= 4095) {
      out_.store(1, q[1], step, 0, code);
      out_.store(1, q[0], 0, 1, code);
    } else {
      out_.store(1, q[0], 0, 0, code);
      out_.store(1, q[1], step, 0, code);
      out_.move_to(1, code);
    }
    return code;
  }

  void requantise(const std::vector<Reg>& sums, Code& code) {
    const ConstantPool pool(spec_.form, 1, {8, 9, 2, 3, 6, 7, kBias});
    scale_accumulators(spec_.form, {sums}, false, pool, constants_, 4, code);
    if (spec_.form.clamped_add != 0)
      code.push_back(schedule::mov_immediate(pool.clamp(), spec_.form.clamped_add & 0xFF));
    for (const Reg sum : sums) saturate(spec_.form, sum, pool.clamp(), false, code);
  }

  static constexpr Reg kBias = 10;
  const WinogradSpec& spec_;
  const schedule::Rules rules_;
  Slots slots_;
  Walker constants_{11}, out_{12}, m_{schedule::kLr};
};

}  // namespace

int tiles_across(const WinogradSpec& spec) {
  const int tile = tile_of(spec.window.w);
  return (spec.out_width + tile - 1) / tile;
}

int tiles_down(const WinogradSpec& spec) {
  const int tile = tile_of(spec.window.h);
  return (spec.out_height + tile - 1) / tile;
}

int tiles_at_once(const WinogradSpec& spec) {
  const auto wasted = [&](int n) { return (n - tiles_across(spec) % n) % n; };
  int best = 4;
  for (const int n : {3, 2}) {
    if (wasted(n) < wasted(best)) best = n;
  }
  return std::min(best, tiles_across(spec));
}

int row_bytes(const WinogradSpec& spec) {
  return 2 * spec.in_channels * (spec.out_width + spec.window.w - 1);
}

int transformed_bytes(const WinogradSpec& spec) {
  return spec.in_channels / 2 * 4 * tiles_at_once(spec);
}

GemmSpec product_spec(const WinogradSpec& spec) {
  const int tiles = tiles_at_once(spec);
  GemmSpec product;
  product.name = spec.name + "_product";
  product.channels = spec.out_channels;
  product.tile_channels = 2;
  product.tile_positions = tiles;
  product.wide_weights = true;
  product.has_bias = false;
  product.segment_pairs = spec.in_channels / 2;
  product.position_step = 4;
  product.pair_step = 4 * tiles;
  product.group_step = transformed_bytes(spec);
  product.output = GemmOutput::kInt32;
  product.out_channel_step = 4 * positions_of(spec) * tiles;
  product.out_position_step = 4 * positions_of(spec);
  product.out_group_step = 4;
  product.weights_per_group = true;
  return product;
}

int output_words(const WinogradSpec& spec) {
  return 1 + spec.form.words_per_channel();
}

void write_input_transform(const WinogradSpec& spec, const target::Target& target, std::string& text, size_t& bytes) {
  InputTransform(spec, target).write(text, bytes);
}

void write_output_transform(const WinogradSpec& spec, const target::Target& target, std::string& text, size_t& bytes) {
  OutputTransform(spec, target).write(text, bytes);
}

}  // namespace mote::kernels::micro
