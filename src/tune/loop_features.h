// What a cost model sees of a lowered loop program, whatever operator and knobs it came from: so that what was learned
// from one workload says something of another.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "loop/ir.h"
#include "schedule/call_estimate.h"

namespace mote::tune {

/// The names of loop_features(), in order.
const std::vector<std::string_view>& loop_feature_names();

/// Counts are of one run of the program, as log2(1 + count) - log2(1 + work): `work` is what every program of the
/// workload has to do (its multiply-accumulates), so that large and small workloads look alike. Sizes, shares and
/// ratios are said to be so by their names. Of hand-scheduled functions `estimator` says what their calls cost.
std::vector<float> loop_features(const loop::Program& program, const schedule::CallEstimator& estimator, double work);

/// What such features promise (ModelInputs::estimate): fewer cycles.
float estimated_merit(const std::vector<float>& loop_features);

}  // namespace mote::tune
