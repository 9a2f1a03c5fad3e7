// Registers for the values of a loop whose iterations overlap: colouring of circular arcs.
#pragma once

#include <optional>
#include <vector>

namespace mote::schedule {

/// A value lives in the half-open interval (begin, end] of positions; end - begin may not exceed the period. A value
/// may be written by the very instruction that reads another for the last time, and then share its register.
struct Arc {
  int begin = 0, end = 0;
};

/// A colour in [0, colours) for each arc, positions taken modulo `period`, such that arcs that overlap differ. Nothing
/// when there is none, or none was found within `effort` steps.
std::optional<std::vector<int>> colour_arcs(const std::vector<Arc>& arcs, int period, int colours, int effort = 20000);

}  // namespace mote::schedule
