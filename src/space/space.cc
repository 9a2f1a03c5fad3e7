#include "space/space.h"

#include <algorithm>
#include <charconv>

#include "support/error.h"

namespace mote::space {
namespace {

std::optional<size_t> position_of(const Knob& knob, int64_t value) {
  const auto found = std::find(knob.values.begin(), knob.values.end(), value);
  if (found == knob.values.end()) return std::nullopt;
  return static_cast<size_t>(found - knob.values.begin());
}

std::string text_of_value(const Knob& knob, int64_t value) {
  const std::optional<size_t> position = position_of(knob, value);
  return position && !knob.labels.empty() ? knob.labels[*position] : std::to_string(value);
}

/// The value a word stands for: a label where the knob has labels, else one of its numbers.
std::optional<int64_t> parse_value(const Knob& knob, std::string_view word) {
  if (!knob.labels.empty()) {
    const auto found = std::find(knob.labels.begin(), knob.labels.end(), word);
    if (found == knob.labels.end()) return std::nullopt;
    return knob.values[static_cast<size_t>(found - knob.labels.begin())];
  }
  int64_t value = 0;
  const std::from_chars_result end = std::from_chars(word.data(), word.data() + word.size(), value);
  if (end.ec != std::errc() || end.ptr != word.data() + word.size() || !position_of(knob, value)) return std::nullopt;
  return value;
}

/// Takes the next word off the front of `text`; empty at the end.
std::string_view take_word(std::string_view& text) {
  const std::string_view blank = " \t\r\n";
  const size_t begin = std::min(text.find_first_not_of(blank), text.size());
  const size_t end = std::min(text.find_first_of(blank, begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

}  // namespace

uint64_t Space::size() const {
  uint64_t points = 1;
  for (const Knob& knob : knobs) {
    check(!__builtin_mul_overflow(points, uint64_t{knob.values.size()}, &points), "a config space exceeds 64 bits");
  }
  return points;
}

Config Space::at(uint64_t index) const {
  check(index < size(), "index outside of the config space");
  Config config;
  config.values.resize(knobs.size());
  for (size_t i = knobs.size(); i-- > 0;) {
    const uint64_t radix = knobs[i].values.size();
    config.values[i] = {knobs[i].name, knobs[i].values[index % radix]};
    index /= radix;
  }
  return config;
}

std::optional<uint64_t> Space::index_of(const Config& config) const {
  if (config.values.size() != knobs.size()) return std::nullopt;
  uint64_t index = 0;
  for (size_t i = 0; i < knobs.size(); ++i) {
    const auto& [name, value] = config.values[i];
    const std::optional<size_t> position = position_of(knobs[i], value);
    if (name != knobs[i].name || !position) return std::nullopt;
    index = index * knobs[i].values.size() + *position;
  }
  return index;
}

std::optional<std::string> Space::why_illegal(const Config& config) const {
  if (config.values.size() != knobs.size()) {
    return "has " + std::to_string(config.values.size()) + " knobs, the space has " + std::to_string(knobs.size());
  }
  for (size_t i = 0; i < knobs.size(); ++i) {
    const auto& [name, value] = config.values[i];
    if (name != knobs[i].name) return "knob '" + name + "' stands where '" + knobs[i].name + "' is expected";
    if (!position_of(knobs[i], value)) return "knob '" + name + "' has no value " + std::to_string(value);
  }
  return illegal ? illegal(config) : std::nullopt;
}

std::string Space::text_of(const Config& config) const {
  std::string text;
  for (const auto& [name, value] : config.values) {
    const auto knob = std::find_if(knobs.begin(), knobs.end(), [&](const Knob& k) { return k.name == name; });
    if (!text.empty()) text += ' ';
    text += name + '=' + (knob == knobs.end() ? std::to_string(value) : text_of_value(*knob, value));
  }
  return text;
}

std::optional<Config> Space::parse(std::string_view text) const {
  std::vector<std::optional<int64_t>> values(knobs.size());
  for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view name = word.substr(0, equals);
    const auto knob = std::find_if(knobs.begin(), knobs.end(), [&](const Knob& k) { return k.name == name; });
    if (knob == knobs.end()) return std::nullopt;
    std::optional<int64_t>& slot = values[static_cast<size_t>(knob - knobs.begin())];
    if (slot) return std::nullopt;
    slot = parse_value(*knob, word.substr(equals + 1));
    if (!slot) return std::nullopt;
  }
  Config config;
  for (size_t i = 0; i < knobs.size(); ++i) {
    if (!values[i]) return std::nullopt;
    config.values.emplace_back(knobs[i].name, *values[i]);
  }
  return config;
}

}  // namespace mote::space
