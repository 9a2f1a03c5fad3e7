// The parts of an integer Winograd convolution, and where their operands lie.
//
// Scratch: four padded rows of the image in int16, [4][padded width][in_channels], channels in the order of
// WidenOrder::kQuads; then the transformed tiles V [16][in_channels / 2][tiles] words of two channels; then the
// products M [out_channels][tiles][16] words.
#pragma once

#include "kernels/micro/gemm.h"
#include "kernels/micro/winograd.h"

namespace mote::kernels::micro {

/// Tiles of 2x2 outputs across and down; the last ones are moved back to end at the image's edge.
int tiles_across(const WinogradSpec& spec);
int tiles_down(const WinogradSpec& spec);
/// Tiles transformed and multiplied together.
int tiles_at_once(const WinogradSpec& spec);
/// Bytes of one padded row.
int row_bytes(const WinogradSpec& spec);
/// Bytes of V that belong to one of the 16 positions.
int transformed_bytes(const WinogradSpec& spec);
/// The sixteen products as one GEMM with sixteen groups.
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
