#include "kernels/micro/float_gemm.h"

#include <fmt/format.h>

#include <algorithm>

#include "schedule/list.h"
#include "support/error.h"

namespace mote::kernels::micro {
namespace {

using schedule::kFpu;
using schedule::Reg;

// Where things live all the time; kFloatScratch are free but inside the loops over k.
constexpr Reg kWeights = 0, kFirstPosition = 1, kOut = 5, kTiles = 8, kGroups = 9, kActivations = 10, kStream = 11;
constexpr Reg kBlockCount = 6, kSegmentCount = 7, kRunCount = 12;
constexpr int kMostCount = 0xFFFF;
constexpr int kTries = 8;  // of the scheduler: the loops are long, and its first try is good

FloatGemmSpec normalised(FloatGemmSpec spec) {
  spec.tile_channels = std::min(spec.tile_channels, spec.channels);
  if (spec.runs > 1 && spec.run_step == 4 * spec.length) {
    spec.length *= spec.runs;
    spec.runs = 1;
  }
  return spec;
}

int tiles_of(const FloatGemmSpec& spec) {
  return (spec.channels + spec.tile_channels - 1) / spec.tile_channels;
}

int first_channel(const FloatGemmSpec& spec, int tile) {
  return std::min(tile * spec.tile_channels, spec.channels - spec.tile_channels);
}

class FloatGemmWriter {
 public:
  FloatGemmWriter(const FloatGemmSpec& spec, const target::Target& target)
      : spec_(spec),
        core_(float_core(target)),
        rules_(target.pipeline),
        sums_(spec.tile_channels * spec.tile_positions),
        operands_(spec.tile_channels + spec.tile_positions),
        // A core that issues two instructions loads the next step's operands while it multiplies this one's.
        sets_(rules_.dual_issue() && sums_ + 2 * operands_ <= kFloatRegisters ? 2 : 1),
        products_(std::min(kFloatRegisters - sums_ - sets_ * operands_, sums_)) {}

  void write(MicroKernel& kernel) {
    const int tiles = tiles_of(spec_), m = spec_.tile_channels, n = spec_.tile_positions;
    for (const auto& [to, from] : {std::pair{kStream, 0}, {kActivations, 1}, {kOut, 2}, {kGroups, 3}})
      out_.add(schedule::mov(to, from));
    out_.comment("next group of positions");
    out_.label(1);
    out_.add(schedule::mov(kWeights, kStream));
    if (tiles > 1) out_.add(schedule::mov_immediate(kTiles, tiles));
    out_.comment(fmt::format("next tile of {} channels by {} positions", m, n));
    out_.label(2);
    out_.add(pointers(kActivations, spec_.position_step));
    for (int j = n - 1; j >= 0; --j) out_.add(schedule::vldm(kWeights, j == 0, sum(0, j), m));
    depth();
    out_.comment("limit and store");
    results();
    if (tiles > 1) {
      out_.add(schedule::subs(kTiles, 1));
      out_.branch_back("bne", 2);
    }
    out_.add(schedule::add_constant(kOut, kOut, spec_.out_group_step - 4 * spec_.channels));
    out_.add(schedule::add_constant(kActivations, kActivations, spec_.group_step));
    out_.add(schedule::subs(kGroups, 1));
    out_.branch_back("bne", 1);
    kernel.assembly =
        function_begin(spec_.name) + float_prologue() + out_.text() + float_epilogue() + function_end(spec_.name);
    kernel.code_bytes_estimate = out_.bytes() + 16;
  }

 private:
  /// A position's channels are neighbours, as they are in the weights and in the output.
  Reg sum(int i, int j) const { return kFpu + j * spec_.tile_channels + i; }
  Reg weight(int step, int i) const { return kFpu + sums_ + step % sets_ * operands_ + i; }
  Reg activation(int step, int j) const { return weight(step, spec_.tile_channels) + j; }
  Reg product(int k) const { return kFpu + sums_ + sets_ * operands_ + k % products_; }

  /// The positions' pointers, `step` bytes apart from `base` on.
  Code pointers(Reg base, int32_t step) const {
    Code code{schedule::mov(kFirstPosition, base)};
    for (int j = 1; j < spec_.tile_positions; ++j) {
      append(code, schedule::add_constant(kFirstPosition + j, kFirstPosition + j - 1, step));
    }
    return code;
  }

  void flush() {
    out_.add(schedule::list_schedule(code_, rules_, kTries));
    code_.clear();
  }

  /// Brings the pointers to where the next step reads.
  void move_pointers() {
    append(code_, schedule::add_constant(kWeights, kWeights, static_cast<int32_t>(weights_at_)));
    for (int j = 0; j < spec_.tile_positions; ++j) {
      const Reg pointer = kFirstPosition + j;
      append(code_, schedule::add_constant(pointer, pointer, static_cast<int32_t>(activations_at_)));
    }
    weights_at_ = activations_at_ = 0;
  }

