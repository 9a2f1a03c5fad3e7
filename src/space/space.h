// Config spaces: knobs, declared as data by a kernel's template, and which combinations are legal.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "space/config.h"

namespace mote::space {

/// One degree of freedom: a finite list of values. `labels` names them where a number would say nothing (an algorithm).
/// Names and labels are words of letters, digits and "_-+.,:/"; a label is not a number, so that text stays
/// unambiguous.
struct Knob {
  std::string name;
  std::vector<int64_t> values;      // at least one, all different
  std::vector<std::string> labels;  // empty, or one per value, all different
  std::string help;                 // one line, for people
  bool operator==(const Knob&) const = default;
};

/// The knob kinds; each reduces to a list of values. They abort on what a template must not ask for: an empty list, a
/// value twice, a name that is no word.
Knob choice(std::string name, std::vector<std::string> labels, std::string help);  // values 0, 1, 2 ...
Knob flag(std::string name, std::string help);                                     // 0 or 1
Knob one_of(std::string name, std::vector<int64_t> values, std::string help);      // as given
Knob power_of_two(std::string name, int64_t lo, int64_t hi, std::string help);     // lo, 2*lo, ... up to hi; lo >= 1
Knob divisors(std::string name, int64_t extent, int64_t most, std::string help);   // divisors of extent up to most

/// A config space: the product of its knobs, less the points that are not legal.
struct Space {
  std::vector<Knob> knobs;
  /// Why a point is illegal ("needs 70 KB of scratch, the board has 64"), or nothing when it is legal. Asked only about
  /// points of the product. May be empty: all legal.
  std::function<std::optional<std::string>(const Config&)> illegal;

  /// Number of points, legal or not; 1 for a space without knobs. Aborts when 64 bits do not hold it.
  uint64_t size() const;
  /// The point with mixed-radix index `index` < size(); the last knob varies fastest.
  Config at(uint64_t index) const;
  /// The inverse of at(); nothing when the config has other knobs or values than this space, or the same in another
  /// order.
  std::optional<uint64_t> index_of(const Config& config) const;
  /// Why `config` is not a legal point of this space; nothing when it is.
  std::optional<std::string> why_illegal(const Config& config) const;

  /// "algorithm=im2col tile_co=2 unroll=1": labels where there are any. A value that is none of the knob's is printed
  /// as a number.
  std::string text_of(const Config& config) const;
  /// Reads text_of() back; the knobs may come in any order, each exactly once. Nothing when the text does not fit.
  std::optional<Config> parse(std::string_view text) const;
};

}  // namespace mote::space
