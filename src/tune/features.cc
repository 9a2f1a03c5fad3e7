#include "tune/features.h"

#include <algorithm>
#include <limits>

namespace mote::tune {
namespace {

bool is_factor(const space::Knob& knob) {
  return knob.kind == space::Knob::Kind::kNumber && knob.values.size() > 2 &&
         std::all_of(knob.values.begin(), knob.values.end(), [](int64_t v) { return v > 0; });
}

void add_knob(const space::Knob& knob, int64_t value, std::vector<float>* features) {
  switch (knob.kind) {
    case space::Knob::Kind::kNumber:
      features->push_back(static_cast<float>(value));
      break;
    case space::Knob::Kind::kName:
      for (const int64_t name : knob.values) features->push_back(value == name ? 1.0F : 0.0F);
      break;
    case space::Knob::Kind::kSplit:
      for (const int64_t factor : space::unpack_factors(value)) features->push_back(static_cast<float>(factor));
      break;
    case space::Knob::Kind::kOrder: {
      const std::vector<size_t> order = space::unpack_order(value);
      for (size_t axis = 0; axis < order.size(); ++axis) {
        const auto place = std::find(order.begin(), order.end(), axis) - order.begin();
        features->push_back(static_cast<float>(place));
      }
      break;
    }
  }
}

std::vector<float> block_of(const space::Alternative& alternative, const space::Config& config) {
  std::vector<float> features, factors;
  for (size_t i = 0; i < alternative.knobs.size(); ++i) {
    const space::Knob& knob = alternative.knobs[i];
    if (knob.values.size() < 2) continue;
    add_knob(knob, config.values[i].second, &features);
    if (is_factor(knob)) factors.push_back(static_cast<float>(config.values[i].second));
  }
  for (size_t i = 0; i < factors.size(); ++i) {
    for (size_t k = i + 1; k < factors.size(); ++k) features.push_back(factors[i] * factors[k]);
  }
  return features;
}

}  // namespace

std::vector<float> knob_features(const Task& task, const space::Config& config) {
  const std::vector<space::Alternative>& alternatives = task.space.alternatives;
  std::vector<float> features;
  if (alternatives.size() > 1) {
    for (const space::Alternative& a : alternatives) features.push_back(a.name == config.alternative ? 1.0F : 0.0F);
  }
  for (const space::Alternative& a : alternatives) {
    const bool own = a.name == config.alternative;
    const std::vector<float> block = block_of(a, own ? config : a.at(0));
    for (const float f : block) features.push_back(own ? f : std::numeric_limits<float>::quiet_NaN());
  }
  return features;
}

}  // namespace mote::tune