  void one_step(int step) {
    const int m = spec_.tile_channels, n = spec_.tile_positions;
    if (weights_at_ + 4 * m > schedule::kFpReach || activations_at_ > schedule::kFpReach || activations_at_ < 0) {
      move_pointers();
    }
    const auto at = [](int64_t offset) { return static_cast<int32_t>(offset); };
    for (int i = 0; i < m; ++i) code_.push_back(schedule::vldr(weight(step, i), kWeights, at(weights_at_ + 4 * i)));
    for (int j = 0; j < n; ++j)
      code_.push_back(schedule::vldr(activation(step, j), kFirstPosition + j, at(activations_at_)));
    if (core_.fused) {
      for (int k = 0; k < sums_; ++k)
        code_.push_back(schedule::vfma(sum(k % m, k / m), weight(step, k % m), activation(step, k / m)));
    } else {
      // Several products, then their sums: the FPU stalls where an instruction uses the result of the one before.
      for (int done = 0; done < sums_; done += products_) {
        const int end = std::min(done + products_, sums_);
        for (int k = done; k < end; ++k)
          code_.push_back(schedule::vmul(product(k - done), weight(step, k % m), activation(step, k / m)));
        for (int k = done; k < end; ++k)
          code_.push_back(schedule::vadd(sum(k % m, k / m), sum(k % m, k / m), product(k - done)));
      }
    }
    weights_at_ += 4 * m;
    activations_at_ += 4;
  }

  /// `body` `count` times: written out, or as a loop.
  template <typename Body>
  void repeat(int count, bool written_out, int label, Reg counter, Body body) {
    if (written_out || count == 1) {
      for (int i = 0; i < count; ++i) body();
      return;
    }
    move_pointers();
    code_.push_back(schedule::mov_immediate(counter, count));
    flush();
    out_.aligned_label(label);
    body();
    move_pointers();
    code_.push_back(schedule::subs(counter, 1));
    flush();
    out_.branch_back("bne", label);
  }

  /// The loop over k, within the budget of code.
  void depth() {
    const int bytes = 4 * (operands_ + sums_ * (core_.fused ? 1 : 2));
    const int most = std::max(4, spec_.code_budget / bytes);
    const int row = spec_.runs * spec_.length;
    const int times = (spec_.length + most - 1) / most, block = spec_.length / times;
    repeat(spec_.segments, spec_.segments * row <= most, 3, kSegmentCount, [&] {
      repeat(spec_.runs, row <= most, 4, kRunCount, [&] {
        repeat(times, false, 5, kBlockCount, [&] {
          for (int step = 0; step < block; ++step) one_step(step);
        });
        for (int step = 0; step < spec_.length - times * block; ++step) one_step(block + step);
        activations_at_ += spec_.run_step - 4 * spec_.length;
      });
      activations_at_ += spec_.segment_step - int64_t{spec_.runs} * spec_.run_step;
    });
    activations_at_ = 0;  // the next tile sets them anew
    move_pointers();
    flush();
  }

  void results() {
    const int m = spec_.tile_channels, n = spec_.tile_positions;
    out_.add(pointers(kOut, spec_.out_position_step));
    const FloatStores stores(spec_.clamp, core_, weight(0, 0), weight(0, 1));
    stores.begin(out_);
    for (int j = 0; j < n; ++j) stores.store(kFirstPosition + j, sum(0, j), m, out_);
    out_.add(schedule::add_constant(kOut, kOut, 4 * m));
    const int twice = tiles_of(spec_) * m - spec_.channels;
    if (twice > 0) {  // the last tile moves back to end at the last channel
      out_.add({.text = fmt::format("cmp {}, #2", schedule::register_name(kTiles))});
      out_.add(schedule::subtract_if_equal(kOut, 4 * twice));
    }
  }

