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

/// The log2 of the estimated cycles (ModelInputs::estimate), told like the counts; many for a program that cannot be.
float estimated_cycles(const std::vector<float>& loop_features);

/// The bytes of flash that such a program takes (ModelInputs::flash), roughly: its constants, its functions in
/// assembly.
double estimated_flash(const std::vector<float>& loop_features);

}  // namespace mote::tune
