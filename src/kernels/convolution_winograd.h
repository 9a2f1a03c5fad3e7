// Conv2D 3x3 of stride 1 through the exact-integer Winograd transform, for targets with the DSP extension.
#pragma once

#include <optional>
#include <string>

#include "kernels/kernel.h"

namespace mote::kernels {

/// Why there is no such program for this workload on this target, its weights aside; nothing when there may be one.
std::optional<std::string> why_no_convolution_winograd(const Workload& workload, const target::Target& target);

/// Throws loop::ScheduleError when the weights leave room for an overflow, or no requantisation is exact.
loop::Program convolution_winograd(const Workload& workload, const target::Target& target, const std::string& name);

}  // namespace mote::kernels
