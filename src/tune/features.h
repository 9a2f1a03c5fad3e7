// What a cost model sees of a point.
#pragma once

#include <functional>
#include <vector>

#include "tune/measurer.h"

namespace mote::tune {

/// The features of a point, as many for every point of a task. The same config must always give the same features.
using FeatureFn = std::function<std::vector<float>(const Task&, const space::Config&)>;

/// The features there are without knowing what the knobs mean: the value of every knob of numbers, one 0/1 per label of
/// a knob of names, and the product of each two knobs of positive numbers with more than two values (two tile sizes
/// make a tile).
std::vector<float> knob_features(const Task& task, const space::Config& config);

}  // namespace mote::tune
