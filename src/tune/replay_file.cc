#include "tune/replay_file.h"

#include <charconv>
#include <map>
#include <sstream>

#include "support/error.h"

namespace mote::tune {
namespace {

constexpr const char* kVersion = "1";
constexpr const char* kNoName = "-";

/// The fields of the header in their order.
std::vector<std::pair<std::string, std::string*>> fields_of(records::Trial* trial) {
  return {{"workload", &trial->workload},     {"template", &trial->template_version},
          {"target", &trial->setting.target}, {"board", &trial->setting.board},
          {"via", &trial->setting.via},       {"compiler", &trial->setting.compiler},
          {"flags", &trial->setting.flags}};
}

std::string status_word(records::Status status) {
  std::string word(records::name_of(status));
  for (char& c : word) c = c == ' ' ? '_' : c;
  return word;
}

/// Reads one text; knows the line it is at.
class Reader {
 public:
  Reader(std::string_view text, const std::string& where) : text_(std::string(text)), where_(where) {}

  std::vector<records::Trial> read() {
    std::vector<records::Trial> trials;
    for (std::string line; std::getline(text_, line);) {
      ++line_;
      if (line.starts_with("# ")) {
        header(line.substr(2));
      } else {
        if (!versioned_) fail("no benchmark file of version " + std::string(kVersion));
        trials.push_back(point(line));
      }
    }
    return trials;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(where_, "line " + std::to_string(line_) + ": " + what);
  }

  void header(const std::string& line) {
    const size_t blank = line.find(' ');
    const std::string key = line.substr(0, blank), value = blank == std::string::npos ? "" : line.substr(blank + 1);
    if (key == "mote-replay") {
      if (value != kVersion) fail("version '" + value + "' is not known");
      versioned_ = true;
      return;
    }
    if (key == "knobs") return knobs(value);
    for (const auto& [name, field] : fields_of(&common_)) {
      if (name != key) continue;
      *field = value;
      return;
    }
    fail("unknown key '" + key + "'");
  }

  void knobs(const std::string& line) {
    std::istringstream words(line);
    std::string alternative;
    if (!(words >> alternative)) fail("knobs of no alternative");
    std::vector<std::string>& names = knobs_[alternative];
    if (!names.empty()) fail("the knobs of '" + alternative + "' again");
    for (std::string name; words >> name;) names.push_back(name);
  }

  template <typename T>
  T number(std::istringstream& words) const {
    std::string word;
    T value = 0;
    words >> word;
    const std::from_chars_result end = std::from_chars(word.data(), word.data() + word.size(), value);
    if (word.empty() || end.ec != std::errc() || end.ptr != word.data() + word.size()) fail("a number is missing");
    return value;
  }

  records::Trial point(const std::string& line) const {
    std::istringstream words(line);
    std::string alternative, word;
    words >> alternative;
    const auto known = knobs_.find(alternative);
    if (known == knobs_.end()) fail("'" + alternative + "' has no knobs in the header");
    records::Trial trial = common_;
    if (alternative != kNoName) trial.knobs = std::string(space::kAlternativeWord) + '=' + alternative;
    for (const std::string& name : known->second) {
      if (!(words >> word)) fail("a value is missing");
      trial.knobs += (trial.knobs.empty() ? "" : " ") + name + '=' + word;
    }
    words >> word;
    for (char& c : word) c = c == '_' ? ' ' : c;
    const std::optional<records::Status> status = records::status_named(word);
    if (!status) fail("'" + word + "' is no status");
    trial.outcome.status = *status;
    trial.outcome.cycles = number<uint64_t>(words);
    trial.outcome.flash_bytes = number<uint32_t>(words);
    trial.outcome.ram_bytes = number<uint32_t>(words);
    if (words >> word) fail("more than a point");
    return trial;
  }

  std::istringstream text_;
  std::string where_;
  size_t line_ = 0;
  bool versioned_ = false;
  records::Trial common_;
  std::map<std::string, std::vector<std::string>> knobs_;
};

}  // namespace

std::string replay_header(const records::Trial& common, const space::Space& space) {
  records::Trial trial = common;
  std::string text = std::string("# mote-replay ") + kVersion + "\n";
  for (const auto& [name, field] : fields_of(&trial)) text += "# " + name + " " + *field + "\n";
  for (const space::Alternative& alternative : space.alternatives) {
    text += "# knobs " + (alternative.name.empty() ? std::string(kNoName) : alternative.name);
    for (const space::Knob& knob : alternative.knobs) text += " " + knob.name;
    text += "\n";
  }
  return text;
}

std::string replay_line(const space::Space& space, const space::Config& config, const records::Outcome& outcome) {
  std::string line = config.alternative.empty() ? std::string(kNoName) : config.alternative;
  std::istringstream words(space.text_of(config));
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    if (word.substr(0, equals) != space::kAlternativeWord) line += " " + word.substr(equals + 1);
  }
  return line + " " + status_word(outcome.status) + " " + std::to_string(outcome.cycles) + " " +
         std::to_string(outcome.flash_bytes) + " " + std::to_string(outcome.ram_bytes) + "\n";
}

std::vector<records::Trial> read_replay(std::string_view text, const std::string& where) {
  return Reader(text, where).read();
}

}  // namespace mote::tune
