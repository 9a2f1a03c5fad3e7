#include "kernels/micro/depthwise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/micro/depthwise_code.h"
#include "kernels/micro/epilogue.h"
#include "support/error.h"

namespace mote::kernels::micro {

DepthwisePlane plane_of(const DepthwiseSpec& spec) {
  const int32_t out_bytes = spec.wide_output ? 2 : 1;
  DepthwisePlane plane{.name = spec.name,
                       .rows = spec.height,
                       .columns = spec.width,
                       .out_rows = spec.out_height,
                       .out_columns = spec.out_width,
                       .row_step = spec.width * spec.channels,
                       .column_step = spec.channels,
                       .out_row_step = spec.out_width * spec.channels * spec.multiplier * out_bytes,
                       .out_column_step = spec.channels * spec.multiplier * out_bytes,
                       .out_bytes = out_bytes,
                       .channels = spec.channels,
                       .multiplier = spec.multiplier,
                       .window_rows = spec.window.h,
                       .window_columns = spec.window.w,
                       .stride_rows = spec.stride.h,
                       .stride_columns = spec.stride.w,
                       .dilation_rows = spec.dilation.h,
                       .dilation_columns = spec.dilation.w,
                       .pad_rows = spec.padding.top,
                       .pad_columns = spec.padding.left,
                       .zero_point = spec.zero_point,
                       .form = spec.form,
                       .scratch_limit = spec.scratch_limit};
  if (!spec.across) return plane;
  std::swap(plane.rows, plane.columns);
  std::swap(plane.out_rows, plane.out_columns);
  std::swap(plane.row_step, plane.column_step);
  std::swap(plane.out_row_step, plane.out_column_step);
  std::swap(plane.window_rows, plane.window_columns);
  std::swap(plane.stride_rows, plane.stride_columns);
  std::swap(plane.dilation_rows, plane.dilation_columns);
  std::swap(plane.pad_rows, plane.pad_columns);
  return plane;
}

bool keeps_weights(const DepthwisePlane& plane) {
  return plane.window_rows == 3 && plane.window_columns == 3 && plane.dilation_rows == 1 &&
         plane.dilation_columns == 1 && plane.multiplier == 1 && 2 * column_bytes(plane) <= 4000;
}

WeightPairs weight_pairs(const DepthwisePlane& plane) {
  if (plane.stride_rows == 2) return {(plane.reach_rows() + 1) / 2, 1};
  return {plane.reach_rows() / 2 + 1, 2};
}

bool has_weights(const DepthwisePlane& plane, int p, int form) {
  for (int row = std::max(2 * p - form, 0); row <= 2 * p + 1 - form; ++row) {
    if (row < plane.reach_rows() && row % plane.dilation_rows == 0) return true;
  }
  return false;
}

int pairs_of(const DepthwisePlane& plane) {
  const int padded_rows = (plane.out_rows - 1) * plane.stride_rows + plane.reach_rows();
  return (padded_rows + 1) / 2;
}

int column_bytes(const DepthwisePlane& plane) {
  return 16 * pairs_of(plane);
}

int strip_columns(const DepthwisePlane& plane) {
  const int columns = plane.scratch_limit / column_bytes(plane) - plane.reach_columns();
  return std::clamp(columns / plane.stride_columns + 1, 1, plane.out_columns);
}

int scratch_columns(const DepthwisePlane& plane) {
  return (strip_columns(plane) - 1) * plane.stride_columns + plane.reach_columns();
}

int lanes_of(const DepthwisePlane& plane) {
  return std::min(plane.channels, 4);
}

int words_per_channel(const DepthwisePlane& plane) {
  const int weights = keeps_weights(plane) ? 6 : weight_pairs(plane).words(plane);
  return weights + 1 + plane.form.words_per_channel();
}

ColumnRows rows_of(const DepthwisePlane& plane) {
  ColumnRows rows;
  const auto in_image = [&](int padded_row) {
    return padded_row >= plane.pad_rows && padded_row < plane.pad_rows + plane.rows;
  };
  for (int pair = 0; pair < pairs_of(plane); ++pair) {
    const bool low = in_image(2 * pair), high = in_image(2 * pair + 1);
    if (low && high) {
      ++rows.full_pairs;
    } else if (high) {
      rows.half_lead = true;
    } else if (low) {
      rows.half_tail = true;
    } else {
      ++(2 * pair < plane.pad_rows ? rows.pad_pairs : rows.tail_pairs);
    }
  }
  return rows;
}

namespace {

std::string unpack_in_c(const DepthwisePlane& plane) {
  return fmt::format(
      "void {0}_unpack(const int8_t *input, uint32_t *column, uint32_t zero_points, int32_t columns) {{\n"
      "  for (; columns > 0; --columns, input += {1}, column += {2}) {{\n"
      "    for (int32_t pair = 0; pair < {3}; ++pair) {{\n"
      "      for (int32_t q = 0; q < {7}; ++q) {{\n"
      "        const int32_t low = 2 * pair - {4}, high = low + 1;\n"
      "        const uint32_t a = low >= 0 && low < {5} ? (uint16_t)input[low * {6} + q] : zero_points & 0xFFFF;\n"
      "        const uint32_t b = high >= 0 && high < {5} ? (uint16_t)input[high * {6} + q] : zero_points & 0xFFFF;\n"
      "        column[4 * pair + q] = a | b << 16;\n"
      "      }}\n"
      "    }}\n"
      "  }}\n"
      "}}\n",
      plane.name, plane.column_step, column_bytes(plane) / 4, pairs_of(plane), plane.pad_rows, plane.rows,
      plane.row_step, lanes_of(plane));
}

/// The sum of output row y of a column: `weights` is at the channel's constants.
std::string kept_sum_in_c(const DepthwisePlane& plane) {
  return fmt::format(
      "          int32_t sum = (int32_t)weights[6];\n"
      "          for (int32_t row = 0; row < 3; ++row) {{\n"
      "            const int32_t padded = y * {0} + row;\n"
      "            for (int32_t k = 0; k < 3; ++k) {{\n"
      "              const uint32_t pair = column[k * {1} + padded / 2 * 4];\n"
      "              const uint32_t weight =\n"
      "                  row == 0 ? weights[k] : row == 1 ? weights[k] >> 16 : weights[3 + k] >> 16;\n"
      "              sum += (int16_t)(padded % 2 ? pair >> 16 : pair) * (int16_t)weight;\n"
      "            }}\n"
      "          }}\n",
      plane.stride_rows, column_bytes(plane) / 4);
}

std::string streamed_sum_in_c(const DepthwisePlane& plane) {
  const WeightPairs pairs = weight_pairs(plane);
  return fmt::format(
      "          const int32_t form = {0}, first = y * {1} / 2;\n"
      "          int32_t sum = (int32_t)weights[0];\n"
      "          for (int32_t k = 0; k < {2}; ++k) {{\n"
      "            for (int32_t p = 0; p < {3}; ++p) {{\n"
      "              const uint32_t weight = weights[{4} + (k * {3} + p) * {5} + form];\n"
      "              if (weight == 0) continue;  /* beyond the window */\n"
      "              const uint32_t pair = column[k * {6} + (first + p) * 4];\n"
      "              sum += (int16_t)weight * (int16_t)pair + (int16_t)(weight >> 16) * (int16_t)(pair >> 16);\n"
      "            }}\n"
      "          }}\n",
      pairs.forms == 2 ? "y % 2" : "0", plane.stride_rows, plane.window_columns, pairs.pairs,
      plane.form.words_per_channel() + 1, pairs.forms, plane.dilation_columns * column_bytes(plane) / 4);
}

std::string channels_in_c(const DepthwisePlane& plane) {
  const bool kept = keeps_weights(plane);
  return fmt::format(
      "void {0}_channels(const uint32_t *weights, const uint32_t *columns_of_four, {9} *output, int32_t columns,\n"
      "    int32_t channels) {{\n"
      "  for (int32_t q = 0; q < channels; ++q) {{\n"
      "    for (int32_t m = 0; m < {1}; ++m, weights += {2}, ++output) {{\n"
      "      for (int32_t x = 0; x < columns; ++x) {{\n"
      "        const uint32_t *column = columns_of_four + x * {3} + q;\n"
      "        for (int32_t y = 0; y < {4}; ++y) {{\n"
      "{5}"
      "          output[y * {6} + x * {7}] = (int8_t){0}_requantise(sum, (const int32_t *)weights + {8});\n"
      "        }}\n"
      "      }}\n"
      "    }}\n"
      "  }}\n"
      "}}\n",
      plane.name, plane.multiplier, words_per_channel(plane), plane.stride_columns * column_bytes(plane) / 4,
      plane.out_rows, kept ? kept_sum_in_c(plane) : streamed_sum_in_c(plane), plane.out_row_step / plane.out_bytes,
      plane.out_column_step / plane.out_bytes, kept ? 7 : 1, plane.out_type());
}

/// Loops over groups of four channels and strips of columns around the two. The last group ends at the last channel.
std::string driver_in_c(const DepthwisePlane& plane, const std::string& prototype) {
  const int words = column_bytes(plane) / 4, lanes = lanes_of(plane);
  const bool whole = strip_columns(plane) == plane.out_columns;
  std::string text = fmt::format(
      "void {0}_unpack(const int8_t *input, uint32_t *column, uint32_t zero_points, int32_t columns);\n"
      "void {0}_channels(const uint32_t *weights, const uint32_t *column, {1} *output, int32_t columns, int32_t "
      "channels);\n\n",
      plane.name, plane.out_type());
  // Columns beside the image: written once when they stay where they are, else for every strip.
  const std::string sides = fmt::format(
      "for (uint32_t *at = scratch; at < scratch + (first - from) * {0}; ++at) *at = zero_points;\n"
      "      for (uint32_t *at = scratch + (last - from) * {0}; at < scratch + (to - from) * {0}; ++at) *at = "
      "zero_points;\n",
      words);
  text += prototype + " {\n";
  text += fmt::format(
      "  const uint32_t zero_points = {0}u;\n"
      "  for (int32_t group = 0; group < {1}; group += {2}) {{\n"
      "    const int32_t channel = group < {3} ? group : {3};\n"
      "    for (int32_t x = 0; x < {4}; x += {5}) {{\n"
      "      const int32_t columns = {4} - x < {5} ? {4} - x : {5};\n"
      "      const int32_t from = x * {6} - {7}, to = from + (columns - 1) * {6} + {8};  /* of the image */\n"
      "      const int32_t first = from < 0 ? 0 : from, last = to > {9} ? {9} : to;\n"
      "      {10}{11}{12}",
      (static_cast<uint32_t>(plane.zero_point) & 0xFFFF) * 0x10001u, plane.channels, lanes, plane.channels - lanes,
      plane.out_columns, strip_columns(plane), plane.stride_columns, plane.pad_columns, plane.reach_columns(),
      plane.columns, whole ? "if (group == 0) {\n      " : "", sides, whole ? "      }\n" : "");
  text += fmt::format(
      "      {0}_unpack(input + first * {1} + channel, scratch + (first - from) * {2}, zero_points, last - first);\n"
      "      {0}_channels(weights + group * {3}, scratch + (group - channel), output + x * {4} + group * {5}, columns, "
      "{6} - (group - channel));\n"
      "    }}\n"
      "  }}\n"
      "}}\n",
      plane.name, plane.column_step, words, words_per_channel(plane) * plane.multiplier,
      plane.out_column_step / plane.out_bytes, plane.multiplier, lanes);
  return text;
}

/// Code of one step of the streamed form, roughly.
int step_bytes(const DepthwisePlane& plane) {
  return weight_pairs(plane).words(plane) * 4 * 6;
}

/// Whether the first and the last window reach the image.
bool touches(int32_t extent, int32_t outputs, int32_t stride, int32_t reach, int32_t pad) {
  return pad >= 0 && pad < reach && (outputs - 1) * stride - pad < extent;
}

}  // namespace

std::optional<std::string> why_no_depthwise(const DepthwiseSpec& spec) {
  constexpr int kMostStepBytes = 8192;
  if (spec.height < 1 || spec.width < 1 || spec.out_height < 1 || spec.out_width < 1) return "an empty image";
  if (spec.channels < 1 || spec.multiplier < 1 || spec.multiplier > 65535) return "an empty product";
  const DepthwisePlane plane = plane_of(spec);
  if (plane.stride_rows != 1 && plane.stride_rows != 2) return "a stride along the walk of more than 2";
  // A strip must hold a column of the image; the first and the last window do.
  if (!touches(plane.columns, plane.out_columns, plane.stride_columns, plane.reach_columns(), plane.pad_columns) ||
      !touches(plane.rows, plane.out_rows, plane.stride_rows, plane.reach_rows(), plane.pad_rows)) {
    return "too much padding";
  }
  if (!keeps_weights(plane) && step_bytes(plane) > kMostStepBytes) return "the window is too large";
  return std::nullopt;
}

double depthwise_cost(const DepthwiseSpec& spec) {
  const DepthwisePlane plane = plane_of(spec);
  const WeightPairs pairs = weight_pairs(plane);
  int words = 0;
  for (int p = 0; p < pairs.pairs; ++p) {
    for (int form = 0; form < pairs.forms; ++form) words += has_weights(plane, p, form) ? 1 : 0;
  }
  // Weights are read once for a step's outputs, of which a short column has few; a column costs something, too.
  const double rows = plane.out_rows, steps = std::ceil(rows / (pairs.forms == 2 ? 6 : 4));
  const double per_row = plane.window_columns * (1.0 * words / pairs.forms + words * steps / rows);
  return per_row + 10 / rows;
}

int32_t depthwise_scratch_bytes(const DepthwiseSpec& spec) {
  const DepthwisePlane plane = plane_of(spec);
  return scratch_columns(plane) * column_bytes(plane);
}

MicroKernel depthwise(const DepthwiseSpec& spec, const target::Target& target) {
  check(!why_no_depthwise(spec), "a depthwise convolution that cannot be made");
  const DepthwisePlane plane = plane_of(spec);
  const bool unpack_in_assembly = lanes_of(plane) == 4;
  MicroKernel kernel;
  kernel.function_name = spec.name;
  kernel.prototype = fmt::format("void {}(const uint32_t *weights, const int8_t *input, {} *output, uint32_t *scratch)",
                                 spec.name, plane.out_type());
  if (target.dsp) {
    if (unpack_in_assembly) write_unpack(plane, target, kernel.assembly, kernel.code_bytes_estimate);
    if (keeps_weights(plane)) {
      write_kept_weights(plane, target, kernel.assembly, kernel.code_bytes_estimate);
    } else {
      write_streamed_weights(plane, target, kernel.assembly, kernel.code_bytes_estimate);
    }
  }
  kernel.c_form = requantise_in_c(spec.form, spec.name + "_requantise") + "\n" +
                  (unpack_in_assembly ? unpack_in_c(plane) + "\n" : "") + channels_in_c(plane);
  kernel.driver = driver_in_c(plane, kernel.prototype);
  if (!unpack_in_assembly) kernel.driver += "\n" + unpack_in_c(plane);
  return kernel;
}

namespace {

/// Two weights of a channel as a word; 0 for a row beside the window.
struct ChannelWeights {
  const DepthwiseSpec& spec;
  const DepthwisePlane& plane;
  std::span<const int8_t> weights;
  int channel;

