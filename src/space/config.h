// A Config is one point of a config space: a value for every knob. Small, printable, comparable, replayable from text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mote::space {

/// Knob names with values, in the order of the space. A knob that chooses among names holds the name's number.
struct Config {
  std::vector<std::pair<std::string, int64_t>> values;

  /// The value of knob `name`; aborts when there is none (a template asks only for knobs it declared).
  int64_t at(std::string_view name) const;
  /// The value of knob `name`, or `otherwise`.
  int64_t get(std::string_view name, int64_t otherwise) const;
  bool operator==(const Config&) const = default;
};

}  // namespace mote::space
