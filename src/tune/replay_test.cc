#include "tune/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error.h"
#include "tune/testing.h"
#include "tune/tuner.h"

namespace mote::tune {
namespace {

using ::testing::ElementsAre;

records::Trial trial(const std::string& knobs, const Outcome& outcome) {
  return {"w", "made-up 1", {"m7", "board", "sim", "gcc", "-O2"}, knobs, outcome, 0};
}

TEST(Replay, RebuildsTheSpaceFromTheTrials) {
  const Replay replay = replay_of(
      {trial("tile=16 order=kij packed=0", ok_outcome(30)), trial("tile=2 order=ijk packed=1", ok_outcome(20)),
       trial("tile=-4 order=7 packed=1", failed_outcome(Status::kFault, "BusFault"))},
      "x");
  const std::vector<space::Knob>& knobs = replay.task.space.alternatives.front().knobs;
  ASSERT_EQ(knobs.size(), 3u);
  EXPECT_THAT(knobs[0].values, ElementsAre(-4, 2, 16));
  EXPECT_THAT(knobs[1].labels, ElementsAre("7", "ijk", "kij"));
  EXPECT_THAT(knobs[2].values, ElementsAre(0, 1));
  EXPECT_EQ(replay.best_cycles, 20u);
  EXPECT_EQ(replay.task.space.text_of(replay.task.fallback), "tile=16 order=kij packed=0");
  int legal = 0;
  for (uint64_t i = 0; i < replay.task.space.size(); ++i) {
    legal += replay.task.space.why_illegal(replay.task.space.at(i)) ? 0 : 1;
  }
  EXPECT_EQ(legal, 3);
}

TEST(Replay, RebuildsAlternatives) {
  const Replay replay =
      replay_of({trial("algorithm=gemm tile=16", ok_outcome(30)), trial("algorithm=direct", ok_outcome(50)),
                 trial("algorithm=gemm tile=2", ok_outcome(20))},
                "x");
  EXPECT_EQ(replay.task.space.size(), 3u);
  EXPECT_EQ(replay.task.fallback, (space::Config{"gemm", {{"tile", 16}}}));
  EXPECT_EQ(replay.best_cycles, 20u);
}

TEST(Replay, EverySearchFindsTheBestOfWhatWasMeasured) {
  const Task task = small_task("w");
  std::vector<records::Trial> trials;
  for (uint64_t i = 0; i < task.space.size(); i += 3) {
    const space::Config config = task.space.at(i);
    const Outcome outcome = i % 5 == 1 ? failed_outcome(Status::kTimeout, "") : ok_outcome(small_cost(config));
    trials.push_back(trial(task.space.text_of(config), outcome));
  }
  const Replay replay = replay_of(trials, "x");
  for (const Strategy strategy : strategies()) {
    ReplayMeasurer measurer(replay);
    Options options;
    options.strategy = strategy;
    const std::vector<Task> tasks = {replay.task};
    const Result result = tune(tasks, measurer, nullptr, options);
    EXPECT_EQ(result.progress.trials, trials.size());
    EXPECT_EQ(result.progress.tasks[0].best_cycles, replay.best_cycles);
  }
}

TEST(Replay, OfAPointMeasuredTwiceTheFirstSuccessCounts) {
  const Replay replay = replay_of({trial("a=1", failed_outcome(Status::kConnection, "")), trial("a=1", ok_outcome(30)),
                                   trial("a=1", ok_outcome(20)), trial("a=1", failed_outcome(Status::kFault, ""))},
                                  "x");
  ASSERT_EQ(replay.outcomes.size(), 1u);
  EXPECT_EQ(replay.outcomes.begin()->second, ok_outcome(30));
}

TEST(Replay, RefusesTrialsThatMakeNoSpace) {
  records::Trial other = trial("a=1", ok_outcome(1));
  other.workload = "v";
  std::vector<records::Trial> many;
  for (int i = 0; i < 70; ++i) {
    std::string knobs;
    for (int k = 0; k < 40; ++k) knobs += "k" + std::to_string(k) + "=" + std::to_string(i) + " ";
    many.push_back(trial(knobs, ok_outcome(1)));
  }
  const std::vector<std::vector<records::Trial>> bad = {
      {},
      {trial("a=1", ok_outcome(1)), trial("b=1", ok_outcome(1))},
      {trial("a=1", ok_outcome(1)), trial("a=1 b=1", ok_outcome(1))},
      {trial("a=1", ok_outcome(1)), other},
      {trial("a=1 a=2", ok_outcome(1))},
      {trial("algorithm=x a=1", ok_outcome(1)), trial("a=1", ok_outcome(1))},
      {trial("algorithm=x algorithm=y", ok_outcome(1))},
      {trial("garbage", ok_outcome(1))},
      {trial("=1", ok_outcome(1))},
      many,
  };
  for (const std::vector<records::Trial>& trials : bad) EXPECT_THROW(replay_of(trials, "x"), InputError);
}

}  // namespace
}  // namespace mote::tune
