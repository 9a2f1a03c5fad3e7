#include "tune/replay.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>
#include <unordered_set>

#include "support/error.h"

namespace mote::tune {
namespace {

/// "algorithm=gemm tile=2 order=ijk" in its parts.
struct Words {
  std::string alternative;
  std::vector<std::pair<std::string, std::string>> knobs;
};

Words words_of(const std::string& knobs, const std::string& where) {
  Words words;
  std::istringstream in(knobs);
  for (std::string word; in >> word;) {
    const size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos) throw InputError(where, "a trial has no knob in '" + word + "'");
    if (word.substr(0, equals) == space::kAlternativeWord && words.alternative.empty()) {
      words.alternative = word.substr(equals + 1);
    } else {
      words.knobs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
  }
  return words;
}

std::optional<int64_t> number_of(const std::string& text) {
  int64_t number = 0;
  const std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc() || std::to_string(number) != text) return std::nullopt;
  return number;
}

/// A knob of numbers when all its values are, in their order; else of names.
space::Knob knob_of(const std::string& name, const std::vector<std::string>& seen, const std::string& where) {
  space::Knob knob{name, {}, {}, ""};
  if (name == space::kAlternativeWord) throw InputError(where, "a trial names two alternatives");
  for (const std::string& text : seen) {
    const std::optional<int64_t> number = number_of(text);
    if (number) knob.values.push_back(*number);
  }
  std::sort(knob.values.begin(), knob.values.end());
  if (knob.values.size() == seen.size()) return knob;
  knob.kind = space::Knob::Kind::kName;
  knob.labels = seen;
  std::sort(knob.labels.begin(), knob.labels.end());
  knob.values.clear();
  for (size_t i = 0; i < seen.size(); ++i) knob.values.push_back(static_cast<int64_t>(i));
  return knob;
}

/// The alternative that `words`, of all its trials, are of.
space::Alternative alternative_of(const std::vector<Words>& words, const std::string& where) {
  const auto& first = words.front().knobs;
  space::Alternative alternative{words.front().alternative, {}, {}};
  std::vector<std::vector<std::string>> seen(first.size());
  for (const Words& trial : words) {
    const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
    if (!std::equal(trial.knobs.begin(), trial.knobs.end(), first.begin(), first.end(), same_name)) {
      throw InputError(where, "trials of one alternative differ in their knobs");
    }
    for (size_t i = 0; i < first.size(); ++i) {
      const std::string& value = trial.knobs[i].second;
      if (std::find(seen[i].begin(), seen[i].end(), value) == seen[i].end()) seen[i].push_back(value);
    }
  }
  uint64_t size = 1;
  for (size_t i = 0; i < first.size(); ++i) {
    alternative.knobs.push_back(knob_of(first[i].first, seen[i], where));
    if (__builtin_mul_overflow(size, uint64_t{seen[i].size()}, &size)) {
      throw InputError(where, "the knobs have too many combinations");
    }
  }
  return alternative;
}

space::Space space_of(const std::vector<records::Trial>& trials, const std::string& where) {
  std::map<std::string, std::vector<Words>> by_alternative;
  for (const records::Trial& trial : trials) {
    Words words = words_of(trial.knobs, where);
    by_alternative[words.alternative].push_back(std::move(words));
  }
  if (by_alternative.size() > 1 && by_alternative.contains("")) {
    throw InputError(where, "some trials name an alternative, and some do not");
  }
  space::Space space;
  space.alternatives.clear();
  for (const auto& [name, words] : by_alternative) space.alternatives.push_back(alternative_of(words, where));
  return space;
}

}  // namespace

Replay replay_of(const std::vector<records::Trial>& trials, const std::string& where) {
  if (trials.empty()) throw InputError(where, "has no trials to replay");
  Replay replay;
  replay.task.workload = replay.task.title = trials.front().workload;
  replay.task.template_version = trials.front().template_version;
  replay.task.space = space_of(trials, where);
  const space::Space& space = replay.task.space;
  const std::shared_ptr<std::unordered_set<uint64_t>> measured = std::make_shared<std::unordered_set<uint64_t>>();
  for (const records::Trial& trial : trials) {
    if (trial.workload != replay.task.workload) throw InputError(where, "has trials of several workloads");
    const std::optional<space::Config> config = space.parse(trial.knobs);
    if (!config) throw InputError(where, "a trial has a knob twice: '" + trial.knobs + "'");
    if (replay.outcomes.empty()) replay.task.fallback = *config;
    const uint64_t index = *space.index_of(*config);
    measured->insert(index);
    Outcome& outcome = replay.outcomes.try_emplace(index, trial.outcome).first->second;
    if (outcome.status != Status::kOk) outcome = trial.outcome;
    if (outcome.status == Status::kOk && (replay.best_cycles == 0 || outcome.cycles < replay.best_cycles)) {
      replay.best_cycles = outcome.cycles;
    }
  }
  const std::shared_ptr<const space::Space> products = std::make_shared<space::Space>(space);
  for (space::Alternative& alternative : replay.task.space.alternatives) {
    alternative.illegal = [products, measured](const space::Config& config) -> std::optional<std::string> {
      if (measured->contains(*products->index_of(config))) return std::nullopt;
      return "was not measured";
    };
  }
  return replay;
}

std::vector<Outcome> ReplayMeasurer::measure(const Task& task, const std::vector<space::Config>& configs) {
  check(task.workload == replay_.task.workload, "a replay knows one workload");
  std::vector<Outcome> outcomes;
  for (const space::Config& config : configs) {
    const std::optional<uint64_t> index = replay_.task.space.index_of(config);
    check(index && replay_.outcomes.contains(*index), "a replay knows only what was measured");
    outcomes.push_back(replay_.outcomes.at(*index));
  }
  return outcomes;
}

}  // namespace mote::tune
