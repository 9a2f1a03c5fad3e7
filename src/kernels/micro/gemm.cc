#include "kernels/micro/gemm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "kernels/micro/epilogue.h"
#include "kernels/micro/gemm_code.h"
#include "kernels/micro/gemm_steps.h"
#include "support/error.h"

namespace mote::kernels::micro {
namespace {

bool has_assembly(const target::Target& target) {
  return target.dsp;
}

std::string decode_in_c(const GemmSpec& spec) {
  if (spec.wide_weights) {
    return "            const uint32_t word = w[i];\n"
           "            const int32_t even = (int16_t)word, odd = (int16_t)(word >> 16);\n";
  }
  if (spec.summed != SummedWeights::kNo) {
    return "            const uint32_t word = w[i / 2];\n"
           "            const int32_t low = (int8_t)word, high = (int8_t)(word >> 16);\n"
           "            const int32_t even = i % 2 ? ((int16_t)word - low) / 256 : low;\n"
           "            const int32_t odd = i % 2 ? ((int16_t)(word >> 16) - high) / 256 : high;\n";
  }
  return "            const uint32_t word = w[i / 2] >> 8 * (i % 2);\n"
         "            const int32_t even = (int8_t)word, odd = (int8_t)(word >> 16);\n";
}

std::string gemm_in_c(const GemmSpec& spec) {
  const bool requantised = spec.output != GemmOutput::kInt32;
  const int m = spec.tile_channels, n = spec.tile_positions;
  std::string text = requantised ? requantise_in_c(spec.form, spec.name + "_requantise") + "\n" : "";
  text += fmt::format("void {}(const uint32_t *weights, const int16_t *activations, void *out, int32_t groups) {{\n",
                      spec.name);
  text += fmt::format(
      "  for (int32_t group = 0; group < groups; ++group) {{\n"
      "    const uint32_t *w = weights;\n"
      "    const char *base = (const char *)activations + group * {};\n"
      "    for (int32_t tile = 0; tile < {}; ++tile) {{\n"
      "      const int32_t channel = tile < {} ? tile * {} : {};\n"
      "      int32_t acc[{}][{}];\n",
      spec.group_step, tiles_of(spec), tiles_of(spec) - 1, m, first_channel(spec, tiles_of(spec) - 1), m, n);
  text += fmt::format(
      "      for (int32_t i = 0; i < {}; ++i) {{\n        for (int32_t j = 0; j < {}; ++j) acc[i][j] = {};\n      }}\n",
      m, n,
      !spec.has_bias                      ? "0"
      : spec.summed == SummedWeights::kNo ? "(int32_t)w[i]"
                                          : "i % 2 ? (int32_t)(w[i] - w[i - 1]) >> 8 : (int32_t)w[i]");
  if (spec.has_bias) text += fmt::format("      w += {};\n", m);
  text += fmt::format(
      "      for (int32_t segment = 0; segment < {}; ++segment) {{\n"
      "        for (int32_t pair = 0; pair < {}; ++pair, w += {}) {{\n"
      "          const char *at = base + segment * {} + pair * {};\n"
      "          for (int32_t i = 0; i < {}; ++i) {{\n"
      "{}"
      "            for (int32_t j = 0; j < {}; ++j) {{\n"
      "              const int16_t *a = (const int16_t *)(at + j * {});\n"
      "              acc[i][j] += even * a[0] + odd * a[1];\n"
      "            }}\n"
      "          }}\n"
      "        }}\n"
      "      }}\n",
      spec.segments, spec.segment_pairs, words_per_step(spec), spec.segment_step, spec.pair_step, m, decode_in_c(spec),
      n, spec.position_step);
  const char* type = spec.output == GemmOutput::kInt8    ? "int8_t"
                     : spec.output == GemmOutput::kInt16 ? "int16_t"
                                                         : "int32_t";
  text += fmt::format(
      "      for (int32_t i = 0; i < {}; ++i) {{\n"
      "        for (int32_t j = 0; j < {}; ++j) {{\n"
      "          {} *to = ({} *)((char *)out + group * {} + j * {} + (channel + i) * {});\n",
      m, n, type, type, spec.out_group_step, spec.out_position_step, spec.out_channel_step);
  if (requantised && spec.summed == SummedWeights::kFolded) {
    text += fmt::format(
        "          const int32_t *c = (const int32_t *)w + i * 2;\n"
        "          const int32_t constants[2] = {{c[0], i % 2 ? c[1] >> 8 : c[1]}};\n"
        "          *to = ({}){}_requantise(acc[i][j], constants);\n",
        type, spec.name);
  } else if (requantised) {
    text += fmt::format("          *to = ({}){}_requantise(acc[i][j], (const int32_t *)w + i * {});\n", type, spec.name,
                        spec.form.words_per_channel());
  } else {
    text += "          *to = acc[i][j];\n";
  }
  text += "        }\n      }\n";
  if (requantised) text += fmt::format("      w += {};\n", m * spec.form.words_per_channel());
  text += "    }\n";
  if (spec.weights_per_group) text += "    weights = w;\n";
  return text + "  }\n}\n";
}

}  // namespace

std::optional<std::string> why_no_gemm(const GemmSpec& spec) {
  const int m = spec.tile_channels, n = spec.tile_positions;
  if (m != 1 && m != 2 && m != 4 && m != 6) return "a tile has 1, 2, 4 or 6 channels";
  if (n < 1 || n > 4 || m * n > 8) return "a tile has 1 to 4 positions and at most 8 outputs";
  if (m > 2 && n > 1) return "a tile of more than two channels has one position";
  if (m > 2 && spec.wide_weights && m * n > 4) return "a tile of int16 weights has at most four channels";
  if (spec.channels < 1 || spec.segments < 1 || spec.segment_pairs < 1) return "an empty product";
  if (std::abs(spec.out_channel_step) * 6 > 4095) return "output channels too far apart";
  if (spec.segment_step < 0 || spec.position_step < 0) return "activations must be laid out upwards";
  if (spec.pair_step % 4 != 0 || spec.position_step % 4 != 0 || spec.segment_step % 4 != 0 ||
      spec.group_step % 4 != 0) {
    return "activations must be read a word at a time";
  }
  if (spec.summed == SummedWeights::kFolded &&
      (spec.form.sign_correction || spec.form.pre_shift != 0 || spec.form.shift_per_channel || spec.form.shift > 23)) {
    return "this requantisation cannot take up a division by 256";
  }
  if (spec.pair_step < 0 || spec.pair_step > 255) return "steps along k too long";
  if ((n - 1) * spec.position_step > kGemmReach) return "positions too far apart";
  return std::nullopt;
}

std::vector<GemmTile> gemm_tiles(const target::Target& target, bool wide_weights) {
  const bool dual = schedule::Rules(target.pipeline).dual_issue();
  if (dual && !wide_weights) return {{2, 4}, {2, 3}, {2, 2}, {2, 1}, {6, 1}, {4, 1}};
  return {{2, 4}, {2, 3}, {2, 2}, {2, 1}, {4, 1}};
}

MicroKernel gemm(const GemmSpec& requested, const target::Target& target) {
  check(!why_no_gemm(requested), "a GEMM that cannot be made");
  const GemmSpec spec = normalised(requested);
  MicroKernel kernel{
      .function_name = spec.name,
      .prototype = fmt::format(
          "void {}(const uint32_t *weights, const int16_t *activations, void *out, int32_t groups)", spec.name),
      .assembly = "",
      .c_form = gemm_in_c(spec),
      .driver = "",
      .code_bytes_estimate = 0};
  if (has_assembly(target) && GemmSteps::possible(spec, target)) {
    GemmAssembly assembly = gemm_assembly(spec, target);
    kernel.assembly = std::move(assembly.text);
    kernel.code_bytes_estimate = assembly.bytes;
  }
  return kernel;
}

}  // namespace mote::kernels::micro
