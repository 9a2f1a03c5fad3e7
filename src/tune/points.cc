#include "tune/points.h"

#include <algorithm>
#include <numeric>

namespace mote::tune {

Points::Points(const space::Space& space) : space_(space), size_(space.size()) {
  uint64_t begin = 0;
  for (const space::Alternative& alternative : space.alternatives) {
    parts_.push_back({begin, alternative.size()});
    begin += parts_.back().size;
    uint64_t weight = parts_.back().size;
    for (const space::Knob& knob : alternative.knobs) {
      const uint64_t radix = knob.values.size();
      weight /= radix;
      if (radix > 1) parts_.back().digits.push_back({&knob, radix, weight});
    }
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

std::optional<uint64_t> Points::draw_evenly(Random& random) {
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const uint64_t candidate = random_evenly(random);
    if (!is_fresh(candidate)) continue;
    take(candidate);
    return candidate;
  }
  return draw(random);
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

size_t Points::part_of(uint64_t index) const {
  size_t part = 0;
  while (index >= parts_[part].begin + parts_[part].size) ++part;
  return part;
}

uint64_t Points::random_in(size_t part, Random& random) const {
  return parts_[part].begin + random.below(parts_[part].size);
}

/// `base`, a point of `part`, with the values that `from`, of another alternative, has for knobs of the same name; each
/// is taken over with probability `keep`.
uint64_t Points::moved(uint64_t from, size_t part, double keep, uint64_t base, Random& random) const {
  const space::Config source = space_.at(from);
  uint64_t index = base - parts_[part].begin;
  for (const Digit& digit : parts_[part].digits) {
    for (const auto& [name, value] : source.values) {
      if (name != digit.knob->name) continue;
      const std::vector<int64_t>& values = digit.knob->values;
      const uint64_t place = static_cast<uint64_t>(std::find(values.begin(), values.end(), value) - values.begin());
      if (place == values.size() || random.unit() >= keep) continue;
      index += place * digit.weight - digit.of(index) * digit.weight;
    }
  }
  return parts_[part].begin + index;
}

uint64_t Points::neighbour(uint64_t from, Random& random) const {
  const size_t own = part_of(from);
  const Part& part = parts_[own];
  const size_t choices = part.digits.size() + (parts_.size() > 1 ? 1 : 0);
  if (choices == 0) return from;
  const size_t choice = random.below(choices);
  if (choice == part.digits.size()) {
    const size_t other = (own + 1 + random.below(parts_.size() - 1)) % parts_.size();
    return moved(from, other, 1, random_in(other, random), random);
  }
  const Digit& digit = part.digits[choice];
  const uint64_t now = digit.of(from - part.begin);
  const uint64_t shift = 1 + random.below(digit.radix - 1);
  return from - now * digit.weight + (now + shift) % digit.radix * digit.weight;
}

uint64_t Points::crossing(uint64_t a, uint64_t b, Random& random) const {
  const size_t part = part_of(a);
  if (part != part_of(b)) {
    if (random.below(2) == 0) std::swap(a, b);
    return moved(b, part_of(a), 0.5, a, random);
  }
  const uint64_t begin = parts_[part].begin;
  uint64_t child = begin;
  for (const Digit& digit : parts_[part].digits) {
    child += digit.of((random.below(2) == 0 ? a : b) - begin) * digit.weight;
  }
  return child;
}

int Points::distance(uint64_t a, uint64_t b) const {
  const Part& part = parts_[part_of(a)];
  if (part_of(a) != part_of(b)) {
    return static_cast<int>(std::max(part.digits.size(), parts_[part_of(b)].digits.size())) + 1;
  }
  return static_cast<int>(std::count_if(part.digits.begin(), part.digits.end(),
                                        [&](const Digit& d) { return d.of(a - part.begin) != d.of(b - part.begin); }));
}

}  // namespace mote::tune
