#include "demo/digit_art.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/error.h"

namespace mote::examples {

namespace {
constexpr int kMargin = 2;
constexpr size_t kPerRow = 3;
constexpr int kWidth = kDigitSize - 2 * kMargin;
}  // namespace

std::vector<std::string> art(const Digit& digit) {
  static constexpr std::string_view kShades = " .:-=+*#%@";
  std::vector<std::string> lines;
  for (int y = kMargin / 2 * 2; y < kDigitSize; y += 2) {
    std::string& line = lines.emplace_back();
    for (int x = kMargin; x < kDigitSize - kMargin; ++x) {
      const auto at = static_cast<size_t>(y * kDigitSize + x);
      const size_t ink = digit.pixels[at] + digit.pixels[at + kDigitSize];
      line += kShades[ink * (kShades.size() - 1) / 510];
    }
  }
  return lines;
}

std::string art_gallery(const std::vector<Digit>& digits, const std::vector<std::string>& captions) {
  check(digits.size() == captions.size(), "each digit has a caption");
  std::string text;
  for (size_t first = 0; first < digits.size(); first += kPerRow) {
    const size_t last = std::min(digits.size(), first + kPerRow);
    std::vector<std::string> lines;
    for (size_t i = first; i < last; ++i) {
      std::vector<std::string> column = art(digits[i]);
      column.push_back(captions[i]);
      lines.resize(column.size());
      for (size_t y = 0; y < column.size(); ++y) lines[y] += fmt::format("{:<{}}  ", column[y], kWidth);
    }
    for (std::string& line : lines) {
      line.erase(line.find_last_not_of(' ') + 1);
      text += "  " + line + "\n";
    }
  }
  return text;
}

}  // namespace mote::examples
