// The assembly of the inner loops of a depthwise convolution.
//
// Scratch holds four channels of some columns as words [column][pair][channel]; pair p of a column holds the padded
// rows 2p (low half) and 2p + 1 (high half). Padded row r is row r - pad_rows of the image.
#pragma once

#include "kernels/micro/code.h"
#include "kernels/micro/depthwise.h"
#include "schedule/rules.h"

namespace mote::kernels::micro {

/// The convolution as the code sees it: what it walks along are columns, even if the image calls them rows.
struct DepthwisePlane {
  std::string name;
  int32_t rows, columns, out_rows, out_columns;
  int32_t row_step, column_step, out_row_step, out_column_step;  // bytes
  int32_t out_bytes;                                             // of an output: 1, or 2 for int16
  int32_t channels, multiplier;
  int32_t window_rows, window_columns;
  int32_t stride_rows, stride_columns;
  int32_t dilation_rows, dilation_columns;
  int32_t pad_rows, pad_columns;  // before the first
  int32_t zero_point;
  RequantForm form;
  int32_t scratch_limit;

  const char* out_type() const { return out_bytes == 2 ? "int16_t" : "int8_t"; }
  /// Rows and columns that a window spans.
  int32_t reach_rows() const { return (window_rows - 1) * dilation_rows + 1; }
  int32_t reach_columns() const { return (window_columns - 1) * dilation_columns + 1; }
};
DepthwisePlane plane_of(const DepthwiseSpec& spec);

/// Whether the weights of a window stay in registers.
bool keeps_weights(const DepthwisePlane& plane);
/// Row pairs of a column.
int pairs_of(const DepthwisePlane& plane);
/// Bytes of a column in scratch.
int column_bytes(const DepthwisePlane& plane);
/// Output columns worked on at a time, and the scratch columns they need.
int strip_columns(const DepthwisePlane& plane);
int scratch_columns(const DepthwisePlane& plane);
/// Channels unpacked at a time.
int lanes_of(const DepthwisePlane& plane);
/// Words of constants per output channel.
int words_per_channel(const DepthwisePlane& plane);

/// How weights are paired when they are read as needed. Output row 2r + f (stride 1) or r (stride 2: f is 0) of a step
/// meets pair r + p with word (column * pairs + p) * forms + f, which holds window rows 2p - f and 2p + 1 - f.
struct WeightPairs {
  int pairs;  // per column of the window
  int forms;  // 2 for stride 1, else 1
  int words(const DepthwisePlane& plane) const { return plane.window_columns * pairs * forms; }
};
WeightPairs weight_pairs(const DepthwisePlane& plane);
/// Whether a row of the window lies in word `p` of form `form`.
bool has_weights(const DepthwisePlane& plane, int p, int form);

/// How the rows of one column fall into pairs, from the top.
struct ColumnRows {
  int pad_pairs = 0;       // both rows above the image
  bool half_lead = false;  // upper row above the image
  int full_pairs = 0;
  bool half_tail = false;  // lower row below the image
  int tail_pairs = 0;      // both below
};
ColumnRows rows_of(const DepthwisePlane& plane);

/// void NAME_unpack(const int8_t *input, uint32_t *column, uint32_t zero_points, int32_t columns): `columns` columns of
/// the image, four channels, from the byte `input` of the first row.
void write_unpack(const DepthwisePlane& plane, const target::Target& target, std::string& text, size_t& bytes);

/// void NAME_channels(const uint32_t *weights, const uint32_t *column, OUT *output, int32_t columns, int32_t
/// channels): some of the four channels of `columns` output columns.
void write_kept_weights(const DepthwisePlane& plane, const target::Target& target, std::string& text, size_t& bytes);
void write_streamed_weights(const DepthwisePlane& plane, const target::Target& target, std::string& text,
                            size_t& bytes);

}  // namespace mote::kernels::micro
