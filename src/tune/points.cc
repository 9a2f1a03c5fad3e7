#include "tune/points.h"

#include <algorithm>
#include <numeric>

namespace mote::tune {

Points::Points(const space::Space& space) : space_(space), size_(space.size()) {
  uint64_t weight = size_;
  for (const space::Knob& knob : space.knobs) {
    const uint64_t radix = knob.values.size();
    weight /= radix;
    if (radix > 1) digits_.push_back({radix, weight});
  }
}

std::optional<uint64_t> Points::draw(Random& random) {
  if (taken_.size() >= size_) return std::nullopt;
  // A walk of a random stride that is coprime to the size visits every point once, wherever it starts.
  constexpr uint64_t kMostSteps = 1'000'000;
  uint64_t stride = 1 + random.below(size_);
  while (std::gcd(stride, size_) != 1) stride = 1 + random.below(size_);
  unsigned __int128 index = random.below(size_);
  for (uint64_t step = 0; step < std::min(size_, kMostSteps); ++step) {
    const uint64_t candidate = static_cast<uint64_t>(index);
    if (is_fresh(candidate)) {
      take(candidate);
      return candidate;
    }
    index = (index + stride) % size_;
  }
  return std::nullopt;
}

std::optional<uint64_t> Points::draw_near(uint64_t from, Random& random) {
  constexpr int kAttempts = 40;
  for (int changes = 1; changes <= 3; ++changes) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      uint64_t candidate = from;
      for (int i = 0; i < changes; ++i) candidate = neighbour(candidate, random);
      if (!is_fresh(candidate)) continue;
      take(candidate);
      return candidate;
    }
  }
  return std::nullopt;
}

uint64_t Points::neighbour(uint64_t from, Random& random) const {
  if (digits_.empty()) return from;
  const Digit& digit = digits_[random.below(digits_.size())];
  const uint64_t now = digit.of(from);
  const uint64_t shift = 1 + random.below(digit.radix - 1);
  return from - now * digit.weight + (now + shift) % digit.radix * digit.weight;
}

uint64_t Points::crossing(uint64_t a, uint64_t b, Random& random) const {
  uint64_t child = 0;
  for (const Digit& digit : digits_) child += digit.of(random.below(2) == 0 ? a : b) * digit.weight;
  return child;
}

int Points::distance(uint64_t a, uint64_t b) const {
  return static_cast<int>(
      std::count_if(digits_.begin(), digits_.end(), [&](const Digit& d) { return d.of(a) != d.of(b); }));
}

}  // namespace mote::tune
