#include "kernels/micro/float_depthwise.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/micro/float_code.h"
#include "schedule/list.h"
#include "support/error.h"

namespace mote::kernels::micro {
namespace {

using schedule::kFpu;
using schedule::Reg;

constexpr Reg kWeights = 0, kFirstPointer = 1, kOut = 5, kRows = 6, kBlocks = 8, kGroups = 9, kInput = 10, kBlock = 11;
constexpr int kPointers = 4;
constexpr int kTries = 20;  // of the scheduler

int blocks_of(const FloatDepthwiseSpec& spec) {
  return (spec.channels + spec.lanes - 1) / spec.lanes;
}

int block_words(const FloatDepthwiseSpec& spec) {
  return spec.lanes * (1 + spec.rows * spec.columns);
}

int first_channel(const FloatDepthwiseSpec& spec, int block) {
  return std::min(block * spec.lanes, spec.channels - spec.lanes);
}

/// Columns that one pointer reaches, from -kFpReach to kFpReach.
int columns_per_pointer(const FloatDepthwiseSpec& spec) {
  return (2 * schedule::kFpReach - 4 * (spec.lanes - 1)) / spec.column_step() + 1;
}

/// How the float registers are shared out.
struct Registers {
  int sums, weights, products, inputs;
};

Registers registers_of(const FloatDepthwiseSpec& spec, bool fused) {
  constexpr int kProducts = 4;
  Registers r{.sums = spec.positions * spec.lanes, .weights = spec.row_weights(), .products = 0, .inputs = 0};
  r.products = fused ? 0 : std::min(kProducts, r.weights);
  r.inputs = kFloatRegisters - r.sums - r.weights - r.products;
  return r;
}

class FloatDepthwiseWriter {
 public:
  FloatDepthwiseWriter(const FloatDepthwiseSpec& spec, const target::Target& target)
      : spec_(spec), core_(float_core(target)), rules_(target.pipeline), registers_(registers_of(spec, core_.fused)) {}

  void write(MicroKernel& kernel) {
    const int blocks = blocks_of(spec_), n = spec_.positions, lanes = spec_.lanes;
    const int32_t stream = 4 * block_words(spec_) * blocks;
    for (const auto& [to, from] : {std::pair{kBlock, 0}, {kInput, 1}, {kOut, 2}, {kGroups, 3}})
      out_.add(schedule::mov(to, from));
    out_.comment("next group of positions");
    out_.label(1);
    out_.add(schedule::mov_immediate(kBlocks, blocks));
    out_.comment(fmt::format("next {} channels of {} positions", lanes, n));
    out_.label(2);
    out_.add(schedule::ldr(kRows, schedule::kSp, kFloatStackArguments));
    out_.add(schedule::mov(kWeights, kBlock));
    input_pointers();
    for (int j = n - 1; j >= 0; --j) out_.add(schedule::vldm(kWeights, j == 0, sum(j, 0), lanes));
    out_.add(schedule::add(kWeights, kWeights, kRows));
    out_.add(schedule::ldr(kRows, schedule::kSp, kFloatStackArguments + 4));
    out_.aligned_label(3);
    out_.add(schedule::list_schedule(window_row(), rules_, kTries));
    out_.branch_back("bne", 3);
    out_.comment("limit and store");
    results();
    next_block();
    out_.add(schedule::subs(kBlocks, 1));
    out_.branch_back("bne", 2);
    out_.add(schedule::add_constant(kBlock, kBlock, -stream));
    out_.add(schedule::add_constant(kInput, kInput, spec_.group_step - 4 * spec_.channels));
    out_.add(schedule::add_constant(kOut, kOut, spec_.out_group_step - 4 * spec_.channels));
    out_.add(schedule::subs(kGroups, 1));
    out_.branch_back("bne", 1);
    kernel.assembly =
        function_begin(spec_.name) + float_prologue() + out_.text() + float_epilogue() + function_end(spec_.name);
    kernel.code_bytes_estimate = out_.bytes() + 16;
  }

 private:
  Reg sum(int j, int lane) const { return kFpu + j * spec_.lanes + lane; }
  Reg weight(int kx, int lane) const { return kFpu + registers_.sums + kx * spec_.lanes + lane; }
  Reg product(int k) const { return weight(spec_.columns, 0) + k % registers_.products; }
  Reg input(int column, int lane) const {
    return weight(spec_.columns, 0) + registers_.products + (column * spec_.lanes + lane) % registers_.inputs;
  }

  int pointers() const {
    const int columns = spec_.end_column - spec_.first_column, per = columns_per_pointer(spec_);
    return (columns + per - 1) / per;
  }
  /// Bytes that a pointer stands behind its first column, so that it reaches both ways.
  int32_t ahead() const {
    const int columns = std::min(spec_.end_column - spec_.first_column, columns_per_pointer(spec_));
    const int32_t last = (columns - 1) * spec_.column_step() + 4 * (spec_.lanes - 1);
    return std::max(0, last - schedule::kFpReach);
  }