  uint16_t at(int row, int column) const {
    if (row < 0 || row >= plane.reach_rows() || row % plane.dilation_rows != 0) return 0;
    const int along = row / plane.dilation_rows;
    const int y = spec.across ? column : along, x = spec.across ? along : column;
    const int channels = spec.channels * spec.multiplier;
    return static_cast<uint16_t>(weights[static_cast<size_t>((y * spec.window.w + x) * channels + channel)]);
  }
  uint32_t pair(int row, int column) const { return at(row, column) | uint32_t{at(row + 1, column)} << 16; }
};

}  // namespace

std::vector<uint32_t> pack_depthwise_weights(const DepthwiseSpec& spec, std::span<const int8_t> weights,
                                             std::span<const int32_t> bias,
                                             std::span<const RequantConstants> constants) {
  const DepthwisePlane plane = plane_of(spec);
  const WeightPairs pairs = weight_pairs(plane);
  std::vector<uint32_t> stream;
  for (int c = 0; c < spec.channels * spec.multiplier; ++c) {
    const ChannelWeights channel{spec, plane, weights, c};
    const RequantConstants& constant = constants[static_cast<size_t>(c)];
    const bool kept = keeps_weights(plane);
    if (kept) {
      for (int row = 0; row < 2; ++row) {
        for (int k = 0; k < 3; ++k) stream.push_back(channel.pair(row, k));
      }
    }
    stream.push_back(static_cast<uint32_t>(bias[static_cast<size_t>(c)]) + static_cast<uint32_t>(constant.bias_offset));
    stream.push_back(static_cast<uint32_t>(constant.multiplier));
    stream.push_back(static_cast<uint32_t>(constant.addend));
    if (spec.form.shift_per_channel) stream.push_back(static_cast<uint32_t>(constant.shift));
    if (kept) continue;
    for (int k = 0; k < plane.window_columns; ++k) {
      for (int p = 0; p < pairs.pairs; ++p) {
        for (int form = 0; form < pairs.forms; ++form) stream.push_back(channel.pair(2 * p - form, k));
      }
    }
  }
  return stream;
}

}  // namespace mote::kernels::micro
