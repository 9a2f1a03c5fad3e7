#include "tune/budget.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/random.h"
#include "tune/testing.h"
#include "tune/tuner.h"

namespace mote::tune {
namespace {

TEST(Budget, ThePriceIsTheSteepestWayToFasterKernels) {
  const std::vector<Choices> tasks = {{1, {{1000, 10}, {600, 30}, {590, 200}}}, {2, {{500, 10}, {400, 20}}}};
  // 30 bytes: 2000 cycles. The next: 10 bytes more save 100, 20 save 400 at once.
  EXPECT_DOUBLE_EQ(price_of_flash(tasks, 30), 20);
  EXPECT_DOUBLE_EQ(price_of_flash(tasks, 29), 20);
  EXPECT_DOUBLE_EQ(price_of_flash(tasks, 50), 10);
  EXPECT_NEAR(price_of_flash(tasks, 70), 10.0 / 170, 1e-12);
  EXPECT_DOUBLE_EQ(price_of_flash(tasks, 240), 0);
  EXPECT_DOUBLE_EQ(price_of_flash({}, 10), 0);
  EXPECT_DOUBLE_EQ(price_of_flash({{3, {{7, 7}}}}, 10), 0);
}

/// Fast kernels are large ones, more or less.
uint64_t flash_of(const space::Config& config) {
  const int64_t unroll = config.at("unroll"), tile = config.at("tile");
  return static_cast<uint64_t>(100 + 40 * unroll + 10 * tile + 300 * config.at("packed"));
}

Outcome small_outcome(const Task& task, const space::Config& config) {
  Outcome outcome = ok_outcome((task.workload == "a" ? 3 : 1) * small_cost(config));
  outcome.flash_bytes = static_cast<uint32_t>(flash_of(config));
  outcome.ram_bytes = static_cast<uint32_t>(16 * config.at("tile"));
  return outcome;
}

std::vector<Task> two_tasks() {
  std::vector<Task> tasks = {small_task("a"), small_task("b")};
  tasks[1].occurrences = 2;
  return tasks;
}

/// The fastest whole model within `flash`, of the points measured; 0 when none fits.
uint64_t within(const std::vector<Choices>& tasks, uint64_t flash) {
  std::vector<std::vector<records::Option>> groups;
  for (const Choices& task : tasks) groups.insert(groups.end(), static_cast<size_t>(task.occurrences), task.options);
  const records::Tradeoff tradeoff(groups);
  const std::optional<size_t> best = tradeoff.best_within(flash);
  return best ? tradeoff.totals()[*best].cycles : 0;
}

/// What a run of so many trials measures.
std::vector<Choices> measured(uint64_t seed, size_t trials, const Budget& budget) {
  const std::vector<Task> tasks = two_tasks();
  std::vector<Choices> choices = {{1, {}}, {2, {}}};
  FakeMeasurer measurer([&](const Task& task, const space::Config& config) {
    const Outcome outcome = small_outcome(task, config);
    if (budget.ram == 0 || outcome.ram_bytes <= budget.ram)
      choices[task.workload == "a" ? 0 : 1].options.push_back({outcome.cycles, outcome.flash_bytes});
    return outcome;
  });
  Options options;
  options.strategy = Strategy::kModel;
  options.seed = seed;
  options.trials = trials;
  options.batch = 4;
  options.budget = budget;
  tune(tasks, measurer, nullptr, options);
  return choices;
}

TEST(Budget, SteersTheSearchTowardsWhatFits) {
  // What trying everything comes to.
  const std::vector<Task> tasks = two_tasks();
  std::vector<Choices> all = {{1, {}}, {2, {}}};
  for (uint64_t index = 0; index < tasks[0].space.size(); ++index) {
    const space::Config config = tasks[0].space.at(index);
    if (tasks[0].space.why_illegal(config)) continue;
    for (size_t t = 0; t < 2; ++t) {
      const Outcome outcome = small_outcome(tasks[t], config);
      all[t].options.push_back({outcome.cycles, outcome.flash_bytes});
    }
  }
  double steered = 0, blind = 0;
  constexpr int kSeeds = 5;
  for (const uint64_t flash : {900u, 1300u}) {
    const double oracle = static_cast<double>(within(all, flash));
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      const uint64_t with = within(measured(seed, 80, {flash, 0}), flash),
                     without = within(measured(seed, 80, {}), flash);
      ASSERT_GT(with, 0u);
      steered += std::log(static_cast<double>(with) / oracle) / (2 * kSeeds);
      blind += std::log(static_cast<double>(without == 0 ? 10 * with : without) / oracle) / (2 * kSeeds);
    }
  }
  RecordProperty("steered", std::to_string(std::exp(steered)));
  RecordProperty("blind", std::to_string(std::exp(blind)));
  EXPECT_LT(std::exp(steered), 1.02);
  EXPECT_LT(steered, blind / 2);
}

TEST(Budget, WhatNeedsMoreScratchMemoryIsNoBest) {
  const std::vector<Task> tasks = two_tasks();
  FakeMeasurer measurer(small_outcome);
  Options options;
  options.strategy = Strategy::kModel;
  options.trials = 60;
  options.batch = 4;
  options.budget.ram = 128;
  const Result result = tune(tasks, measurer, nullptr, options);
  for (const TaskProgress& task : result.progress.tasks) {
    ASSERT_TRUE(task.best_cycles.has_value());
    EXPECT_LE(task.best.at("tile"), 8);
  }
}

}  // namespace
}  // namespace mote::tune
