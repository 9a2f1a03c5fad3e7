// What a cost model sees of a point.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tune/measurer.h"
#include "tune/taught.h"

namespace mote::tune {

/// The features of a point, as many for every point of a task; NaN where one does not apply. The same config must
/// always give the same features.
using FeatureFn = std::function<std::vector<float>(const Task&, const space::Config&)>;

/// The features there are without knowing what the knobs mean. One 0/1 per alternative; then for each knob of any of
/// them (NaN where a point has no such knob) its number, one 0/1 per name, each factor of a split or the place of each
/// axis of an order, and the product of each two knobs of positive numbers with more than two values (two tile sizes
/// make a tile).
std::vector<float> knob_features(const Task& task, const space::Config& config);

/// What the cost model of a guided search learns from.
struct ModelInputs {
  FeatureFn knobs = knob_features;
  /// Of the lowered program, as many for every point of every workload (loop_features.h); dearer than those of the
  /// knobs, so only promising points are looked at. May be empty.
  FeatureFn program{};
  /// The cycles a program is expected to take, before anything was measured. May be empty.
  Estimate estimate{};
  /// The bytes of flash that a program takes, by its features. May be empty.
  std::function<double(const std::vector<float>& program)> flash{};
  /// What was learned of other workloads, boards and models, upon the same estimate; may be null.
  std::shared_ptr<const Taught> taught{};
};

}  // namespace mote::tune
