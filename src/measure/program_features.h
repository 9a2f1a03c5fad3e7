// What the cost model sees of a point's program: the point is lowered, not compiled.
#pragma once

#include <vector>

#include "kernels/kernel.h"
#include "records/trial.h"
#include "tune/features.h"

namespace mote::measure {

/// tune::loop_features() of a point of one of `workloads` (found by key; as many for every workload), all NaN for a
/// point that cannot be lowered.
tune::FeatureFn program_features(const std::vector<kernels::Workload>& workloads, const target::Target& target);

/// Examples for other searches (tune::Taught) from `trials`: those of `workloads`, whose points are lowered again, each
/// for the target it was measured on; at most `most` of each workload and setting, a group each, the fastest and the
/// first measured of the others. Merits are multiply-accumulates (of operators without any, elements of output) per
/// cycle. Groups count from 1. Trials of other versions of a template count too: their kernels are alike. Left out:
/// trials of other workloads and of targets that are not known, points that the space no longer has, and failed
/// connections.
std::vector<tune::Example> examples_from(const std::vector<records::Trial>& trials,
                                         const std::vector<kernels::Workload>& workloads, size_t most);

}  // namespace mote::measure
