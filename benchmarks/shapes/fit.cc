#include "shapes/fit.h"

#include <algorithm>
#include <array>

namespace mote::shapes {

namespace {

/// The first `count` coefficients; the others are 0.
Line fit(const std::vector<Sample>& samples, size_t count) {
  // Coordinate descent: each coefficient in turn takes the value that is best given the others, or 0.
  std::array<double, 4> coefficients{};
  constexpr int kRounds = 20'000;
  for (int round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < count; ++i) {
      double numerator = 0, denominator = 0;
      for (const Sample& sample : samples) {
        const std::array<double, 4> terms{sample.macs / sample.cycles, sample.outputs / sample.cycles,
                                          1 / sample.cycles, sample.inputs / sample.cycles};
        double rest = 1;
        for (size_t j = 0; j < terms.size(); ++j) rest -= j == i ? 0 : coefficients[j] * terms[j];
        numerator += rest * terms[i];
        denominator += terms[i] * terms[i];
      }
      coefficients[i] = std::max(denominator > 0 ? numerator / denominator : 0, 0.0);
    }
  }
  return {coefficients[0], coefficients[1], coefficients[2], coefficients[3]};
}

}  // namespace

Line fit(const std::vector<Sample>& samples) {
  return fit(samples, 3);
}

Line fit_with_inputs(const std::vector<Sample>& samples) {
  return fit(samples, 4);
}

}  // namespace mote::shapes
