// Measured cycles against their line, as a picture.
#pragma once

#include <string>
#include <vector>

#include "shapes/fit.h"
#include "shapes/measure.h"

namespace mote::shapes {

/// A measurement with what its family's line says.
struct Point {
  const Measurement* measurement;
  double expected;  // cycles
};

/// An SVG: expected cycles to the right, measured ones upwards, both logarithmic; the line itself and 1.6 times it.
std::string plot(const std::string& title, const std::vector<Point>& points, double limit);

}  // namespace mote::shapes
