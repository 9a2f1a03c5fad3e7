// DepthwiseConv2D in float32 through the FPU's micro-kernel, which reads the input where it lies: rows that are padding
// are left out, and the groups of positions at the sides, whose windows reach into padding, are functions of their own.
#pragma once

#include <optional>
#include <string>

#include "kernels/kernel.h"

namespace mote::kernels {

/// Why there is no such program for this workload on this target; nothing when there is.
std::optional<std::string> why_no_depthwise_float(const Workload& workload, const target::Target& target);

/// Knobs: lanes and positions, the channels and columns whose sums are kept in registers.
space::Alternative depthwise_float_space(const std::string& name, const Workload& workload);

/// The knobs with the least estimated cycles.
space::Config depthwise_float_fallback(const std::string& name, const Workload& workload, const target::Target& target);

/// Throws loop::ScheduleError when the generator refuses.
loop::Program depthwise_float(const Workload& workload, const space::Config& config, const target::Target& target,
                              const std::string& name);

}  // namespace mote::kernels
