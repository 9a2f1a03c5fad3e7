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

uint64_t Alternative::size() const {
  uint64_t points = 1;
  for (const Knob& knob : knobs) {
    check(!__builtin_mul_overflow(points, uint64_t{knob.values.size()}, &points), "a config space exceeds 64 bits");
  }
  return points;
}

Config Alternative::at(uint64_t index) const {
  check(index < size(), "index outside of the config space");
  Config config{name, {}};
  config.values.resize(knobs.size());
  for (size_t i = knobs.size(); i-- > 0;) {
    const uint64_t radix = knobs[i].values.size();
    config.values[i] = {knobs[i].name, knobs[i].values[index % radix]};
    index /= radix;
  }
  return config;
}

std::optional<uint64_t> Alternative::index_of(const Config& config) const {
  if (config.alternative != name || config.values.size() != knobs.size()) return std::nullopt;
  uint64_t index = 0;
  for (size_t i = 0; i < knobs.size(); ++i) {
    const auto& [knob, value] = config.values[i];
    const std::optional<size_t> position = position_of(knobs[i], value);
    if (knob != knobs[i].name || !position) return std::nullopt;
    index = index * knobs[i].values.size() + *position;
  }
  return index;
}

Config Alternative::with(const std::vector<std::pair<std::string, int64_t>>& settings) const {
  Config config = at(0);
  for (const auto& [name_of_knob, value] : settings) config.set(name_of_knob, value);
  check(index_of(config).has_value(), "alternative '" + name + "' has no such point");
  return config;
}

const Knob* Alternative::knob(std::string_view wanted) const {
  const auto found = std::find_if(knobs.begin(), knobs.end(), [&](const Knob& k) { return k.name == wanted; });
  return found == knobs.end() ? nullptr : &*found;
}

uint64_t Space::size() const {
  uint64_t points = 0;
  for (const Alternative& alternative : alternatives) {
    check(!__builtin_add_overflow(points, alternative.size(), &points), "a config space exceeds 64 bits");
  }
  return points;
}

Config Space::at(uint64_t index) const {
  for (const Alternative& alternative : alternatives) {
    const uint64_t points = alternative.size();
    if (index < points) return alternative.at(index);
    index -= points;
  }
  unreachable("index outside of the config space");
}

std::optional<uint64_t> Space::index_of(const Config& config) const {
  uint64_t before = 0;
  for (const Alternative& alternative : alternatives) {
    if (const std::optional<uint64_t> index = alternative.index_of(config)) return before + *index;
    before += alternative.size();
  }
  return std::nullopt;
}

const Alternative* Space::alternative(std::string_view name) const {
  const auto found =
      std::find_if(alternatives.begin(), alternatives.end(), [&](const Alternative& a) { return a.name == name; });
  return found == alternatives.end() ? nullptr : &*found;
}

std::optional<std::string> Space::why_illegal(const Config& config) const {
  const Alternative* own = alternative(config.alternative);
  if (own == nullptr) return "there is no " + std::string(kAlternativeWord) + " '" + config.alternative + "'";
  const std::vector<Knob>& knobs = own->knobs;
  if (config.values.size() != knobs.size()) {
    return "has " + std::to_string(config.values.size()) + " knobs, the space has " + std::to_string(knobs.size());
  }
  for (size_t i = 0; i < knobs.size(); ++i) {
    const auto& [name, value] = config.values[i];
    if (name != knobs[i].name) return "knob '" + name + "' stands where '" + knobs[i].name + "' is expected";
    if (!position_of(knobs[i], value)) return "knob '" + name + "' has no value " + std::to_string(value);
  }
  return own->illegal ? own->illegal(config) : std::nullopt;
}

std::string Space::text_of(const Config& config) const {
  std::string text;
  if (!config.alternative.empty()) text = std::string(kAlternativeWord) + '=' + config.alternative;
  const Alternative* own = alternative(config.alternative);
  for (const auto& [name, value] : config.values) {
    const Knob* knob = own == nullptr ? nullptr : own->knob(name);
    if (!text.empty()) text += ' ';
    text += name + '=' + (knob == nullptr ? std::to_string(value) : text_of_value(*knob, value));
  }
  return text;
}

std::optional<Config> Space::parse(std::string_view text) const {
  std::vector<std::pair<std::string_view, std::string_view>> settings;
  std::optional<std::string_view> name;
  for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view knob = word.substr(0, equals), value = word.substr(equals + 1);
    if (knob != kAlternativeWord) {
      settings.emplace_back(knob, value);
    } else if (name || value.empty()) {
      return std::nullopt;
    } else {
      name = value;
    }
  }
  const Alternative* own = alternative(name.value_or(""));
  if (own == nullptr) return std::nullopt;
  Config config{own->name, {}};
  size_t used = 0;
  for (const Knob& knob : own->knobs) {
    const auto is_this = [&](const auto& setting) { return setting.first == knob.name; };
    const auto setting = std::find_if(settings.begin(), settings.end(), is_this);
    std::optional<int64_t> value = knob.values.front();
    if (setting != settings.end()) {
      value = parse_value(knob, setting->second);
      ++used;
    }
    if (!value) return std::nullopt;
    config.values.emplace_back(knob.name, *value);
  }
  if (used != settings.size()) return std::nullopt;  // a knob twice, or one that is not this alternative's
  return config;
}

Space product(std::vector<Knob> knobs, Illegal illegal) {
  Space space;
  space.alternatives.front().knobs = std::move(knobs);
  space.alternatives.front().illegal = std::move(illegal);
  return space;
}

}  // namespace mote::space
