// The float32 depthwise micro-kernel: some rows of a window over a row of the input where it lies, a few channels and
// neighbouring output positions at a time. Each input is loaded once for all products of its window row.
//
//   for group in 0 .. groups:                             one group = `positions` output positions
//     for block of `lanes` channels:
//       acc[j][c] = bias[c] + sum over ky < rows, kx of weight[ky][kx][c] * x[ky][j * stride + kx * dilation][c]
//       out[group * out_group_step + j * out_position_step + c] = limited acc[j][c]
//
// A group's columns are counted from that of its first window; those outside [first_column, end_column) are padding and
// are not read, so groups at the sides are functions of their own. Rows that are padding are not asked for.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/micro/float_clamp.h"
#include "kernels/micro/kernel.h"
#include "target/target.h"

namespace mote::kernels::micro {

struct FloatDepthwiseSpec {
  std::string name;  // of the function, a C identifier
  int channels = 1;
  int lanes = 1, positions = 1;  // channels and positions whose sums are kept in registers
  int rows = 3, columns = 3;     // of the window
  int stride = 1, dilation = 1;  // of columns
  int first_column = 0, end_column = 3;
  int32_t row_step = 0;  // bytes from a row of the window to the next
  int32_t group_step = 0, out_group_step = 0;
  FloatClamp clamp;

  /// Columns that the windows of a group reach.
  int reach() const { return (positions - 1) * stride + (columns - 1) * dilation + 1; }
  int32_t column_step() const { return 4 * channels; }
  /// Floats of a window's row in the weight stream.
  int row_weights() const { return columns * lanes; }
};

/// Why the generator cannot make `spec`; nothing when it can.
std::optional<std::string> why_no_float_depthwise(const FloatDepthwiseSpec& spec);

/// About the cycles of all of `width` output positions, for choosing lanes and positions.
double float_depthwise_cost(const FloatDepthwiseSpec& spec, int width, const target::Target& target);

/// void NAME(const float *weights, const float *x, float *out, int32_t groups, int32_t skip, int32_t rows), groups and
/// rows >= 1: `x` is the first group's first_column in the first row that is read, `skip` the bytes of the weights of
/// the window's rows before it. Deterministic. Targets without an FPU get the C form only.
MicroKernel float_depthwise(const FloatDepthwiseSpec& spec, const target::Target& target);

/// Per block of channels its biases, then its weights row by row. `weights` is [rows][columns][channels].
std::vector<float> pack_float_depthwise_weights(const FloatDepthwiseSpec& spec, std::span<const float> weights,
                                                std::span<const float> bias);

}  // namespace mote::kernels::micro
