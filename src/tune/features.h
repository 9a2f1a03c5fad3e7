// What a cost model sees of a point.
#pragma once

#include <functional>
#include <vector>

#include "tune/measurer.h"

namespace mote::tune {

/// The features of a point, as many for every point of a task; NaN where one does not apply. The same config must
/// always give the same features.
using FeatureFn = std::function<std::vector<float>(const Task&, const space::Config&)>;

/// The features there are without knowing what the knobs mean. One 0/1 per alternative; then for each alternative (NaN
/// for points of another) every number, one 0/1 per name, each factor of a split, the place of each axis of an order,
/// and the product of each two knobs of positive numbers with more than two values (two tile sizes make a tile).
std::vector<float> knob_features(const Task& task, const space::Config& config);

}  // namespace mote::tune
