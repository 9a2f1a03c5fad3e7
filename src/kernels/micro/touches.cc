#include "kernels/micro/touches.h"

#include <algorithm>

#include "kernels/micro/depthwise_code.h"
#include "kernels/micro/winograd_code.h"

namespace mote::kernels::micro {

using loop::Touch;

namespace {

int64_t bytes_of(GemmOutput output) {
  return output == GemmOutput::kInt8 ? 1 : output == GemmOutput::kInt16 ? 2 : 4;
}

}  // namespace

Touches gemm_touches(const GemmSpec& spec) {
  return [spec](const std::vector<int64_t>& numbers) {
    const int64_t groups = numbers.at(0), positions = spec.tile_positions;
    const int64_t segment = int64_t{spec.segment_pairs - 1} * spec.pair_step + 4;
    const int64_t channels = int64_t{spec.channels - 1} * spec.out_channel_step + bytes_of(spec.output);
    std::vector<Touch> touches;
    for (int64_t group = 0; group < groups; ++group) {
      touches.push_back({2, group * spec.out_group_step, channels, spec.out_position_step, positions});
      for (int64_t s = 0; s < spec.segments; ++s) {
        touches.push_back({1, group * spec.group_step + s * spec.segment_step, segment, spec.position_step, positions});
      }
    }
    return touches;
  };
}

Touches float_gemm_touches(const FloatGemmSpec& spec) {
  return [spec](const std::vector<int64_t>& numbers) {
    const int64_t positions = spec.tile_positions, run = int64_t{spec.runs - 1} * spec.run_step + 4 * spec.length;
    std::vector<Touch> touches;
    for (int64_t group = 0; group < numbers.at(0); ++group) {
      touches.push_back({2, group * spec.out_group_step, 4 * spec.channels, spec.out_position_step, positions});
      for (int64_t s = 0; s < spec.segments; ++s) {
        touches.push_back({1, group * spec.group_step + s * spec.segment_step, run, spec.position_step, positions});
      }
    }
    return touches;
  };
}

Touches float_depthwise_touches(const FloatDepthwiseSpec& spec) {
  return [spec](const std::vector<int64_t>& numbers) {
    const int64_t columns = spec.end_column - spec.first_column;
    std::vector<Touch> touches;
    for (int64_t group = 0; group < numbers.at(0); ++group) {
      // Blocks of channels take turns: those of a later one are read after those of an earlier one were written.
      touches.push_back({2, group * spec.out_group_step, int64_t{spec.positions} * spec.column_step()});
      touches.push_back({1, group * spec.group_step, columns * spec.column_step(), spec.row_step, numbers.at(2)});
    }
    return touches;
  };
}

Touches depthwise_touches(const DepthwiseSpec& spec) {
  return [plane = plane_of(spec), scratch = depthwise_scratch_bytes(spec)](const std::vector<int64_t>&) {
    const int64_t strip = strip_columns(plane), lanes = lanes_of(plane);
    std::vector<Touch> touches{{3, 0, scratch}};
    for (int64_t group = 0; group < plane.channels; group += lanes) {
      const int64_t channel = std::min(group, plane.channels - lanes);
      const int64_t outputs = (lanes - (group - channel)) * plane.multiplier * plane.out_bytes;
      for (int64_t x = 0; x < plane.out_columns; x += strip) {
        const int64_t columns = std::min(strip, plane.out_columns - x);
        const int64_t from = x * plane.stride_columns - plane.pad_columns;
        const int64_t to = from + (columns - 1) * plane.stride_columns + plane.reach_columns();
        for (int64_t at = std::max<int64_t>(from, 0); at < std::min<int64_t>(to, plane.columns); ++at) {
          touches.push_back({1, at * plane.column_step + channel, lanes, plane.row_step, plane.rows});
        }
        for (int64_t at = x; at < x + columns; ++at) {
          touches.push_back({2, at * plane.out_column_step + group * plane.multiplier * plane.out_bytes, outputs,
                             plane.out_row_step, plane.out_rows});
        }
      }
    }
    touches.push_back({3, 0, scratch});
    return touches;
  };
}

Touches winograd_touches(const WinogradSpec& spec, const target::Target& target) {
  const int64_t scratch = winograd_scratch_bytes(spec, target);
  return [spec, scratch](const std::vector<int64_t>&) {
    const int64_t row = int64_t{spec.width} * spec.in_channels, out_row = int64_t{spec.out_width} * spec.out_channels;
    std::vector<Touch> touches{{3, 0, scratch}};
    for (int64_t ty = 0; ty < tiles_down(spec); ++ty) {
      const int64_t tile = tile_of(spec.window.h);
      const int64_t y = std::min<int64_t>(tile * ty, spec.out_height - tile);
      for (int64_t i = y - spec.padding.top; i < y - spec.padding.top + patch_of(spec.window.h); ++i) {
        if (i >= 0 && i < spec.height) touches.push_back({1, i * row, row});
      }
      touches.push_back({2, y * out_row, tile * out_row});
    }
    touches.push_back({3, 0, scratch});
    return touches;
  };
}

Touches add_touches() {
  return [](const std::vector<int64_t>& numbers) {
    constexpr int64_t kAtOnce = 4;
    std::vector<Touch> touches;
    for (int64_t i = 0; i < numbers.at(0); i += kAtOnce) {
      const int64_t bytes = std::min(kAtOnce, numbers.at(0) - i);
      touches.push_back({0, i, bytes});
      touches.push_back({1, i, bytes});
      touches.push_back({2, i, bytes});
    }
    return touches;
  };
}

Touches window_sum_touches(const WindowSumSpec& spec) {
  return [spec](const std::vector<int64_t>&) {
    // A last block that is moved back reads again after others were written.
    return std::vector<Touch>{{1, 0, int64_t{2} * spec.channels},
                              {0, 0, int64_t{spec.columns} * spec.channels, spec.row_step, spec.rows}};
  };
}

}  // namespace mote::kernels::micro
