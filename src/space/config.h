// A Config is one point of a config space: an alternative and a value for each of its knobs. Small, printable,
// comparable, replayable from text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mote::space {

struct Config {
  std::string alternative;  // its name; "" in a space without alternatives
  /// Knob names with values, in the order of the alternative's knobs. What a value means depends on the kind of knob
  /// (space.h).
  std::vector<std::pair<std::string, int64_t>> values;

  /// The value of knob `name`; aborts when there is none (a template asks only for knobs it declared).
  int64_t at(std::string_view name) const;
  /// The value of knob `name`, or `otherwise`.
  int64_t get(std::string_view name, int64_t otherwise) const;
  /// The factors that a split() knob stands for, outermost first.
  std::vector<int64_t> factors(std::string_view name) const;
  /// The places of an order() knob's axes in the list it was declared with, outermost first.
  std::vector<size_t> order(std::string_view name) const;
  /// Gives knob `name` another value; aborts when there is no such knob.
  void set(std::string_view name, int64_t value);
  bool operator==(const Config&) const = default;
};

/// How split() and order() knobs keep a list in one value; factors are positive and below 32768, four at most; an order
/// has at most eight axes.
int64_t pack_factors(const std::vector<int64_t>& factors);
std::vector<int64_t> unpack_factors(int64_t value);
int64_t pack_order(const std::vector<size_t>& order);
std::vector<size_t> unpack_order(int64_t value);

}  // namespace mote::space
