#include "tune/taught.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

namespace mote::tune {
namespace {

struct Range {
  float slowest = 0, fastest = 0;
};

/// Merits become scores. Those of different groups compare: a program's features, too, are told per operation. A point
/// counts by the square of its speed beside its group's fastest: telling the good ones apart is what matters, and most
/// of what is measured at random is slow.
void tell_scores(std::vector<Example>* examples) {
  std::map<uint32_t, Range> ranges;
  for (const Example& example : *examples) {
    if (example.merit <= 0) continue;
    const auto [entry, is_new] = ranges.try_emplace(example.group, Range{example.merit, example.merit});
    Range& range = entry->second;
    range = {std::min(range.slowest, example.merit), std::max(range.fastest, example.merit)};
  }
  for (Example& example : *examples) {
    const auto found = ranges.find(example.group);
    const Range range = found == ranges.end() ? Range{2, 2} : found->second;
    const float merit = example.merit > 0 ? example.merit : range.slowest / 2;
    const float share = merit / range.fastest;
    example.merit = kScorePerHalf * std::log2(merit);
    example.weight = share * share;
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
