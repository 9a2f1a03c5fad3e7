// Conv2D through the GEMM micro-kernel, for targets with the DSP extension. A block of output rows at a time: the input
// rows it needs are widened to int16 in workspace, with their padding, and the kernel walks through them where they lie
// (no im2col).
#pragma once

#include <optional>
#include <string>

#include "kernels/kernel.h"

namespace mote::kernels {

/// Why there is no such program for this workload on this target; nothing when there is.
std::optional<std::string> why_no_convolution_gemm(const Workload& workload, const target::Target& target);

/// Knobs used: layout (rows: the kernel walks through the widened rows; columns: windows are copied side by side, for
/// widths that do not fill tiles and odd numbers of channels), tile (of micro::gemm_tiles), wide (int16 weights), rows
/// (output rows per block; pointwise: times the width, positions per block), code_budget. Throws loop::ScheduleError
/// when no requantisation is exact or the generator refuses.
loop::Program convolution_gemm(const Workload& workload, const space::Config& config, const target::Target& target,
                               const std::string& name);

}  // namespace mote::kernels
