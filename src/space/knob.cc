#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <set>

#include "space/space.h"
#include "support/error.h"

namespace mote::space {
namespace {

bool is_word(std::string_view text) {
  const std::string_view punctuation = "_-+.,:/";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return std::isalnum(c) || punctuation.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool is_number(std::string_view text) {
  int64_t value = 0;
  const std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), value);
  return end.ptr == text.data() + text.size() && end.ec != std::errc::invalid_argument;
}

template <typename T>
bool all_different(const std::vector<T>& items) {
  return std::set<T>(items.begin(), items.end()).size() == items.size();
}

Knob checked(Knob knob) {
  check(is_word(knob.name), "a knob's name must be a word: '" + knob.name + "'");
  check(!knob.values.empty(), "knob '" + knob.name + "' has no values");
  check(all_different(knob.values), "knob '" + knob.name + "' has a value twice");
  check(knob.labels.empty() || knob.labels.size() == knob.values.size(), "knob '" + knob.name + "' lacks labels");
  check(all_different(knob.labels), "knob '" + knob.name + "' has a label twice");
  for (const std::string& label : knob.labels) {
    check(is_word(label) && !is_number(label), "a label of knob '" + knob.name + "' is no word: '" + label + "'");
  }
  return knob;
}

}  // namespace

Knob choice(std::string name, std::vector<std::string> labels, std::string help) {
  std::vector<int64_t> values;
  for (size_t i = 0; i < labels.size(); ++i) values.push_back(static_cast<int64_t>(i));
  return checked({std::move(name), std::move(values), std::move(labels), std::move(help)});
}

Knob flag(std::string name, std::string help) {
  return checked({std::move(name), {0, 1}, {}, std::move(help)});
}

Knob one_of(std::string name, std::vector<int64_t> values, std::string help) {
  return checked({std::move(name), std::move(values), {}, std::move(help)});
}

Knob power_of_two(std::string name, int64_t lo, int64_t hi, std::string help) {
  check(lo >= 1, "knob '" + name + "': the least power must be positive");
  std::vector<int64_t> values;
  for (int64_t value = lo; value <= hi; value *= 2) {
    values.push_back(value);
    if (value > std::numeric_limits<int64_t>::max() / 2) break;
  }
  return checked({std::move(name), std::move(values), {}, std::move(help)});
}

Knob divisors(std::string name, int64_t extent, int64_t most, std::string help) {
  check(extent >= 1, "knob '" + name + "': only a positive extent has divisors");
  std::vector<int64_t> values;
  for (int64_t value = 1; value <= std::min(extent, most); ++value) {
    if (extent % value == 0) values.push_back(value);
  }
  return checked({std::move(name), std::move(values), {}, std::move(help)});
}

}  // namespace mote::space
