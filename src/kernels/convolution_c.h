// Conv2D as loops in C: what every target can run.
#pragma once

#include "kernels/kernel.h"

namespace mote::kernels {

/// y[n,oy,ox,co] from loops over all of them, the input read where it lies. Knobs used: tile_co and tile_ox (sums kept
/// in registers), outputs and sum (orders of loops), unroll_ci and window (what of the sum is written out), border
/// (peeled: no tests for padding in the interior), packed (weights in the order they are read).
loop::Program convolution_direct(const Workload& workload, const space::Config& config, const std::string& name);

/// `rows` output rows at a time: the windows they need are copied to workspace (im2col), then multiplied as matrices in
/// tiles. With the DSP extension both are int16 and multiplied in pairs. Knobs used: rows, tile_co, tile_p, unroll_k,
/// outer (which tiles are walked through first), packed.
loop::Program convolution_im2col(const Workload& workload, const space::Config& config, const target::Target& target,
                                 const std::string& name);

}  // namespace mote::kernels
