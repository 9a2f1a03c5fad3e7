#include "tune/features.h"

#include <algorithm>

namespace mote::tune {

std::vector<float> knob_features(const Task& task, const space::Config& config) {
  std::vector<float> features, factors;
  for (size_t i = 0; i < task.space.knobs.size(); ++i) {
    const space::Knob& knob = task.space.knobs[i];
    const int64_t value = config.values[i].second;
    if (knob.values.size() < 2) continue;
    if (!knob.labels.empty()) {
      for (const int64_t label : knob.values) features.push_back(value == label ? 1.0F : 0.0F);
      continue;
    }
    features.push_back(static_cast<float>(value));
    const bool positive = std::all_of(knob.values.begin(), knob.values.end(), [](int64_t v) { return v > 0; });
    if (positive && knob.values.size() > 2) factors.push_back(static_cast<float>(value));
  }
  for (size_t i = 0; i < factors.size(); ++i) {
    for (size_t k = i + 1; k < factors.size(); ++k) features.push_back(factors[i] * factors[k]);
  }
  return features;
}

}  // namespace mote::tune
