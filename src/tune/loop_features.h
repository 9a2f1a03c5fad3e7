// What a cost model sees of a lowered loop program, whatever operator and knobs it came from: so that what was learned
// from one workload says something of another.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "loop/ir.h"

namespace mote::tune {

/// The names of loop_features(), in order.
const std::vector<std::string_view>& loop_feature_names();

/// Counts are of one run of the program, as log2(1 + count); shares and estimates are said to be so by their names. Of
/// hand-scheduled functions the text is what can be seen: instructions of each kind per call. `slots`: instructions
/// that the core issues in a cycle (target::Pipeline).
std::vector<float> loop_features(const loop::Program& program, int slots);

}  // namespace mote::tune
