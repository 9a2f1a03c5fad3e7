#include "tune/features.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <string>

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

/// Features under a name: knobs of one name and kind in several alternatives share their features.
using Named = std::vector<std::pair<std::string, std::vector<float>>>;

Named named_features(const space::Alternative& alternative, const space::Config& config) {
  Named features;
  std::vector<std::pair<std::string, float>> factors;
  for (size_t i = 0; i < alternative.knobs.size(); ++i) {
    const space::Knob& knob = alternative.knobs[i];
    if (knob.values.size() < 2) continue;
    std::vector<float> own;
    add_knob(knob, config.values[i].second, &own);
    features.emplace_back(fmt::format("{} {} {}", knob.name, static_cast<int>(knob.kind), own.size()), own);
    if (is_factor(knob)) factors.emplace_back(knob.name, own.front());
  }
  for (size_t i = 0; i < factors.size(); ++i) {
    for (size_t k = i + 1; k < factors.size(); ++k) {
      features.push_back({factors[i].first + " * " + factors[k].first, {factors[i].second * factors[k].second}});
    }
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
  const space::Alternative* own = task.space.alternative(config.alternative);
  const Named values = named_features(*own, config);
  std::set<std::string> seen;
  for (const space::Alternative& a : alternatives) {
    for (const auto& [name, others] : &a == own ? values : named_features(a, a.at(0))) {
      if (!seen.insert(name).second) continue;
      const auto value = std::find_if(values.begin(), values.end(), [&](const auto& v) { return v.first == name; });
      const std::vector<float> absent(others.size(), std::numeric_limits<float>::quiet_NaN());
      const std::vector<float>& used = value == values.end() ? absent : value->second;
      features.insert(features.end(), used.begin(), used.end());
    }
  }
  return features;
}

}  // namespace mote::tune