  void input_pointers() {
    out_.add(schedule::add_constant(kFirstPointer, kInput, ahead()));
    for (int p = 1; p < pointers(); ++p) {
      out_.add(schedule::add_constant(kFirstPointer + p, kFirstPointer + p - 1,
                                      columns_per_pointer(spec_) * spec_.column_step()));
    }
  }

  void load_column(int column, Code& code) const {
    const int at = column - spec_.first_column, per = columns_per_pointer(spec_);
    for (int lane = 0; lane < spec_.lanes; ++lane) {
      code.push_back(schedule::vldr(input(column, lane), kFirstPointer + at / per,
                                    at % per * spec_.column_step() + 4 * lane - ahead()));
    }
  }

  /// Products of one column: every window that it lies in.
  struct Product {
    int j, kx, lane;
  };
  std::vector<Product> products_of(int column) const {
    std::vector<Product> products;
    for (int kx = 0; kx < spec_.columns; ++kx) {
      const int from = column - kx * spec_.dilation;
      if (from < 0 || from % spec_.stride != 0 || from / spec_.stride >= spec_.positions) continue;
      for (int lane = 0; lane < spec_.lanes; ++lane) products.push_back({from / spec_.stride, kx, lane});
    }
    return products;
  }

  void multiply(int column, Code& code) const {
    const std::vector<Product> products = products_of(column);
    if (core_.fused) {
      for (const Product& p : products)
        code.push_back(schedule::vfma(sum(p.j, p.lane), weight(p.kx, p.lane), input(column, p.lane)));
      return;
    }
    const size_t at_once = static_cast<size_t>(registers_.products);
    for (size_t done = 0; done < products.size(); done += at_once) {
      const size_t end = std::min(done + at_once, products.size());
      for (size_t k = done; k < end; ++k) {
        const Product& p = products[k];
        code.push_back(schedule::vmul(product(static_cast<int>(k)), weight(p.kx, p.lane), input(column, p.lane)));
      }
      for (size_t k = done; k < end; ++k) {
        const Reg acc = sum(products[k].j, products[k].lane);
        code.push_back(schedule::vadd(acc, acc, product(static_cast<int>(k))));
      }
    }
  }

  /// One row of the window for all positions, and the count of those that are left.
  Code window_row() const {
    Code code;
    for (int k = 0; k < spec_.row_weights(); ++k) code.push_back(schedule::vldr(weight(0, k), kWeights, 4 * k));
    // As many columns as there are registers for, then their products: loads that follow one another are cheap.
    const int at_once = registers_.inputs / spec_.lanes;
    for (int column = spec_.first_column; column < spec_.end_column; column += at_once) {
      const int end = std::min(column + at_once, spec_.end_column);
      for (int c = column; c < end; ++c) load_column(c, code);
      for (int c = column; c < end; ++c) multiply(c, code);
    }
    append(code, schedule::add_constant(kWeights, kWeights, 4 * spec_.row_weights()));
    for (int p = 0; p < pointers(); ++p)
      append(code, schedule::add_constant(kFirstPointer + p, kFirstPointer + p, spec_.row_step));
    code.push_back(schedule::subs(kRows, 1));
    return code;
  }

  void results() {
    const FloatStores stores(spec_.clamp, core_, weight(0, 0), input(0, 0));
    stores.begin(out_);
    // Two pointers take turns, so that none is used right after it was moved.
    const int32_t step = spec_.column_step();
    out_.add(schedule::mov(kFirstPointer, kOut));
    if (spec_.positions > 1) out_.add(schedule::add_constant(kFirstPointer + 1, kOut, step));
    for (int j = 0; j < spec_.positions; ++j) {
      const Reg pointer = kFirstPointer + j % 2;
      stores.store(pointer, sum(j, 0), spec_.lanes, out_);
      if (j + 2 < spec_.positions) out_.add(schedule::add_constant(pointer, pointer, 2 * step));
    }
  }

  void next_block() {
    out_.add(schedule::add_constant(kBlock, kBlock, 4 * block_words(spec_)));
    out_.add(schedule::add_constant(kInput, kInput, 4 * spec_.lanes));
    out_.add(schedule::add_constant(kOut, kOut, 4 * spec_.lanes));
    const int twice = blocks_of(spec_) * spec_.lanes - spec_.channels;
    if (twice == 0) return;
    // The last block moves back to end at the last channel.
    for (const Reg reg : {kInput, kOut}) {
      out_.add({.text = fmt::format("cmp {}, #2", schedule::register_name(kBlocks))});
      out_.add(schedule::subtract_if_equal(reg, 4 * twice));
    }
  }

