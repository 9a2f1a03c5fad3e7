// The parts of an integer Winograd convolution, and where their operands lie. A tile is what is computed together: two
// outputs along each dimension that the window has three taps of. Its patch is what these read: four pixels.
//
// Scratch: the padded rows of a patch in int16, [4 or 1][padded width][in_channels], channels in the order of
// WidenOrder::kQuads; then the transformed tiles V [positions][in_channels / 2][tiles] words of two channels; then the
// products M [out_channels][tiles][positions] words. Positions are 16, or 4 where the window has one dimension.
#pragma once

#include "kernels/micro/gemm.h"
#include "kernels/micro/winograd.h"

namespace mote::kernels::micro {

inline bool is_flat(const WinogradSpec& spec) {
  return spec.window.h == 1 || spec.window.w == 1;
}
/// Outputs of a tile, and pixels of its patch, along a dimension with so many taps.
inline int tile_of(int32_t taps) {
  return taps == 3 ? 2 : 1;
}
inline int patch_of(int32_t taps) {
  return taps == 3 ? 4 : 1;
}
inline int positions_of(const WinogradSpec& spec) {
  return patch_of(spec.window.h) * patch_of(spec.window.w);
}
/// Tiles across and down; the last ones are moved back to end at the image's edge.
int tiles_across(const WinogradSpec& spec);
int tiles_down(const WinogradSpec& spec);
/// Tiles transformed and multiplied together.
int tiles_at_once(const WinogradSpec& spec);
/// Bytes of one padded row.
int row_bytes(const WinogradSpec& spec);
/// Bytes of V that belong to one of the positions.
int transformed_bytes(const WinogradSpec& spec);
/// The products as one GEMM with a group for each position.
GemmSpec product_spec(const WinogradSpec& spec);
/// Words of constants per output channel: bias and the requantisation's.
int output_words(const WinogradSpec& spec);

/// void NAME_input(const int16_t *rows, uint32_t *v): transforms one tile of all channels, into every
/// tiles_at_once()-th word.
void write_input_transform(const WinogradSpec& spec, const target::Target& target, std::string& text, size_t& bytes);

/// void NAME_output(const uint32_t *constants, const int32_t *m, int8_t *output): transforms and requantises one tile
/// of all channels.
void write_output_transform(const WinogradSpec& spec, const target::Target& target, std::string& text, size_t& bytes);

}  // namespace mote::kernels::micro
