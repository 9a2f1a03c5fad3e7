#include "tune/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>

namespace mote::tune {
namespace {

constexpr double kWidth = 720, kHeight = 420, kLeft = 90, kRight = 20, kTop = 40, kBottom = 50;
constexpr std::array<const char*, 8> kColours{"#1f6fb4", "#d9482b", "#2d9d53", "#8a4fb0",
                                              "#e09a1a", "#4aa8b8", "#b0447c", "#666666"};

std::string number_text(double value) {
  const bool whole = std::abs(value - std::round(value)) < 1e-9;
  char text[40];
  if (std::abs(value) >= 1e6) {
    std::snprintf(text, sizeof text, "%.4g M", value / 1e6);
  } else if (std::abs(value) >= 1e4) {
    std::snprintf(text, sizeof text, "%.4g k", value / 1e3);
  } else {
    std::snprintf(text, sizeof text, whole ? "%.0f" : "%.3g", value);
  }
  return text;
}

std::string coordinate(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += static_cast<unsigned char>(c) < ' ' ? '?' : c;
        break;
    }
  }
  return out;
}

/// From values to places in the picture.
struct Scale {
  double lo = 0, hi = 1, from = 0, to = 1;
  bool log = false;

  double at(double value) const {
    const double v = log ? std::log(std::max(value, 1.0)) : value;
    const double a = log ? std::log(lo) : lo, b = log ? std::log(hi) : hi;
    return from + (to - from) * (v - a) / (b - a);
  }
};

/// Round numbers in [lo, hi], five or so; powers of ten and their doubles on a logarithmic scale.
std::vector<double> ticks_of(const Scale& scale) {
  std::vector<double> ticks;
  if (scale.log) {
    for (double decade = 1; decade <= scale.hi; decade *= 10) {
      for (const double factor : {1.0, 2.0, 5.0}) {
        if (decade * factor >= scale.lo && decade * factor <= scale.hi) ticks.push_back(decade * factor);
      }
    }
    return ticks;
  }
  double step = std::pow(10, std::floor(std::log10((scale.hi - scale.lo) / 2)));
  while ((scale.hi - scale.lo) / step > 7) step *= 2;
  for (double tick = std::ceil(scale.lo / step) * step; tick <= scale.hi + step / 100; tick += step) {
    ticks.push_back(tick);
  }
  return ticks;
}

std::string label(double x, double y, const std::string& anchor, const std::string& text) {
  return "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" text-anchor=\"" + anchor + "\">" +
         escaped(text) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, const char* colour) {
  return "<line x1=\"" + coordinate(x1) + "\" y1=\"" + coordinate(y1) + "\" x2=\"" + coordinate(x2) + "\" y2=\"" +
         coordinate(y2) + "\" stroke=\"" + colour + "\"/>\n";
}

std::string curve_path(const Curve& curve, const Scale& x, const Scale& y, const char* colour) {
  std::string path;
  double last = 0;
  for (size_t i = 0; i < curve.points.size(); ++i) {
    const auto [px, py] = curve.points[i];
    if (i > 0 && i + 1 < curve.points.size() && py == last) continue;  // still the same step
    const std::string to_x = coordinate(x.at(px));
    path += path.empty() ? "M" + to_x + " " + coordinate(y.at(py))
                         : "L" + to_x + " " + coordinate(y.at(last)) + "L" + to_x + " " + coordinate(y.at(py));
    last = py;
  }
  return "<path d=\"" + path + "\" fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"2\"/>\n";
}

}  // namespace

std::string svg_of(const Plot& plot) {
  Scale x{plot.log_x ? 1.0 : 0.0, 1, kLeft, kWidth - kRight, plot.log_x};
  Scale y{0, 1, kHeight - kBottom, kTop};
  bool first = true;
  for (const Curve& curve : plot.curves) {
    for (const auto& [px, py] : curve.points) {
      x.hi = std::max(x.hi, px);
      y.lo = first ? py : std::min(y.lo, py);
      y.hi = first ? py : std::max(y.hi, py);
      first = false;
    }
  }
  if (x.hi <= x.lo) x.hi = x.lo * 2 + 1;
  const double margin = y.hi > y.lo ? 0.05 * (y.hi - y.lo) : std::max(1.0, 0.05 * std::abs(y.hi));
  y.lo -= margin;
  y.hi += margin;

  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"420\" viewBox=\"0 0 720 420\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"720\" height=\"420\" fill=\"white\"/>\n";
  svg += label(kWidth / 2, 20, "middle", plot.title);
  for (const double tick : ticks_of(x)) {
    svg += line(x.at(tick), kTop, x.at(tick), kHeight - kBottom, "#dddddd");
    svg += label(x.at(tick), kHeight - kBottom + 18, "middle", number_text(tick));
  }
  for (const double tick : ticks_of(y)) {
    svg += line(kLeft, y.at(tick), kWidth - kRight, y.at(tick), "#dddddd");
    svg += label(kLeft - 6, y.at(tick) + 4, "end", number_text(tick));
  }
  svg += line(kLeft, kTop, kLeft, kHeight - kBottom, "#333333");
  svg += line(kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, "#333333");
  svg += label((kLeft + kWidth - kRight) / 2, kHeight - 12, "middle", plot.x_axis);
  svg += label(8, kTop - 10, "start", plot.y_axis);
  for (size_t i = 0; i < plot.curves.size(); ++i) {
    const char* colour = kColours[std::min(i, kColours.size() - 1)];
    const double height = kTop + 16 + 18 * static_cast<double>(i);
    if (!plot.curves[i].points.empty()) svg += curve_path(plot.curves[i], x, y, colour);
    svg += line(kWidth - 190, height - 4, kWidth - 170, height - 4, colour);
    svg += label(kWidth - 164, height, "start", plot.curves[i].name);
  }
  return svg + "</svg>\n";
}

}  // namespace mote::tune
