#include "kernels/micro/depthwise.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/micro/depthwise_code.h"
#include "kernels/micro/epilogue.h"
#include "support/error.h"

namespace mote::kernels::micro {

int pairs_of(const DepthwiseSpec& spec) {
  const int padded_rows = (spec.out_height - 1) * spec.stride + 3;
  return (padded_rows + 1) / 2;
}

int column_bytes(const DepthwiseSpec& spec) {
  return 16 * pairs_of(spec);
}

int strip_columns(const DepthwiseSpec& spec) {
  const int columns = spec.scratch_limit / column_bytes(spec) - 3;
  return std::clamp(columns / spec.stride + 1, 1, spec.out_width);
}

int scratch_columns(const DepthwiseSpec& spec) {
  return (strip_columns(spec) - 1) * spec.stride + 3;
}

int words_per_channel(const DepthwiseSpec& spec) {
  return 7 + spec.form.words_per_channel();
}

ColumnRows rows_of(const DepthwiseSpec& spec) {
  ColumnRows rows;
  const auto in_image = [&](int padded_row) {
    return padded_row >= spec.padding.top && padded_row < spec.padding.top + spec.height;
  };
  for (int pair = 0; pair < pairs_of(spec); ++pair) {
    const bool low = in_image(2 * pair), high = in_image(2 * pair + 1);
    if (low && high) {
      ++rows.full_pairs;
    } else if (high) {
      rows.half_lead = true;
    } else if (low) {
      rows.half_tail = true;
    } else {
      ++(2 * pair < spec.padding.top ? rows.pad_pairs : rows.tail_pairs);
    }
  }
  return rows;
}

namespace {

std::string unpack_in_c(const DepthwiseSpec& spec) {
  return fmt::format(
      "void {0}_unpack(const int8_t *input, uint32_t *column, uint32_t zero_points, int32_t columns) {{\n"
      "  for (; columns > 0; --columns, input += {1}, column += {2}) {{\n"
      "    for (int32_t pair = 0; pair < {3}; ++pair) {{\n"
      "      for (int32_t q = 0; q < 4; ++q) {{\n"
      "        const int32_t low = 2 * pair - {4}, high = low + 1;\n"
      "        const uint32_t a = low >= 0 && low < {5} ? (uint16_t)input[low * {6} + q] : zero_points & 0xFFFF;\n"
      "        const uint32_t b = high >= 0 && high < {5} ? (uint16_t)input[high * {6} + q] : zero_points & 0xFFFF;\n"
      "        column[4 * pair + q] = a | b << 16;\n"
      "      }}\n"
      "    }}\n"
      "  }}\n"
      "}}\n",
      spec.name, spec.channels, column_bytes(spec) / 4, pairs_of(spec), spec.padding.top, spec.height,
      spec.width * spec.channels);
}

std::string channels_in_c(const DepthwiseSpec& spec) {
  return fmt::format(
      "void {0}_channels(const uint32_t *weights, const uint32_t *columns_of_four, int8_t *output, int32_t columns) "
      "{{\n"
      "  for (int32_t q = 0; q < 4; ++q, weights += {7}) {{\n"
      "    for (int32_t x = 0; x < columns; ++x) {{\n"
      "      const uint32_t *column = columns_of_four + x * {1} + q;\n"
      "      for (int32_t y = 0; y < {3}; ++y) {{\n"
      "        int32_t sum = (int32_t)weights[6];\n"
      "        for (int32_t row = 0; row < 3; ++row) {{\n"
      "          const int32_t padded = y * {4} + row;\n"
      "          for (int32_t k = 0; k < 3; ++k) {{\n"
      "            const uint32_t pair = column[k * {5} + padded / 2 * 4];\n"
      "            const uint32_t weight = row == 0 ? weights[k] : row == 1 ? weights[k] >> 16 : weights[3 + k] >> "
      "16;\n"
      "            sum += (int16_t)(padded % 2 ? pair >> 16 : pair) * (int16_t)weight;\n"
      "          }}\n"
      "        }}\n"
      "        output[y * {6} + x * {2} + q] = (int8_t){0}_requantise(sum, (const int32_t *)weights + 7);\n"
      "      }}\n"
      "    }}\n"
      "  }}\n"
      "}}\n",
      spec.name, spec.stride * column_bytes(spec) / 4, spec.channels, spec.out_height, spec.stride,
      column_bytes(spec) / 4, spec.out_width * spec.channels, words_per_channel(spec));
}

/// Loops over groups of four channels and strips of columns around the two.
std::string driver_in_c(const DepthwiseSpec& spec, const std::string& prototype) {
  const int words = column_bytes(spec) / 4;
  const bool whole = strip_columns(spec) == spec.out_width;
  std::string text = fmt::format(
      "void {0}_unpack(const int8_t *input, uint32_t *column, uint32_t zero_points, int32_t columns);\n"
      "void {0}_channels(const uint32_t *weights, const uint32_t *column, int8_t *output, int32_t columns);\n\n",
      spec.name);
  // Columns beside the image: written once when they stay where they are, else for every strip.
  const std::string sides = fmt::format(
      "for (uint32_t *at = scratch; at < scratch + (first - from) * {0}; ++at) *at = zero_points;\n"
      "      for (uint32_t *at = scratch + (last - from) * {0}; at < scratch + (to - from) * {0}; ++at) *at = "
      "zero_points;\n",
      words);
  text += prototype + " {\n";
  text += fmt::format(
      "  const uint32_t zero_points = {0}u;\n"
      "  for (int32_t group = 0; group < {1}; group += 4) {{\n"
      "    const int32_t channel = group < {2} ? group : {2};\n"
      "    for (int32_t x = 0; x < {3}; x += {4}) {{\n"
      "      const int32_t columns = {3} - x < {4} ? {3} - x : {4};\n"
      "      const int32_t from = x * {5} - {6}, to = from + (columns - 1) * {5} + 3;  /* of the image */\n"
      "      const int32_t first = from < 0 ? 0 : from, last = to > {7} ? {7} : to;\n"
      "      {8}{9}{10}"
      "      {11}_unpack(input + first * {12} + channel, scratch + (first - from) * {13}, zero_points, last - first);\n"
      "      {11}_channels(weights + channel * {14}, scratch, output + x * {12} + channel, columns);\n"
      "    }}\n"
      "  }}\n"
      "}}\n",
      (static_cast<uint32_t>(spec.zero_point) & 0xFFFF) * 0x10001u, spec.channels, spec.channels - 4, spec.out_width,
      strip_columns(spec), spec.stride, spec.padding.left, spec.width, whole ? "if (group == 0) {\n      " : "", sides,
      whole ? "      }\n" : "", spec.name, spec.channels, words, words_per_channel(spec));
  return text;
}

}  // namespace

std::optional<std::string> why_no_depthwise(const DepthwiseSpec& spec) {
  if (spec.stride != 1 && spec.stride != 2) return "the stride must be 1 or 2";
  if (spec.channels < 4) return "fewer than four channels";
  if (spec.height < 1 || spec.width < 1 || spec.out_height < 1 || spec.out_width < 1) return "an empty image";
  if (spec.padding.top < 0 || spec.padding.top > 2 || spec.padding.left < 0 || spec.padding.left > 2)
    return "too much padding";
  const int columns = (spec.out_width - 1) * spec.stride + 3 - spec.padding.left;
  const int rows = (spec.out_height - 1) * spec.stride + 3 - spec.padding.top;
  if (columns > spec.width + 2 || rows > spec.height + 2) return "too much padding";
  // A strip must hold a column of the image; the first and the last window do.
  if (2 * column_bytes(spec) > 4000) return "columns too long";
  return std::nullopt;
}

int32_t depthwise_scratch_bytes(const DepthwiseSpec& spec) {
  return scratch_columns(spec) * column_bytes(spec);
}

MicroKernel depthwise(const DepthwiseSpec& spec, const target::Target& target) {
  check(!why_no_depthwise(spec), "a depthwise convolution that cannot be made");
  MicroKernel kernel;
  kernel.function_name = spec.name;
  kernel.prototype = fmt::format(
      "void {}(const uint32_t *weights, const int8_t *input, int8_t *output, uint32_t *scratch)", spec.name);
  if (target.dsp) {
    write_unpack(spec, target, kernel.assembly, kernel.code_bytes_estimate);
    write_channel(spec, target, kernel.assembly, kernel.code_bytes_estimate);
  }
  kernel.c_form =
      requantise_in_c(spec.form, spec.name + "_requantise") + "\n" + unpack_in_c(spec) + "\n" + channels_in_c(spec);
  kernel.driver = driver_in_c(spec, kernel.prototype);
  return kernel;
}

std::vector<uint32_t> pack_depthwise_weights(const DepthwiseSpec& spec, std::span<const int8_t> weights,
                                             std::span<const int32_t> bias,
                                             std::span<const RequantConstants> constants) {
  std::vector<uint32_t> stream;
  const auto pair = [&](int row, int k, int channel) {
    const auto at = [&](int r) {
      return static_cast<uint16_t>(weights[static_cast<size_t>((r * 3 + k) * spec.channels + channel)]);
    };
    return at(row) | uint32_t{at(row + 1)} << 16;
  };
  for (int c = 0; c < spec.channels; ++c) {
    for (int k = 0; k < 3; ++k) stream.push_back(pair(0, k, c));
    for (int k = 0; k < 3; ++k) stream.push_back(pair(1, k, c));
    const RequantConstants& constant = constants[static_cast<size_t>(c)];
    stream.push_back(static_cast<uint32_t>(bias[static_cast<size_t>(c)]) + static_cast<uint32_t>(constant.bias_offset));
    stream.push_back(static_cast<uint32_t>(constant.multiplier));
    stream.push_back(static_cast<uint32_t>(constant.addend));
    if (spec.form.shift_per_channel) stream.push_back(static_cast<uint32_t>(constant.shift));
  }
  return stream;
}

}  // namespace mote::kernels::micro
