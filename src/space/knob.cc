#include "space/knob.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <functional>
#include <limits>
#include <numeric>
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
  check(knob.name != kAlternativeWord, "a knob must not be called '" + knob.name + "': alternatives are");
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
  return checked({std::move(name), std::move(values), std::move(labels), std::move(help), Knob::Kind::kName});
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

namespace {

/// Calls `visit` with each list of `parts` factors whose product is `extent`.
void each_split(int64_t extent, int parts, std::vector<int64_t>* factors,
                const std::function<void(const std::vector<int64_t>&)>& visit) {
  if (parts == 1) {
    factors->push_back(extent);
    visit(*factors);
    factors->pop_back();
    return;
  }
  for (int64_t factor = 1; factor <= extent; ++factor) {
    if (extent % factor != 0) continue;
    factors->push_back(factor);
    each_split(extent / factor, parts - 1, factors, visit);
    factors->pop_back();
  }
}

template <typename T, typename Text>
std::string joined(const std::vector<T>& items, char separator, const Text& text_of) {
  std::string text;
  for (const T& item : items) text += (text.empty() ? "" : std::string(1, separator)) + text_of(item);
  return text;
}

}  // namespace

Knob split(std::string name, int64_t extent, int parts, const std::function<bool(const std::vector<int64_t>&)>& keep,
           std::string help) {
  check(extent >= 1 && parts >= 2 && parts <= 4, "knob '" + name + "': no such split");
  Knob knob{std::move(name), {}, {}, std::move(help), Knob::Kind::kSplit};
  std::vector<int64_t> begun;
  each_split(extent, parts, &begun, [&](const std::vector<int64_t>& factors) {
    if (keep && !keep(factors)) return;
    knob.values.push_back(pack_factors(factors));
    knob.labels.push_back(joined(factors, 'x', [](int64_t factor) { return std::to_string(factor); }));
  });
  return checked(std::move(knob));
}

Knob order(std::string name, const std::vector<std::string>& axes,
           const std::function<bool(const std::vector<size_t>&)>& keep, std::string help) {
  Knob knob{std::move(name), {}, {}, std::move(help), Knob::Kind::kOrder};
  std::vector<size_t> places(axes.size());
  std::iota(places.begin(), places.end(), size_t{0});
  do {
    if (keep && !keep(places)) continue;
    knob.values.push_back(pack_order(places));
    knob.labels.push_back(joined(places, ',', [&](size_t place) { return axes[place]; }));
  } while (std::next_permutation(places.begin(), places.end()));
  return checked(std::move(knob));
}

Knob guess_first(Knob knob, int64_t value) {
  const auto found = std::find(knob.values.begin(), knob.values.end(), value);
  check(found != knob.values.end(), "knob '" + knob.name + "' has no such value to guess");
  const auto place = found - knob.values.begin();
  std::rotate(knob.values.begin(), found, found + 1);
  if (!knob.labels.empty()) {
    std::rotate(knob.labels.begin(), knob.labels.begin() + place, knob.labels.begin() + place + 1);
  }
  return knob;
}

}  // namespace mote::space
