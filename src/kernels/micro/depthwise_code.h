// The assembly of the two inner loops of a depthwise convolution.
//
// Scratch holds four channels of some columns as words [column][pair][channel]; pair p of a column holds the padded
// rows 2p (low half) and 2p + 1 (high half). Padded row r is row r - padding.top of the image.
#pragma once

#include "kernels/micro/code.h"
#include "kernels/micro/depthwise.h"
#include "schedule/rules.h"

namespace mote::kernels::micro {

/// Row pairs of a column.
int pairs_of(const DepthwiseSpec& spec);
/// Bytes of a column in scratch.
int column_bytes(const DepthwiseSpec& spec);
/// Output columns worked on at a time, and the scratch columns they need.
int strip_columns(const DepthwiseSpec& spec);
int scratch_columns(const DepthwiseSpec& spec);
/// Words of constants per channel.
int words_per_channel(const DepthwiseSpec& spec);

/// How the rows of one column fall into pairs, from the top.
struct ColumnRows {
  int pad_pairs = 0;       // both rows above the image
  bool half_lead = false;  // upper row above the image
  int full_pairs = 0;
  bool half_tail = false;  // lower row below the image
  int tail_pairs = 0;      // both below
};
ColumnRows rows_of(const DepthwiseSpec& spec);

/// void NAME_unpack(const int8_t *input, uint32_t *column, uint32_t zero_points, int32_t columns): `columns` columns of
/// the image, four channels, from the byte `input` of the first row.
void write_unpack(const DepthwiseSpec& spec, const target::Target& target, std::string& text, size_t& bytes);

/// void NAME_channels(const uint32_t *weights, const uint32_t *column, int8_t *output, int32_t columns): the four
/// channels of `columns` output columns.
void write_channel(const DepthwiseSpec& spec, const target::Target& target, std::string& text, size_t& bytes);

}  // namespace mote::kernels::micro
