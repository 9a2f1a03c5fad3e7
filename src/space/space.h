// Config spaces: what a kernel's template leaves open, declared as data, and which combinations are legal.
//
// A space is a list of alternatives (algorithms, say). Each has its own knobs, and its points are the product of their
// values; so no point sets a knob that its program does not have, and few points are illegal. Points are numbered
// through all alternatives, one after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "space/config.h"
#include "space/knob.h"

namespace mote::space {

/// Why a point is illegal ("needs 70 KB of scratch, the board has 64"), or nothing when it is legal. Asked only about
/// points of the product. May be empty: all legal.
using Illegal = std::function<std::optional<std::string>(const Config&)>;

/// One way to do the work.
struct Alternative {
  std::string name;  // a word; "" for the only one
  std::vector<Knob> knobs;
  Illegal illegal;

  /// Number of points, legal or not; 1 without knobs. Aborts when 64 bits do not hold it.
  uint64_t size() const;
  /// The point with mixed-radix index `index` < size(); the last knob varies fastest.
  Config at(uint64_t index) const;
  /// The inverse of at(); nothing when the config is another alternative's, has other knobs or values, or the same in
  /// another order.
  std::optional<uint64_t> index_of(const Config& config) const;
  /// at(0) with some knobs set, to values they have.
  Config with(const std::vector<std::pair<std::string, int64_t>>& settings) const;
  /// The knob of that name, or null.
  const Knob* knob(std::string_view name) const;
};

struct Space {
  std::vector<Alternative> alternatives =
      std::vector<Alternative>(1);  // at least one; names all different, and "" only when it is the only one

  /// Number of points of all alternatives, legal or not. Aborts when 64 bits do not hold it.
  uint64_t size() const;
  /// Point `index` < size(): those of the first alternative come first.
  Config at(uint64_t index) const;
  /// The inverse of at(); nothing when `config` is no point of this space.
  std::optional<uint64_t> index_of(const Config& config) const;
  /// The alternative of that name, or null.
  const Alternative* alternative(std::string_view name) const;
  /// Why `config` is not a legal point of this space; nothing when it is.
  std::optional<std::string> why_illegal(const Config& config) const;

  /// "algorithm=im2col tile_co=2 unroll=1": the alternative, unless it has no name, and the knobs; labels where there
  /// are any. A value that is none of the knob's is printed as a number.
  std::string text_of(const Config& config) const;
  /// Reads text_of() back; the knobs may come in any order, each at most once. A knob that is left out has its first
  /// value: a template may get a new knob whose first value means what it did before, and old records still hold.
  /// Nothing when the text does not fit.
  std::optional<Config> parse(std::string_view text) const;
};

/// A space without alternatives.
Space product(std::vector<Knob> knobs, Illegal illegal = {});

/// The word that names the alternative in a config's text. No knob has this name.
inline constexpr std::string_view kAlternativeWord = "algorithm";

}  // namespace mote::space
