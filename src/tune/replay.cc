#include "tune/replay.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <unordered_set>

#include "support/error.h"

namespace mote::tune {
namespace {

/// "tile=2 order=ijk" as {"tile", "2"}, {"order", "ijk"}.
using Words = std::vector<std::pair<std::string, std::string>>;

Words words_of(const std::string& knobs, const std::string& where) {
  Words words;
  std::istringstream in(knobs);
  for (std::string word; in >> word;) {
    const size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos) throw InputError(where, "a trial has no knob in '" + word + "'");
    words.emplace_back(word.substr(0, equals), word.substr(equals + 1));
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
space::Knob knob_of(const std::string& name, const std::vector<std::string>& seen) {
  space::Knob knob{name, {}, {}, ""};
  for (const std::string& text : seen) {
    const std::optional<int64_t> number = number_of(text);
    if (number) knob.values.push_back(*number);
  }
  std::sort(knob.values.begin(), knob.values.end());
  if (knob.values.size() == seen.size()) return knob;
  knob.labels = seen;
  std::sort(knob.labels.begin(), knob.labels.end());
  knob.values.clear();
  for (size_t i = 0; i < seen.size(); ++i) knob.values.push_back(static_cast<int64_t>(i));
  return knob;
}

space::Space space_of(const std::vector<records::Trial>& trials, const std::string& where) {
  const Words first = words_of(trials.front().knobs, where);
  std::vector<std::vector<std::string>> seen(first.size());
  for (const records::Trial& trial : trials) {
    const Words words = words_of(trial.knobs, where);
    const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
    if (!std::equal(words.begin(), words.end(), first.begin(), first.end(), same_name)) {
      throw InputError(where, "trials of " + trials.front().workload + " differ in their knobs");
    }
    for (size_t i = 0; i < words.size(); ++i) {
      if (std::find(seen[i].begin(), seen[i].end(), words[i].second) == seen[i].end())
        seen[i].push_back(words[i].second);
    }
  }
  space::Space space;
  uint64_t size = 1;
  for (size_t i = 0; i < first.size(); ++i) {
    space.knobs.push_back(knob_of(first[i].first, seen[i]));
    if (__builtin_mul_overflow(size, uint64_t{seen[i].size()}, &size)) {
      throw InputError(where, "the knobs of " + trials.front().workload + " have too many combinations");
    }
  }
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
  std::unordered_set<std::string> measured;
  for (const records::Trial& trial : trials) {
    if (trial.workload != replay.task.workload) throw InputError(where, "has trials of several workloads");
    const std::optional<space::Config> config = space.parse(trial.knobs);
    if (!config) throw InputError(where, "a trial has a knob twice: '" + trial.knobs + "'");
    if (replay.outcomes.empty()) replay.task.fallback = *config;
    measured.insert(space.text_of(*config));
    Outcome& outcome = replay.outcomes.try_emplace(*space.index_of(*config), trial.outcome).first->second;
    if (outcome.status != Status::kOk) outcome = trial.outcome;
    if (outcome.status == Status::kOk && (replay.best_cycles == 0 || outcome.cycles < replay.best_cycles)) {
      replay.best_cycles = outcome.cycles;
    }
  }
  replay.task.space.illegal = [product = space, measured](const space::Config& config) -> std::optional<std::string> {
    if (measured.contains(product.text_of(config))) return std::nullopt;
    return "was not measured";
  };
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