  const FloatGemmSpec& spec_;
  const FloatCore core_;
  const schedule::Rules rules_;
  const int sums_, operands_, sets_, products_;
  Listing out_;
  Code code_;                                    // generated and not yet written
  int64_t weights_at_ = 0, activations_at_ = 0;  // bytes from the pointers to what the next step reads
};

std::string float_gemm_in_c(const FloatGemmSpec& spec) {
  const int m = spec.tile_channels, n = spec.tile_positions;
  std::string text = fmt::format(
      "void {}(const float *weights, const float *activations, float *out, int32_t groups) {{\n"
      "  for (int32_t group = 0; group < groups; ++group) {{\n"
      "    const float *w = weights;\n"
      "    for (int32_t tile = 0; tile < {}; ++tile) {{\n"
      "      const int32_t channel = tile < {} ? tile * {} : {};\n"
      "      float acc[{}][{}];\n"
      "      for (int32_t j = 0; j < {}; ++j) {{\n        for (int32_t i = 0; i < {}; ++i) acc[j][i] = w[i];\n      "
      "}}\n"
      "      w += {};\n",
      spec.name, tiles_of(spec), tiles_of(spec) - 1, m, first_channel(spec, tiles_of(spec) - 1), n, m, n, m, m);
  text += fmt::format(
      "      for (int32_t segment = 0; segment < {}; ++segment) {{\n"
      "        for (int32_t run = 0; run < {}; ++run) {{\n"
      "          const float *a = activations + group * {} + segment * {} + run * {};\n"
      "          for (int32_t k = 0; k < {}; ++k, w += {}) {{\n"
      "            for (int32_t j = 0; j < {}; ++j) {{\n"
      "              for (int32_t i = 0; i < {}; ++i) acc[j][i] += w[i] * a[j * {} + k];\n"
      "            }}\n"
      "          }}\n"
      "        }}\n"
      "      }}\n",
      spec.segments, spec.runs, spec.group_step / 4, spec.segment_step / 4, spec.run_step / 4, spec.length, m, n, m,
      spec.position_step / 4);
  text += fmt::format(
      "      for (int32_t j = 0; j < {}; ++j) {{\n"
      "        for (int32_t i = 0; i < {}; ++i) {{\n"
      "          float value = acc[j][i];\n"
      "{}"
      "          out[group * {} + j * {} + channel + i] = value;\n"
      "        }}\n      }}\n    }}\n  }}\n}}\n",
      n, m, clamp_in_c(spec.clamp, "value", "          "), spec.out_group_step / 4, spec.out_position_step / 4);
  return text;
}

}  // namespace

std::optional<std::string> why_no_float_gemm(const FloatGemmSpec& spec) {
  constexpr int kFewestProducts = 2;
  const int m = spec.tile_channels, n = spec.tile_positions;
  if (m < 1 || m > 8 || n < 1 || n > 4) return "a tile has 1 to 8 channels and 1 to 4 positions";
  if (m * n + m + n + kFewestProducts > kFloatRegisters) return "more sums than registers";
  if (spec.channels < 1 || spec.segments < 1 || spec.runs < 1 || spec.length < 1) return "an empty product";
  if (std::max({spec.segments, spec.runs, spec.length, tiles_of(normalised(spec))}) > kMostCount)
    return "too long a loop";
  for (const int32_t step : {spec.segment_step, spec.run_step, spec.position_step, spec.group_step,
                             spec.out_position_step, spec.out_group_step}) {
    if (step % 4 != 0) return "floats must be aligned";
  }
  return std::nullopt;
}

std::vector<FloatTile> float_gemm_tiles(bool one_position) {
  if (one_position) return {{8, 1}, {6, 1}, {4, 1}};
  return {{4, 4}, {5, 4}, {4, 3}, {6, 3}, {2, 4}, {8, 2}};
}

int float_gemm_step_cycles(const FloatTile& tile, const target::Target& target) {
  const int products = tile.channels * tile.positions, loads = tile.channels + tile.positions;
  if (!float_core(target).fused) return 2 * products + loads + 1;
  return schedule::Rules(target.pipeline).dual_issue() ? std::max(products, loads) : products + loads;
}

MicroKernel float_gemm(const FloatGemmSpec& requested, const target::Target& target) {
  check(!why_no_float_gemm(requested), "a float GEMM that cannot be made");
  const FloatGemmSpec spec = normalised(requested);
  MicroKernel kernel;
  kernel.function_name = spec.name;
  kernel.prototype =
      fmt::format("void {}(const float *weights, const float *activations, float *out, int32_t groups)", spec.name);
  kernel.needs_fpu = true;
  kernel.c_form = float_gemm_in_c(spec);
  if (float_core(target).assembly) FloatGemmWriter(spec, target).write(kernel);
  return kernel;
}

std::vector<float> pack_float_gemm_weights(const FloatGemmSpec& requested,
                                           const std::function<float(int channel, int k)>& weight,
                                           std::span<const float> bias) {
  const FloatGemmSpec spec = normalised(requested);
  std::vector<float> stream;
  for (int tile = 0; tile < tiles_of(spec); ++tile) {
    const int first = first_channel(spec, tile);
    for (int i = 0; i < spec.tile_channels; ++i) stream.push_back(bias[static_cast<size_t>(first + i)]);
    for (int k = 0; k < spec.depth(); ++k) {
      for (int i = 0; i < spec.tile_channels; ++i) stream.push_back(weight(first + i, k));
    }
  }
  return stream;
}

}  // namespace mote::kernels::micro
