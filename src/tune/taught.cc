#include "tune/taught.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

namespace mote::tune {
namespace {

/// Merits become scores. Those of different groups compare: a program's features, too, are told per operation.
void tell_scores(std::vector<Example>* examples) {
  std::map<uint32_t, float> slowest;
  for (const Example& example : *examples) {
    if (example.merit <= 0) continue;
    const auto [entry, is_new] = slowest.try_emplace(example.group, example.merit);
    entry->second = std::min(entry->second, example.merit);
  }
  for (Example& example : *examples) {
    const auto least = slowest.find(example.group);
    const float failure = least == slowest.end() ? 1 : least->second / 2;
    example.merit = kScorePerHalf * std::log2(example.merit > 0 ? example.merit : failure);
  }
}

}  // namespace

float estimated_score(const Estimate& estimate, const std::vector<float>& program) {
  return estimate ? -kScorePerHalf * estimate(program) : 0;
}

Taught::Taught(std::vector<Example> examples, const Estimate& estimate) : model_(1, CostModel::Goal::kMerit) {
  for (Example& example : examples) example.prior = estimated_score(estimate, example.features);
  tell_scores(&examples);
  model_.fit(examples);
}

float Taught::score(const std::vector<float>& program, float estimated) const {
  return model_.score(std::span(&program, 1), std::span(&estimated, 1)).front();
}

}  // namespace mote::tune
