// The points of one task's space as a search sees them: numbers, of which some are taken and some illegal.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_set>
#include <vector>

#include "space/space.h"
#include "support/random.h"

namespace mote::tune {

class Points {
 public:
  /// `space` must outlive this.
  explicit Points(const space::Space& space);

  const space::Space& space() const { return space_; }
  uint64_t size() const { return size_; }
  bool is_taken(uint64_t index) const { return taken_.contains(index); }
  bool is_legal(uint64_t index) const { return !space_.why_illegal(space_.at(index)); }
  /// Legal and not taken yet.
  bool is_fresh(uint64_t index) const { return !is_taken(index) && is_legal(index); }
  /// Never to be proposed again.
  void take(uint64_t index) { taken_.insert(index); }

  /// Takes a random fresh point; nothing when there is none left (or none among a million that were looked at).
  std::optional<uint64_t> draw(Random& random);
  /// The same, of a random alternative: one of few points comes up as often as one of many.
  std::optional<uint64_t> draw_evenly(Random& random);
  /// Takes a fresh point that differs from `from` in one knob, or, when there seem to be none, in two, then in three;
  /// nothing when a few dozen attempts at each found none.
  std::optional<uint64_t> draw_near(uint64_t from, Random& random);

  /// Any point of a random alternative.
  uint64_t random_evenly(Random& random) const { return random_in(random.below(parts_.size()), random); }
  /// A point that differs from `from` in one random choice: a knob of several values, or the alternative (knobs of the
  /// same name keep their value where they can, the others are random). `from` itself when there is no choice.
  uint64_t neighbour(uint64_t from, Random& random) const;
  /// The point that takes each knob from `a` or from `b`, at random. Of two alternatives it has one, at random, and
  /// takes from the other parent's only what both have.
  uint64_t crossing(uint64_t a, uint64_t b, Random& random) const;
  /// In how many knobs two points differ; more than in any knobs when they differ in the alternative.
  int distance(uint64_t a, uint64_t b) const;

 private:
  /// A knob with at least two values, as a digit of the index within its alternative.
  struct Digit {
    const space::Knob* knob = nullptr;
    uint64_t radix = 1, weight = 1;
    uint64_t of(uint64_t index) const { return index / weight % radix; }
  };
  /// An alternative's points.
  struct Part {
    uint64_t begin = 0, size = 1;
    std::vector<Digit> digits{};
  };

  size_t part_of(uint64_t index) const;
  uint64_t moved(uint64_t from, size_t part, double keep, uint64_t base, Random& random) const;
  uint64_t random_in(size_t part, Random& random) const;

  const space::Space& space_;
  uint64_t size_;
  std::vector<Part> parts_;  // one per alternative
  std::unordered_set<uint64_t> taken_;
};

}  // namespace mote::tune
