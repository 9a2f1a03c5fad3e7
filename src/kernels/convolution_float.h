// Conv2D in float32 through the FPU's micro-kernel. It walks through the input where it lies; where there is padding, a
// block of input rows at a time is copied to workspace with it.
#pragma once

#include <optional>
#include <string>

#include "kernels/kernel.h"

namespace mote::kernels {

/// Why there is no such program for this workload on this target; nothing when there is.
std::optional<std::string> why_no_convolution_float(const Workload& workload, const target::Target& target);

/// The knobs, the fallback first: tile (of micro::float_gemm_tiles), code_budget, and where there is padding rows, the
/// output rows per block.
space::Alternative convolution_float_space(const std::string& name, const Workload& workload,
                                           const target::Target& target);

/// Throws loop::ScheduleError when the generator refuses.
loop::Program convolution_float(const Workload& workload, const space::Config& config, const target::Target& target,
                                const std::string& name);

}  // namespace mote::kernels
