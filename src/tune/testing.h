// Made-up tasks and measurers for the room's tests.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tune/measurer.h"

namespace mote::tune {

inline Outcome ok_outcome(uint64_t cycles) {
  Outcome outcome;
  outcome.cycles = cycles;
  outcome.all_cycles = {cycles};
  return outcome;
}

inline Outcome failed_outcome(Status status, const std::string& error) {
  Outcome outcome;
  outcome.status = status;
  outcome.error = error;
  return outcome;
}

/// A task of 8 * 5 * 2 * 3 = 240 points, of which a third are illegal (160 legal ones).
inline Task small_task(const std::string& workload) {
  Task task;
  task.workload = workload;
  task.title = "title of " + workload;
  task.template_version = "made-up 1";
  task.space = space::product({space::power_of_two("tile", 1, 128, ""), space::one_of("unroll", {1, 2, 4, 8, 16}, ""),
                               space::flag("packed", ""), space::choice("order", {"ijk", "ikj", "kij"}, "")},
                              [](const space::Config& config) -> std::optional<std::string> {
                                if (config.at("order") == 2) return "kij needs more registers than there are";
                                return std::nullopt;
                              });
  task.fallback = task.space.at(0);
  return task;
}

/// A smooth, not separable cost with one optimum: tile 32, unroll 4, packed, order ikj.
inline uint64_t small_cost(const space::Config& config) {
  const int64_t tile = config.at("tile"), unroll = config.at("unroll");
  int64_t cost = 1000 + 60 * std::abs(__builtin_ctzll(tile) - 5) + 45 * std::abs(__builtin_ctzll(unroll) - 2);
  cost += config.at("packed") == 1 ? 0 : 150 + 10 * unroll;
  cost += config.at("order") == 1 ? 0 : 80 + tile;
  return static_cast<uint64_t>(cost);
}

/// Answers from a function, and remembers what it was asked.
class FakeMeasurer final : public Measurer {
 public:
  using Answer = std::function<Outcome(const Task&, const space::Config&)>;
  explicit FakeMeasurer(Answer answer) : answer_(std::move(answer)) {}
  /// Of small_cost().
  FakeMeasurer() : answer_([](const Task&, const space::Config& config) { return ok_outcome(small_cost(config)); }) {}

  std::vector<Outcome> measure(const Task& task, const std::vector<space::Config>& configs) override {
    batches.push_back(configs.size());
    std::vector<Outcome> outcomes;
    for (const space::Config& config : configs) {
      asked.push_back(task.workload + ": " + task.space.text_of(config));
      outcomes.push_back(answer_(task, config));
    }
    return outcomes;
  }

  std::vector<std::string> asked;
  std::vector<size_t> batches;

 private:
  Answer answer_;
};

}  // namespace mote::tune
