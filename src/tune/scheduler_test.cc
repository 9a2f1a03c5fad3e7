#include "tune/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/random.h"

namespace mote::tune {
namespace {

TaskState state(int occurrences, size_t trials, std::vector<TaskState::Record> improvements) {
  return {occurrences, trials, std::move(improvements), false};
}

TEST(Scheduler, PrefersWhatCostsMoreCycles) {
  EXPECT_EQ(next_task({state(1, 1, {{1, 1000}}), state(1, 1, {{1, 9000}}), state(1, 1, {{1, 2000}})}), 1u);
}

TEST(Scheduler, CountsOccurrences) {
  EXPECT_EQ(next_task({state(1, 1, {{1, 3000}}), state(4, 1, {{1, 1000}})}), 1u);
  EXPECT_DOUBLE_EQ(expected_gain(state(4, 9, {{1, 1000}, {5, 900}})),
                   4 * expected_gain(state(1, 9, {{1, 1000}, {5, 900}})));
}

TEST(Scheduler, LeavesATaskThatNoLongerImproves) {
  const TaskState stuck = state(1, 200, {{1, 9000}, {10, 8000}});
  const TaskState falling = state(1, 200, {{1, 9000}, {60, 8500}, {120, 8200}, {195, 8000}});
  EXPECT_EQ(next_task({stuck, falling}), 1u);
  EXPECT_LT(expected_gain(state(1, 400, {{1, 9000}, {10, 8000}})), expected_gain(stuck));
}

TEST(Scheduler, BelievesAPromiseForAWhile) {
  TaskState promising = state(1, 20, {{1, 9000}, {16, 8000}});
  const TaskState other = state(1, 20, {{1, 9000}, {16, 8000}});
  promising.promise = 0.2;
  EXPECT_EQ(next_task({other, promising}), 1u);
  promising.trials = 120;
  EXPECT_EQ(next_task({other, promising}), 0u);
}

TEST(Scheduler, ATaskWithoutASuccessComesFirst) {
  EXPECT_EQ(next_task({state(1, 1, {{1, 9000}}), state(1, 5, {})}), 1u);
}

TEST(Scheduler, SkipsFinishedTasks) {
  std::vector<TaskState> tasks = {state(1, 1, {{1, 1000}}), state(1, 1, {{1, 9000}})};
  tasks[1].finished = true;
  EXPECT_EQ(next_task(tasks), 0u);
  tasks[0].finished = true;
  EXPECT_EQ(next_task(tasks), std::nullopt);
  EXPECT_EQ(next_task({}), std::nullopt);
}

/// A model of tasks whose best-so-far after n random trials is known, and what trials spent on them come to.
struct Model {
  struct TaskModel {
    int occurrences;
    std::vector<uint64_t> cycles;  // of each trial in turn
  };
  std::vector<TaskModel> tasks;

  explicit Model(uint64_t seed) {
    Random random(seed);
    for (int i = 0; i < 10; ++i) {
      TaskModel task{static_cast<int>(random.between(1, 4)), {}};
      const double floor = std::exp(7 + 6 * random.unit()), spread = 0.2 + 1.5 * random.unit();
      for (int trial = 0; trial < 400; ++trial) {
        task.cycles.push_back(static_cast<uint64_t>(floor * std::exp(spread * std::abs(random.normal()))));
      }
      tasks.push_back(task);
    }
  }

  /// The whole model's cycles over the best that all trials of all tasks come to.
  template <typename Choose>
  double excess_after(size_t budget, const Choose& choose) const {
    constexpr size_t kBatch = 8;
    std::vector<TaskState> states;
    for (const TaskModel& task : tasks) states.push_back({task.occurrences, 1, {{1, task.cycles[0]}}, false});
    for (size_t spent = tasks.size(); spent < budget; spent += kBatch) {
      const size_t i = choose(states);
      for (size_t k = 0; k < kBatch; ++k) {
        const uint64_t cycles = tasks[i].cycles[states[i].trials++];
        if (cycles < states[i].improvements.back().cycles) states[i].improvements.push_back({states[i].trials, cycles});
      }
      states[i].finished = states[i].trials + kBatch > tasks[i].cycles.size();
    }
    double excess = 0;
    for (size_t i = 0; i < tasks.size(); ++i) {
      const uint64_t floor = *std::min_element(tasks[i].cycles.begin(), tasks[i].cycles.end());
      excess += states[i].occurrences * static_cast<double>(states[i].improvements.back().cycles - floor);
    }
    return excess;
  }
};

TEST(Scheduler, BeatsRoundRobinOnTheWholeModel) {
  double log_ratio = 0;
  int better = 0;
  constexpr int kSeeds = 60;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Model model(seed);
    size_t turn = 0;
    const double round_robin =
        model.excess_after(250, [&](const std::vector<TaskState>& s) { return turn++ % s.size(); });
    const double ours = model.excess_after(250, [](const std::vector<TaskState>& s) { return *next_task(s); });
    log_ratio += std::log(ours / round_robin) / kSeeds;
    better += ours < round_robin;
  }
  RecordProperty("ratio", std::to_string(std::exp(log_ratio)));
  EXPECT_LT(std::exp(log_ratio), 0.75);
  EXPECT_GT(better, kSeeds * 7 / 10);
}

}  // namespace
}  // namespace mote::tune
