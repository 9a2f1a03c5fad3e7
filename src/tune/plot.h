// Falling curves as an SVG picture: best cycles against trials.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace mote::tune {

struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;  // by x; y stays until the next point
};

struct Plot {
  std::string title, x_axis, y_axis;
  std::vector<Curve> curves;  // eight at most have colours of their own
  bool log_x = true;          // x from 1 on
};

/// A stand-alone SVG file. Text in it is escaped. Without any points it has axes only.
std::string svg_of(const Plot& plot);

}  // namespace mote::tune
