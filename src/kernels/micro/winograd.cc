#include "kernels/micro/winograd.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kernels/micro/elementwise.h"
#include "kernels/micro/epilogue.h"
#include "kernels/micro/winograd_code.h"
#include "support/error.h"

namespace mote::kernels::micro {
namespace {

/// The position in a quad of channels that WidenOrder::kQuads stores at `k`.
constexpr std::array<int, 4> kQuadOrder = {0, 2, 1, 3};

/// 4 * G g G^T, where G = 1/2 {{2, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 2}}.
std::array<int32_t, 16> transformed(const std::array<int32_t, 9>& g) {
  std::array<int32_t, 12> rows;
  for (size_t j = 0; j < 3; ++j) {
    const int32_t top = g[j], middle = g[3 + j], bottom = g[6 + j];
    rows[j] = 2 * top;
    rows[3 + j] = top + middle + bottom;
    rows[6 + j] = top - middle + bottom;
    rows[9 + j] = 2 * bottom;
  }
  std::array<int32_t, 16> u;
  for (size_t i = 0; i < 4; ++i) {
    const int32_t left = rows[3 * i], middle = rows[3 * i + 1], right = rows[3 * i + 2];
    u[4 * i] = 2 * left;
    u[4 * i + 1] = left + middle + right;
    u[4 * i + 2] = left - middle + right;
    u[4 * i + 3] = 2 * right;
  }
  return u;
}

/// 2 * G g.
std::array<int32_t, 4> transformed(const std::array<int32_t, 3>& g) {
  return {2 * g[0], g[0] + g[1] + g[2], g[0] - g[1] + g[2], 2 * g[2]};
}

std::string flat_transforms_in_c(const WinogradSpec& spec) {
  const int tiles = tiles_at_once(spec);
  std::string text = fmt::format(
      "void {0}_input(const int16_t *rows, uint32_t *v) {{\n"
      "  for (int32_t k = 0; k < {1}; ++k) {{\n"
      "    int16_t *to = (int16_t *)(v + k / 2 * {2}) + k % 2;\n"
      "    int16_t d[4];\n"
      "    for (int32_t j = 0; j < 4; ++j) memcpy(&d[j], rows + j * {3} + k, sizeof d[j]);\n"
      "    to[0] = (int16_t)(d[0] - d[2]);\n"
      "    to[{4}] = (int16_t)(d[1] + d[2]);\n"
      "    to[2 * {4}] = (int16_t)(d[2] - d[1]);\n"
      "    to[3 * {4}] = (int16_t)(d[1] - d[3]);\n"
      "  }}\n"
      "}}\n\n",
      spec.name, spec.in_channels, tiles, spec.window.h == 1 ? spec.in_channels : row_bytes(spec) / 2,
      transformed_bytes(spec) / 2);
  text += requantise_in_c(spec.form, spec.name + "_requantise");
  text += fmt::format(
      "\nvoid {0}_output(const uint32_t *constants, const int32_t *m, int8_t *output) {{\n"
      "  for (int32_t channel = 0; channel < {1}; ++channel, m += {2}, constants += {3}) {{\n"
      "    const int32_t middle = m[1] + (int32_t)constants[0];\n"
      "    output[channel] = (int8_t){0}_requantise(m[0] + middle + m[2], (const int32_t *)constants + 1);\n"
      "    output[{4} + channel] = (int8_t){0}_requantise(middle - m[2] - m[3], (const int32_t *)constants + 1);\n"
      "  }}\n"
      "}}\n\n",
      spec.name, spec.out_channels, 4 * tiles, output_words(spec),
      (spec.window.h == 1 ? 1 : spec.out_width) * spec.out_channels);
  return text;
}

/// Reads the rows through memcpy: some of them were filled by words.
std::string transforms_in_c(const WinogradSpec& spec) {
  if (is_flat(spec)) return flat_transforms_in_c(spec);
  const int tiles = tiles_at_once(spec);
  std::string text = fmt::format(
      "void {0}_input(const int16_t *rows, uint32_t *v) {{\n"
      "  for (int32_t k = 0; k < {1}; ++k) {{\n"
      "    int32_t t[4][4];\n"
      "    for (int32_t i = 0; i < 4; ++i) {{\n"
      "      int16_t d[4];\n"
      "      for (int32_t j = 0; j < 4; ++j) memcpy(&d[j], rows + i * {2} + j * {1} + k, sizeof d[j]);\n"
      "      t[i][0] = d[0] - d[2];\n"
      "      t[i][1] = d[1] + d[2];\n"
      "      t[i][2] = d[2] - d[1];\n"
      "      t[i][3] = d[1] - d[3];\n"
      "    }}\n"
      "    for (int32_t j = 0; j < 4; ++j) {{\n"
      "      int16_t *to = (int16_t *)(v + j * {3} + k / 2 * {4}) + k % 2;\n"
      "      to[0] = (int16_t)(t[0][j] - t[2][j]);\n"
      "      to[{5}] = (int16_t)(t[1][j] + t[2][j]);\n"
      "      to[2 * {5}] = (int16_t)(t[2][j] - t[1][j]);\n"
      "      to[3 * {5}] = (int16_t)(t[1][j] - t[3][j]);\n"
      "    }}\n"
      "  }}\n"
      "}}\n\n",
      spec.name, spec.in_channels, row_bytes(spec) / 2, transformed_bytes(spec) / 4, tiles,
      transformed_bytes(spec) / 2 * 4);
  text += requantise_in_c(spec.form, spec.name + "_requantise");
  text += fmt::format(
      "\nvoid {0}_output(const uint32_t *constants, const int32_t *m, int8_t *output) {{\n"
      "  for (int32_t channel = 0; channel < {1}; ++channel, m += {2}, constants += {3}) {{\n"
      "    int32_t s[4][2];\n"
      "    for (int32_t i = 0; i < 4; ++i) {{\n"
      "      s[i][0] = m[4 * i] + m[4 * i + 1] + m[4 * i + 2];\n"
      "      s[i][1] = m[4 * i + 1] - m[4 * i + 2] - m[4 * i + 3];\n"
      "    }}\n"
      "    for (int32_t j = 0; j < 2; ++j) {{\n"
      "      const int32_t bias = (int32_t)constants[0];\n"
      "      const int32_t upper = s[0][j] + s[1][j] + s[2][j] + bias, lower = s[1][j] - s[2][j] - s[3][j] + bias;\n"
      "      output[j * {1} + channel] = (int8_t){0}_requantise(upper, (const int32_t *)constants + 1);\n"
      "      output[{4} + j * {1} + channel] = (int8_t){0}_requantise(lower, (const int32_t *)constants + 1);\n"
      "    }}\n"
      "  }}\n"
      "}}\n\n",
      spec.name, spec.out_channels, 16 * tiles, output_words(spec), spec.out_width * spec.out_channels);
  return text;
}

/// Words of the weights before the output transform's constants.
size_t product_words(const WinogradSpec& spec) {
  return static_cast<size_t>(positions_of(spec) * ((spec.out_channels + 1) / 2) * spec.in_channels) +
         kGemmStreamPadding;
}

/// C99: where tile number `index` begins along a dimension with so many taps and outputs.
std::string start_of_tile(int32_t taps, const std::string& index, int32_t outputs) {
  const std::string from = taps == 3 ? "2 * " + index : index;
  return fmt::format("{0} < {1} ? {0} : {1}", from, outputs - tile_of(taps));
}

std::string driver_in_c(const WinogradSpec& spec, const std::string& prototype, const std::string& product_prototype) {
  const int tiles = tiles_at_once(spec), row = row_bytes(spec) / 2;
  std::string text = fmt::format(
      "{0};\n"
      "void {1}_widen(const int8_t *in, int16_t *out, int32_t count);\n"
      "void {1}_input(const int16_t *rows, uint32_t *v);\n"
      "void {1}_output(const uint32_t *constants, const int32_t *m, int8_t *output);\n\n",
      product_prototype, spec.name);
  text += prototype + " {\n";
  text += fmt::format(
      "  const uint32_t zero_points = {0}u;\n"
      "  uint32_t *v = scratch + {1};\n"
      "  int32_t *m = (int32_t *)v + {2};\n"
      "  for (int32_t i = 0; i < {1}; ++i) scratch[i] = zero_points;  /* the borders stay */\n"
      "  for (int32_t ty = 0; ty < {3}; ++ty) {{\n"
      "    const int32_t y = {4};\n"
      "    for (int32_t i = 0; i < {11}; ++i) {{\n"
      "      const int32_t image_row = y + i - {5};\n"
      "      int16_t *to = (int16_t *)scratch + i * {6};\n"
      "      if (image_row >= 0 && image_row < {7}) {{\n"
      "        {8}_widen(input + image_row * {9}, to + {10}, {9});\n"
      "      }} else {{\n"
      "        uint32_t *words = (uint32_t *)to;\n"
      "        for (int32_t k = 0; k < {6} / 2; ++k) words[k] = zero_points;\n"
      "      }}\n"
      "    }}\n",
      (static_cast<uint32_t>(spec.zero_point) & 0xFFFF) * 0x10001u, row * patch_of(spec.window.h) / 2,
      transformed_bytes(spec) / 4 * positions_of(spec), tiles_down(spec),
      spec.window.h == 1 ? "ty" : start_of_tile(spec.window.h, "ty", spec.out_height), spec.padding.top, row,
      spec.height, spec.name, spec.width * spec.in_channels, spec.padding.left * spec.in_channels,
      patch_of(spec.window.h));
  text += fmt::format(
      "    for (int32_t tx = 0; tx < {0}; tx += {1}) {{\n"
      "      for (int32_t j = 0; j < {1}; ++j) {{\n"
      "        const int32_t x = {2};\n"
      "        {3}_input((const int16_t *)scratch + x * {4}, v + j);\n"
      "      }}\n"
      "      {3}_product(weights, (const int16_t *)v, m, {8});\n"
      "      for (int32_t j = 0; j < {1} && tx + j < {0}; ++j) {{\n"
      "        const int32_t x = {2};\n"
      "        {3}_output(weights + {5}, m + {8} * j, output + (y * {6} + x) * {7});\n"
      "      }}\n"
      "    }}\n"
      "  }}\n"
      "}}\n",
      tiles_across(spec), tiles,
      start_of_tile(spec.window.w, spec.window.w == 3 ? "(tx + j)" : "tx + j", spec.out_width), spec.name,
      spec.in_channels, product_words(spec), spec.out_width, spec.out_channels, positions_of(spec));
  return text;
}

}  // namespace

int32_t winograd_scale(const ir::Size2D& window) {
  return window.h == 3 && window.w == 3 ? 4 : 2;
}

std::optional<std::string> why_no_winograd(const WinogradSpec& spec, std::span<const int8_t> weights) {
  const auto is = [&](int32_t h, int32_t w) { return spec.window == ir::Size2D{h, w}; };
  if (!is(3, 3) && !is(1, 3) && !is(3, 1)) return "not a window of 3x3, 1x3 or 3x1";
  if (spec.in_channels < 4 || spec.in_channels % 4 != 0) return "input channels are not a multiple of 4";
  if (spec.out_channels < 2) return "fewer than two output channels";
  if (spec.out_height < tile_of(spec.window.h) || spec.out_width < tile_of(spec.window.w))
    return "fewer output rows or columns than a tile has";
  if (spec.padding.top < 0 || spec.padding.left < 0 || spec.padding.bottom < 0 || spec.padding.right < 0)
    return "cropped";
  if (spec.out_width + spec.window.w - 1 < spec.width + spec.padding.left) return "columns of the image are not used";
  if (const std::optional<std::string> why = why_no_gemm(product_spec(spec))) return why;
  // Transformed weights are at most 9 * 128 and transformed inputs 4 * 128: both fit int16. All sums are taken modulo
  // 2^32, so only the results have to fit: four times the direct accumulator, or twice.
  const size_t per_channel = static_cast<size_t>(spec.window.h * spec.window.w * spec.in_channels);
  const int32_t room = 2 * winograd_scale(spec.window);
  for (size_t at = 0; at + per_channel <= weights.size(); at += per_channel) {
    const AccumulatorRange range = accumulator_range(weights.subspan(at, per_channel), 0, -128, 127);
    if (range.lo < INT32_MIN / room || range.hi > INT32_MAX / room) return "a scaled accumulator could leave int32";
  }
  return std::nullopt;
}

int32_t winograd_scratch_bytes(const WinogradSpec& spec, const target::Target&) {
  const int positions = positions_of(spec);
  return patch_of(spec.window.h) * row_bytes(spec) + positions * transformed_bytes(spec) +
         4 * positions * tiles_at_once(spec) * spec.out_channels;
}

MicroKernel winograd(const WinogradSpec& spec, const target::Target& target) {
  check(!why_no_winograd(spec, {}), "a Winograd convolution that cannot be made");
  MicroKernel kernel;
  kernel.function_name = spec.name;
  kernel.prototype = fmt::format(
      "void {}(const uint32_t *weights, const int8_t *input, int8_t *output, uint32_t *scratch)", spec.name);
  const MicroKernel product = gemm(product_spec(spec), target);
  const MicroKernel widened = widen(spec.name + "_widen", WidenOrder::kQuads, target);
  kernel.c_form = widened.c_form + "\n" + product.c_form + "\n" + transforms_in_c(spec);
  kernel.driver = driver_in_c(spec, kernel.prototype, product.prototype);
  if (!product.assembly.empty()) {
    kernel.assembly = widened.assembly + product.assembly;
    kernel.code_bytes_estimate = widened.code_bytes_estimate + product.code_bytes_estimate;
    write_input_transform(spec, target, kernel.assembly, kernel.code_bytes_estimate);
    write_output_transform(spec, target, kernel.assembly, kernel.code_bytes_estimate);
  }
  return kernel;
}

std::vector<uint32_t> pack_winograd_weights(const WinogradSpec& spec, const target::Target&,
                                            std::span<const int8_t> weights, std::span<const int32_t> bias,
                                            std::span<const RequantConstants> constants) {
  const int in = spec.in_channels;
  const size_t positions = static_cast<size_t>(positions_of(spec));
  std::vector<int32_t> u;  // [out][in][positions]
  for (int out = 0; out < spec.out_channels; ++out) {
    for (int k = 0; k < in; ++k) {
      const auto tap = [&](int n) -> int32_t {
        return weights[static_cast<size_t>((out * spec.window.h * spec.window.w + n) * in + k)];
      };
      if (is_flat(spec)) {
        for (const int32_t value : transformed(std::array<int32_t, 3>{tap(0), tap(1), tap(2)})) u.push_back(value);
      } else {
        std::array<int32_t, 9> g;
        for (int n = 0; n < 9; ++n) g[static_cast<size_t>(n)] = tap(n);
        for (const int32_t value : transformed(g)) u.push_back(value);
      }
    }
  }
  const GemmSpec product = product_spec(spec);
  std::vector<uint32_t> stream;
  for (size_t position = 0; position < positions; ++position) {
    const auto weight = [&](int channel, int k) {
      const int stored = k / 4 * 4 + kQuadOrder[static_cast<size_t>(k % 4)];
      return u[static_cast<size_t>(channel * in + stored) * positions + position];
    };
    const std::vector<uint32_t> part = pack_gemm_weights(product, weight, {}, {});
    stream.insert(stream.end(), part.begin(), part.end());
  }
  stream.resize(stream.size() + kGemmStreamPadding);
  check(stream.size() == product_words(spec), "a Winograd weight stream of the wrong length");
  for (size_t channel = 0; channel < bias.size(); ++channel) {
    const RequantConstants& c = constants[channel];
    const uint32_t scaled = static_cast<uint32_t>(winograd_scale(spec.window)) * static_cast<uint32_t>(bias[channel]);
    stream.push_back(scaled + static_cast<uint32_t>(c.bias_offset));
    stream.push_back(static_cast<uint32_t>(c.multiplier));
    stream.push_back(static_cast<uint32_t>(c.addend));
    if (spec.form.shift_per_channel) stream.push_back(static_cast<uint32_t>(c.shift));
  }
  return stream;
}

}  // namespace mote::kernels::micro
