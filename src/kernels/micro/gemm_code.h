// The assembly of a GEMM micro-kernel: loops over groups and tiles around GemmSteps, and the epilogue.
#pragma once

#include <string>

#include "kernels/micro/gemm.h"

namespace mote::kernels::micro {

/// `spec` with its tile sizes and segments as they are used: no tile wider than the channels, int16 weights for single
/// channels, segments that follow one another merged.
GemmSpec normalised(GemmSpec spec);

int tiles_of(const GemmSpec& spec);

/// First channel of a tile: the last one is moved back to end at the last channel.
int first_channel(const GemmSpec& spec, int tile);

/// Words of the weight stream that belong to one tile.
int words_per_tile(const GemmSpec& spec);

/// The function's assembly and its size. `spec` must be normalised and possible.
struct GemmAssembly {
  std::string text;
  size_t bytes = 0;
};
GemmAssembly gemm_assembly(const GemmSpec& spec, const target::Target& target);

}  // namespace mote::kernels::micro
