#include "tune/tuner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/error.h"
#include "support/files.h"
#include "support/random.h"
#include "tune/testing.h"

namespace mote::tune {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

/// A records file that vanishes with the test.
class Records {
 public:
  records::Database open() const { return {(folder_.path() / "tuning.db").string(), records::Database::Mode::kWrite}; }

 private:
  TemporaryFolder folder_;
};

/// A clock that only moves when told to.
struct Clock {
  std::chrono::system_clock::time_point time{std::chrono::seconds(1'700'000'000)};
  std::function<std::chrono::system_clock::time_point()> now() {
    return [this] { return time; };
  }
};

Options options_with(size_t trials) {
  Options options;
  options.trials = trials;
  options.batch = 8;
  options.setting = {"cortex-m7", "nucleo-f746zg", "sim", "gcc 12", "-O2"};
  return options;
}

const std::vector<Task>& one_task() {
  static const std::vector<Task> tasks = {small_task("a")};
  return tasks;
}

const std::vector<Task>& two_tasks() {
  static const std::vector<Task> tasks = {small_task("a"), small_task("b")};
  return tasks;
}

size_t different(const std::vector<std::string>& items) {
  return std::set<std::string>(items.begin(), items.end()).size();
}

TEST(Tuner, MeasuresTheFallbackOfEveryTaskFirst) {
  std::vector<Task> tasks = {small_task("a"), small_task("b")};
  tasks[1].fallback = tasks[1].space.at(7);
  FakeMeasurer measurer;
  const Result result = tune(tasks, measurer, nullptr, options_with(30));
  ASSERT_EQ(measurer.asked.size(), 30u);
  EXPECT_EQ(measurer.asked[0], "a: tile=1 unroll=1 packed=0 order=ijk");
  EXPECT_EQ(measurer.asked[1], "b: tile=1 unroll=2 packed=0 order=ikj");
  EXPECT_EQ(result.progress.tasks[1].fallback_cycles, small_cost(tasks[1].fallback));
  EXPECT_EQ(result.ended, Ended::kTrials);
}

TEST(Tuner, FindsTheOptimumOfASmallSpaceAndThenHasNothingLeft) {
  for (const Strategy strategy : strategies()) {
    SCOPED_TRACE(name_of(strategy));
    FakeMeasurer measurer;
    Options options = options_with(1000);
    options.strategy = strategy;
    const Result result = tune(one_task(), measurer, nullptr, options);
    EXPECT_EQ(result.ended, Ended::kFinished);
    EXPECT_EQ(measurer.asked.size(), 160u);
    EXPECT_EQ(different(measurer.asked), 160u);
    const TaskProgress& task = result.progress.tasks[0];
    EXPECT_EQ(task.best_cycles, 1000u);
    EXPECT_EQ(task.task->space.text_of(task.best), "tile=32 unroll=4 packed=1 order=ikj");
    EXPECT_TRUE(task.finished);
    EXPECT_EQ(task.count(Status::kOk), 160u);
  }
}

TEST(Tuner, SameSeedSamePath) {
  const auto path = [](uint64_t seed) {
    FakeMeasurer measurer;
    Options options = options_with(60);
    options.seed = seed;
    tune(two_tasks(), measurer, nullptr, options);
    return measurer.asked;
  };
  EXPECT_EQ(path(3), path(3));
  EXPECT_NE(path(3), path(4));
}

TEST(Tuner, RecordsEveryTrialBeforeTheNextBatch) {
  const Records records;
  records::Database db = records.open();
  const std::vector<Task>& tasks = one_task();
  size_t answered = 0;
  FakeMeasurer measurer([&](const Task&, const space::Config& config) {
    if (answered == 1 || (answered > 1 && answered % 8 == 1)) {
      EXPECT_EQ(db.trials({}).size(), answered);
    }
    ++answered;
    return answered % 5 == 0 ? failed_outcome(Status::kFault, "BusFault at 0x0") : ok_outcome(small_cost(config));
  });
  Clock clock;
  Options options = options_with(40);
  options.now = clock.now();
  const Result result = tune(tasks, measurer, &db, options);
  const std::vector<records::Trial> trials = db.trials(exactly("a", "made-up 1", options.setting));
  ASSERT_EQ(trials.size(), 40u);
  for (size_t i = 0; i < trials.size(); ++i) EXPECT_EQ("a: " + trials[i].knobs, measurer.asked[i]);
  EXPECT_EQ(trials[4].outcome, failed_outcome(Status::kFault, "BusFault at 0x0"));
  EXPECT_EQ(trials[0].time, 1'700'000'000'000);
  EXPECT_EQ(db.best({})->outcome.cycles, result.progress.tasks[0].best_cycles);
  EXPECT_EQ(result.progress.tasks[0].count(Status::kFault), 8u);
}

TEST(Tuner, GoesOnWhereTheLastRunEndedAndRepeatsNothing) {
  for (const Strategy strategy : strategies()) {
    SCOPED_TRACE(name_of(strategy));
    const Records records;
    std::vector<std::string> asked;
    std::optional<uint64_t> best;
    for (int run = 0; run < 5; ++run) {
      records::Database db = records.open();
      FakeMeasurer measurer;
      Options options = options_with(run < 4 ? 35 : 1000);
      options.strategy = strategy;
      const Result result = tune(one_task(), measurer, &db, options);
      EXPECT_EQ(result.progress.tasks[0].known, asked.size());
      if (best) {
        EXPECT_LE(result.progress.tasks[0].best_cycles, best);
      }
      best = result.progress.tasks[0].best_cycles;
      asked.insert(asked.end(), measurer.asked.begin(), measurer.asked.end());
    }
    EXPECT_EQ(asked.size(), 160u);
    EXPECT_EQ(different(asked), 160u);
  }
}

TEST(Tuner, ReusesOnlyWhatWasMeasuredUnderTheSameCircumstances) {
  const Records records;
  records::Database db = records.open();
  FakeMeasurer first;
  tune(one_task(), first, &db, options_with(20));
  const auto known = [&](Task task, const Options& options) {
    FakeMeasurer measurer;
    const std::vector<Task> tasks = {task};
    return tune(tasks, measurer, &db, options).progress.tasks[0].known;
  };
  Options same = options_with(0), other = options_with(0);
  other.setting.flags = "-O3";
  Task newer = small_task("a");
  newer.template_version = "made-up 2";
  EXPECT_EQ(known(small_task("a"), same), 20u);
  EXPECT_EQ(known(small_task("b"), same), 0u);
  EXPECT_EQ(known(small_task("a"), other), 0u);
  EXPECT_EQ(known(newer, same), 0u);
}

TEST(Tuner, IgnoresRecordsOutsideOfTheSpaceAndTriesLostConnectionsAgain) {
  const Records records;
  records::Database db = records.open();
  const Options options = options_with(400);
  const std::vector<Task>& tasks = one_task();
  std::vector<records::Trial> trials;
  for (const char* knobs : {"tile=3 unroll=1 packed=0 order=ijk", "garbage", "tile=2 unroll=1 packed=0 order=ijk"}) {
    trials.push_back({"a", "made-up 1", options.setting, knobs, ok_outcome(1), 0});
  }
  trials[2].outcome = failed_outcome(Status::kConnection, "unplugged");
  db.add(trials);
  FakeMeasurer measurer;
  const Result result = tune(tasks, measurer, &db, options);
  EXPECT_EQ(result.progress.tasks[0].known, 0u);
  EXPECT_EQ(result.progress.tasks[0].best_cycles, 1000u);
  EXPECT_THAT(measurer.asked, ::testing::Contains("a: tile=2 unroll=1 packed=0 order=ijk"));
}

TEST(Tuner, StopsATaskThatNoLongerImproves) {
  FakeMeasurer measurer([](const Task&, const space::Config&) { return ok_outcome(50); });
  Options options = options_with(1000);
  options.early_stop = 24;
  const Result result = tune(two_tasks(), measurer, nullptr, options);
  EXPECT_EQ(result.ended, Ended::kFinished);
  for (const TaskProgress& task : result.progress.tasks) {
    EXPECT_EQ(task.trials, 25u);  // the fallback was progress; then three batches of eight
    EXPECT_TRUE(task.finished);
  }
}

TEST(Tuner, EndsAndExplainsWhenEverythingFails) {
  FakeMeasurer measurer(
      [](const Task&, const space::Config&) { return failed_outcome(Status::kBuild, "gcc: command not found"); });
  std::vector<Task> tasks;
  for (const char* name : {"a", "b", "c", "d", "e"}) tasks.push_back(small_task(name));
  Options options = options_with(1000);
  options.errors = 60;
  const Result result = tune(tasks, measurer, nullptr, options);
  EXPECT_EQ(result.ended, Ended::kErrors);
  EXPECT_LE(measurer.asked.size(), 68u);
  EXPECT_THAT(result.explanation, HasSubstr("trials all failed"));
  EXPECT_THAT(result.explanation, HasSubstr("build"));
  EXPECT_THAT(result.explanation, HasSubstr("gcc: command not found"));
  EXPECT_THAT(result.explanation, HasSubstr("title of "));
  EXPECT_EQ(result.progress.total_cycles(), std::nullopt);
}

TEST(Tuner, GivesUpOnAHopelessTaskAndTunesTheOthers) {
  FakeMeasurer measurer([](const Task& task, const space::Config& config) {
    return task.workload == "bad" ? failed_outcome(Status::kWrongResult, "differs") : ok_outcome(small_cost(config));
  });
  Options options = options_with(1000);
  options.errors = 60;
  const std::vector<Task> tasks = {small_task("bad"), small_task("good")};
  const Result result = tune(tasks, measurer, nullptr, options);
  EXPECT_EQ(result.ended, Ended::kFinished);
  EXPECT_TRUE(result.progress.tasks[0].finished);
  EXPECT_LE(result.progress.tasks[0].trials, 28u);
  EXPECT_EQ(result.progress.tasks[0].best_cycles, std::nullopt);
  EXPECT_EQ(result.progress.tasks[1].best_cycles, 1000u);
}

TEST(Tuner, AnIllegalFallbackIsRecordedAndNotMeasured) {
  const Records records;
  records::Database db = records.open();
  Task task = small_task("a");
  task.fallback = task.space.at(2);  // order=kij
  FakeMeasurer measurer;
  const std::vector<Task> tasks = {task};
  const Result result = tune(tasks, measurer, &db, options_with(20));
  EXPECT_EQ(measurer.asked.size(), 19u);
  EXPECT_EQ(result.progress.tasks[0].count(Status::kIllegal), 1u);
  EXPECT_EQ(db.trials({})[0].outcome.error, "kij needs more registers than there are");
}

TEST(Tuner, StopsAfterTheBatchInFlight) {
  const Records records;
  records::Database db = records.open();
  std::atomic<bool> stop = false;
  size_t answered = 0;
  FakeMeasurer measurer([&](const Task&, const space::Config& config) {
    if (++answered == 12) stop = true;
    return ok_outcome(small_cost(config));
  });
  Options options = options_with(100);
  options.stop = &stop;
  const Result result = tune(one_task(), measurer, &db, options);
  EXPECT_EQ(result.ended, Ended::kStopped);
  EXPECT_EQ(result.progress.trials, 17u);  // the fallback and two batches
  EXPECT_EQ(db.trials({}).size(), 17u);
}

/// Answers the first half of a batch when it is interrupted.
class InterruptedMeasurer final : public Measurer {
 public:
  explicit InterruptedMeasurer(std::atomic<bool>& stop) : stop_(stop) {}
  std::vector<Outcome> measure(const Task&, const std::vector<space::Config>& configs) override {
    if (configs.size() < 2) return {ok_outcome(500)};
    stop_ = true;
    return std::vector<Outcome>(configs.size() / 2, ok_outcome(400));
  }

 private:
  std::atomic<bool>& stop_;
};

TEST(Tuner, KeepsWhatAnInterruptedBatchStillMeasured) {
  const Records records;
  records::Database db = records.open();
  std::atomic<bool> stop = false;
  InterruptedMeasurer measurer(stop);
  Options options = options_with(100);
  options.stop = &stop;
  const Result result = tune(one_task(), measurer, &db, options);
  EXPECT_EQ(result.ended, Ended::kStopped);
  EXPECT_EQ(db.trials({}).size(), 5u);
  EXPECT_EQ(result.progress.tasks[0].best_cycles, 400u);
}

TEST(Tuner, EndsAtTheTimeLimitAndEstimatesWhatIsLeft) {
  Clock clock;
  FakeMeasurer measurer([&](const Task&, const space::Config& config) {
    clock.time += std::chrono::seconds(1);
    return ok_outcome(small_cost(config));
  });
  Options options = options_with(100);
  options.now = clock.now();
  std::vector<Progress> reports;
  options.on_progress = [&](const Progress& progress) { reports.push_back(progress); };
  tune(one_task(), measurer, nullptr, options);
  const Progress& early = reports[4];  // begin; before and after the fallback; before and after the first batch
  EXPECT_EQ(early.trials, 9u);
  EXPECT_DOUBLE_EQ(early.trials_per_second(), 1.0);
  EXPECT_DOUBLE_EQ(early.seconds_left.value(), 91.0);
  EXPECT_EQ(reports.front().seconds_left, std::nullopt);
  EXPECT_EQ(reports[3].current, 0u);
  EXPECT_EQ(reports.back().current, std::nullopt);

  options.time_limit = std::chrono::seconds(20);
  const Result limited = tune(one_task(), measurer, nullptr, options);
  EXPECT_EQ(limited.ended, Ended::kTime);
  EXPECT_EQ(limited.progress.trials, 25u);
}

TEST(Tuner, EndsWhenTheWholeModelIsFastEnough) {
  FakeMeasurer measurer;
  std::vector<Task> tasks = {small_task("a"), small_task("b")};
  tasks[1].occurrences = 3;
  Options options = options_with(1000);
  options.target_cycles = 4400;
  const Result result = tune(tasks, measurer, nullptr, options);
  EXPECT_EQ(result.ended, Ended::kTarget);
  EXPECT_LE(result.progress.total_cycles(), 4400u);
  EXPECT_LT(result.progress.trials, 320u);
}

TEST(Tuner, WhatTheMeasurerThrowsLeavesTheRecordsWhole) {
  const Records records;
  records::Database db = records.open();
  size_t answered = 0;
  FakeMeasurer measurer([&](const Task&, const space::Config& config) {
    if (++answered > 20) throw JobError("the board is gone");
    return ok_outcome(small_cost(config));
  });
  EXPECT_THROW(tune(one_task(), measurer, &db, options_with(100)), JobError);
  EXPECT_EQ(db.trials({}).size(), 17u);
}

TEST(Tuner, NoTasksAndNoTrials) {
  FakeMeasurer measurer;
  const std::vector<Task> none;
  EXPECT_EQ(tune(none, measurer, nullptr, options_with(10)).ended, Ended::kFinished);
  EXPECT_EQ(tune(one_task(), measurer, nullptr, options_with(0)).ended, Ended::kTrials);
  EXPECT_THAT(measurer.asked, IsEmpty());
}

TEST(Tuner, SpendsTrialsWhereTheModelSpendsItsCycles) {
  std::vector<Task> tasks = {small_task("small"), small_task("large")};
  FakeMeasurer measurer([](const Task& task, const space::Config& config) {
    return ok_outcome(small_cost(config) * (task.workload == "large" ? 1000 : 1));
  });
  const Result result = tune(tasks, measurer, nullptr, options_with(100));
  EXPECT_LE(result.progress.tasks[0].trials, 10u);
}

TEST(Tuner, GivesEveryTaskItsTurnWhenAsked) {
  std::vector<Task> tasks = {small_task("a"), small_task("b"), small_task("c")};
  tasks[1].occurrences = 50;
  FakeMeasurer measurer;
  Options options = options_with(120);
  options.in_turns = true;
  const Result result = tune(tasks, measurer, nullptr, options);
  for (const TaskProgress& task : result.progress.tasks) {
    EXPECT_GE(task.trials, 40 - options.batch);
    EXPECT_LE(task.trials, 40 + options.batch);
  }
  // A task that has no more points leaves its turns to the others.
  options.trials = 500;
  EXPECT_EQ(tune(tasks, measurer, nullptr, options).ended, Ended::kFinished);
}

TEST(MergeEqual, AddsOccurrencesUp) {
  std::vector<Task> tasks = {small_task("a"), small_task("b"), small_task("a"), small_task("a")};
  tasks[3].occurrences = 5;
  const std::vector<Task> merged = merge_equal(std::move(tasks));
  ASSERT_EQ(merged.size(), 2u);
  EXPECT_EQ(merged[0].workload, "a");
  EXPECT_EQ(merged[0].occurrences, 7);
  EXPECT_EQ(merged[1].occurrences, 1);
}

}  // namespace
}  // namespace mote::tune