  const FloatDepthwiseSpec& spec_;
  const FloatCore core_;
  const schedule::Rules rules_;
  const Registers registers_;
  Listing out_;
};

std::string float_depthwise_in_c(const FloatDepthwiseSpec& spec) {
  const int lanes = spec.lanes;
  std::string text = fmt::format(
      "void {}(const float *weights, const float *x, float *out, int32_t groups, int32_t skip, int32_t rows) {{\n"
      "  for (int32_t group = 0; group < groups; ++group) {{\n"
      "    for (int32_t block = 0; block < {}; ++block) {{\n"
      "      const int32_t channel = block < {} ? block * {} : {};\n"
      "      const float *bias = weights + block * {}, *w = bias + {} + skip / 4;\n"
      "      for (int32_t j = 0; j < {}; ++j) {{\n"
      "        for (int32_t c = 0; c < {}; ++c) {{\n"
      "          float value = bias[c];\n",
      spec.name, blocks_of(spec), blocks_of(spec) - 1, lanes, first_channel(spec, blocks_of(spec) - 1),
      block_words(spec), lanes, spec.positions, lanes);
  text += fmt::format(
      "          for (int32_t row = 0; row < rows; ++row) {{\n"
      "            for (int32_t kx = 0; kx < {}; ++kx) {{\n"
      "              const int32_t column = j * {} + kx * {};\n"
      "              if (column < {} || column >= {}) continue;\n"
      "              value += w[(row * {} + kx) * {} + c] * x[group * {} + row * {} + (column - {}) * {} + channel + "
      "c];\n"
      "            }}\n"
      "          }}\n",
      spec.columns, spec.stride, spec.dilation, spec.first_column, spec.end_column, spec.columns, lanes,
      spec.group_step / 4, spec.row_step / 4, spec.first_column, spec.channels);
  text += fmt::format(
      "{}"
      "          out[group * {} + j * {} + channel + c] = value;\n"
      "        }}\n      }}\n    }}\n  }}\n}}\n",
      clamp_in_c(spec.clamp, "value", "          "), spec.out_group_step / 4, spec.channels);
  return text;
}

}  // namespace

std::optional<std::string> why_no_float_depthwise(const FloatDepthwiseSpec& spec) {
  constexpr int kMostCount = 0xFFFF, kFewestInputs = 2;
  if (spec.channels < 1 || spec.rows < 1 || spec.columns < 1 || spec.positions < 1) return "an empty window";
  if (spec.lanes < 1 || spec.lanes > std::min(4, spec.channels)) return "1 to 4 channels at a time, of those there are";
  if (spec.stride < 1 || spec.dilation < 1) return "windows must go on";
  if (spec.first_column < 0 || spec.end_column > spec.reach() || spec.first_column >= spec.end_column) {
    return "no columns to read";
  }
  if (blocks_of(spec) > kMostCount) return "too many channels";
  if (registers_of(spec, false).inputs < std::max(kFewestInputs, spec.lanes)) return "more sums than registers";
  if (spec.column_step() > 4 * schedule::kFpReach && spec.end_column - spec.first_column > kPointers) {
    return "columns too far apart";
  }
  const int per = columns_per_pointer(spec);
  if ((spec.end_column - spec.first_column + per - 1) / per > kPointers) return "columns too far apart";
  return std::nullopt;
}

double float_depthwise_cost(const FloatDepthwiseSpec& spec, int width, const target::Target& target) {
  const FloatCore core = float_core(target);
  const Registers registers = registers_of(spec, core.fused);
  const int products = spec.positions * spec.columns * spec.lanes;
  const int loads = spec.row_weights() + spec.reach() * spec.lanes;
  const int per = columns_per_pointer(spec), around = 4 + (spec.reach() + per - 1) / per;
  const int clusters = (spec.reach() * spec.lanes + registers.inputs - 1) / std::max(1, registers.inputs);
  const bool dual = schedule::Rules(target.pipeline).dual_issue();
  const int row = dual ? std::max(products, loads) + 4 : products * (core.fused ? 1 : 2) + loads + clusters + around;
  const int ends = spec.positions * (dual ? 2 + spec.lanes : 4 + 2 * spec.lanes) + 16;
  const int groups = (width + spec.positions - 1) / spec.positions;
  return static_cast<double>(groups) * blocks_of(spec) * (row * spec.rows + ends);
}

MicroKernel float_depthwise(const FloatDepthwiseSpec& spec, const target::Target& target) {
  check(!why_no_float_depthwise(spec), "a float depthwise kernel that cannot be made");
  MicroKernel kernel;
  kernel.function_name = spec.name;
  kernel.prototype = fmt::format(
      "void {}(const float *weights, const float *x, float *out, int32_t groups, int32_t skip, int32_t rows)",
      spec.name);
  kernel.needs_fpu = true;
  kernel.c_form = float_depthwise_in_c(spec);
  if (float_core(target).assembly) FloatDepthwiseWriter(spec, target).write(kernel);
  return kernel;
}

std::vector<float> pack_float_depthwise_weights(const FloatDepthwiseSpec& spec, std::span<const float> weights,
                                                std::span<const float> bias) {
  std::vector<float> stream;
  for (int block = 0; block < blocks_of(spec); ++block) {
    const auto first = static_cast<size_t>(first_channel(spec, block)), lanes = static_cast<size_t>(spec.lanes);
    stream.insert(stream.end(), bias.begin() + first, bias.begin() + first + lanes);
    for (size_t tap = 0; tap < static_cast<size_t>(spec.rows * spec.columns); ++tap) {
      const auto from = weights.begin() + tap * static_cast<size_t>(spec.channels) + first;
      stream.insert(stream.end(), from, from + lanes);
    }
  }
  return stream;
}

}  // namespace mote::kernels::micro
