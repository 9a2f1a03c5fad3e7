// Knobs: the degrees of freedom of a template, declared as data.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mote::space {

/// One degree of freedom: a finite list of values. `labels` name them where a number would say nothing (a layout) or
/// stands for several (a split). Names and labels are words of letters, digits and "_-+.,:/"; a label is not a number,
/// so that text stays unambiguous.
struct Knob {
  enum class Kind : uint8_t { kNumber, kName, kSplit, kOrder };
  std::string name;
  std::vector<int64_t> values;      // at least one, all different; the first is a good guess
  std::vector<std::string> labels;  // empty, or one per value, all different
  std::string help;                 // one line, for people
  Kind kind = Kind::kNumber;
  bool operator==(const Knob&) const = default;
};

/// The knob kinds; each reduces to a list of values. They abort on what a template must not ask for: an empty list, a
/// value twice, a name that is no word.
Knob choice(std::string name, std::vector<std::string> labels, std::string help);  // values 0, 1, 2 ...
Knob flag(std::string name, std::string help);                                     // 0 or 1
Knob one_of(std::string name, std::vector<int64_t> values, std::string help);      // as given
Knob power_of_two(std::string name, int64_t lo, int64_t hi, std::string help);     // lo, 2*lo, ... up to hi; lo >= 1
Knob divisors(std::string name, int64_t extent, int64_t most, std::string help);   // divisors of extent up to most

/// The ways to write `extent` as a product of `parts` factors (2 to 4), outermost first: "16x2x4". `keep` says which of
/// them are wanted; all when it is empty. Config::factors() reads the value.
Knob split(std::string name, int64_t extent, int parts, const std::function<bool(const std::vector<int64_t>&)>& keep,
           std::string help);

/// The orders of `axes` (at most eight), outermost first: "oy,co,ox". `keep` as above; it is given places in `axes`.
/// Config::order() reads the value.
Knob order(std::string name, const std::vector<std::string>& axes,
           const std::function<bool(const std::vector<size_t>&)>& keep, std::string help);

/// `knob` with `value`, one of its own, moved to the front: the good guess.
Knob guess_first(Knob knob, int64_t value);

}  // namespace mote::space
