#include "records/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "records/testing.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::records {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Mode = Database::Mode;

std::vector<std::string> knobs_of(const std::vector<Trial>& trials) {
  std::vector<std::string> knobs;
  for (const Trial& trial : trials) knobs.push_back(trial.knobs);
  return knobs;
}

class DatabaseTest : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  std::string path_ = (folder_.path() / "tuning.db").string();

  void add(std::vector<Trial> trials) { Database(path_, Mode::kWrite).add(trials); }
  Database read() { return Database(path_, Mode::kRead); }
};

TEST(Status, NamesRoundTrip) {
  for (int i = 0; i < kStatusCount; ++i) {
    const Status status = static_cast<Status>(i);
    EXPECT_EQ(status_named(name_of(status)), status);
  }
  EXPECT_EQ(name_of(Status::kTooLarge), "too large");
  EXPECT_EQ(status_named("fine"), std::nullopt);
}

TEST_F(DatabaseTest, KeepsEveryFieldOfEveryTrial) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::vector<Trial> trials;
    for (int i = 0; i < 30; ++i) trials.push_back(random_trial(random));
    const std::string path = (folder_.path() / ("any" + std::to_string(seed))).string();
    {
      Database db(path, Mode::kWrite);
      db.add(std::span(trials).first(10));
      db.add(std::span(trials).subspan(10));
      db.add({});
    }
    EXPECT_EQ(Database(path, Mode::kRead).trials({}), trials);
  }
}

TEST_F(DatabaseTest, ReadersSeeATrialAsSoonAsItIsAdded) {
  Database writer(path_, Mode::kWrite);
  Database reader(path_, Mode::kRead);
  EXPECT_THAT(reader.trials({}), IsEmpty());
  writer.add(std::vector{ok_trial("a", 5)});
  EXPECT_THAT(knobs_of(reader.trials({})), ElementsAre("a"));
}

TEST_F(DatabaseTest, FindsOnlyWhatAQueryAsksFor) {
  Trial other_board = ok_trial("b", 1);
  other_board.setting.board = "other";
  Trial other_flags = ok_trial("c", 2);
  other_flags.setting.flags = "";
  Trial other_workload = ok_trial("d", 3);
  other_workload.workload = "v";
  Trial other_version = ok_trial("e", 4);
  other_version.template_version = "conv2d 2";
  add({ok_trial("a", 5), other_board, other_flags, other_workload, other_version});

  const Database db = read();
  EXPECT_THAT(knobs_of(db.trials(exactly("w", "conv2d 1", m7_setting()))), ElementsAre("a"));
  Query query;
  query.workload = "w";
  EXPECT_THAT(knobs_of(db.trials(query)), ElementsAre("a", "b", "c", "e"));
  query.flags = "";
  EXPECT_THAT(knobs_of(db.trials(query)), ElementsAre("c"));
  query.board = "' OR 1 --";
  EXPECT_THAT(db.trials(query), IsEmpty());
}

TEST_F(DatabaseTest, BestIsTheFastestThatWorked) {
  add({ok_trial("slow", 900), failed_trial("broken", Status::kFault, "BusFault"), ok_trial("fast", 100),
       ok_trial("mid", 500)});
  const Database db = read();
  EXPECT_EQ(db.best({})->knobs, "fast");
  EXPECT_THAT(knobs_of(db.ranked({}, 9)), ElementsAre("fast", "mid", "slow"));
  EXPECT_THAT(knobs_of(db.ranked({}, 2)), ElementsAre("fast", "mid"));
  EXPECT_THAT(db.ranked({}, 0), IsEmpty());
  Query query;
  query.workload = "unknown";
  EXPECT_EQ(db.best(query), std::nullopt);
}

TEST_F(DatabaseTest, RankedListsAPointOnce) {
  add({ok_trial("a", 30), ok_trial("b", 20), ok_trial("a", 10), ok_trial("a", 20)});
  const std::vector<Trial> ranked = read().ranked({}, 9);
  ASSERT_THAT(knobs_of(ranked), ElementsAre("a", "b"));
  EXPECT_EQ(ranked[0].outcome.cycles, 10u);
}

TEST_F(DatabaseTest, APointThatWasEverWrongIsNotChosen) {
  Trial wrong_elsewhere = failed_trial("b", Status::kWrongResult, "differs");
  wrong_elsewhere.setting.flags = "-O1";
  Trial wrong_on_another_board = failed_trial("c", Status::kWrongResult, "differs");
  wrong_on_another_board.setting.board = "other";
  add({ok_trial("a", 10), ok_trial("b", 20), ok_trial("c", 15), failed_trial("a", Status::kWrongResult, "differs"),
       wrong_elsewhere, wrong_on_another_board});
  EXPECT_THAT(knobs_of(read().ranked({}, 9)), ElementsAre("b"));
}

TEST_F(DatabaseTest, BestDoesNotDependOnTheOrderOfMeasuring) {
  std::vector<Trial> trials = {ok_trial("c", 10), ok_trial("a", 10), ok_trial("b", 10), ok_trial("d", 10)};
  trials[3].outcome.flash_bytes = 1;
  for (int i = 0; i < 3; ++i) trials[i].outcome.flash_bytes = 2;
  std::sort(trials.begin(), trials.end(), [](const Trial& a, const Trial& b) { return a.knobs < b.knobs; });
  int order = 0;
  do {
    const std::string path = (folder_.path() / ("order" + std::to_string(order++))).string();
    Database(path, Mode::kWrite).add(trials);
    EXPECT_THAT(knobs_of(Database(path, Mode::kRead).ranked({}, 9)), ElementsAre("d", "a", "b", "c"));
  } while (std::next_permutation(trials.begin(), trials.end(),
                                 [](const Trial& a, const Trial& b) { return a.knobs < b.knobs; }));
  EXPECT_EQ(order, 24);
}

TEST_F(DatabaseTest, MergingTwiceAddsNothing) {
  Random random(7);
  std::vector<Trial> ours, theirs;
  for (int i = 0; i < 40; ++i) {
    const Trial trial = random_trial(random);
    if (i < 25) ours.push_back(trial);
    if (i >= 15) theirs.push_back(trial);
  }
  Database db(path_, Mode::kWrite);
  db.add(ours);
  EXPECT_EQ(db.merge(theirs), 15u);
  EXPECT_EQ(db.merge(theirs), 0u);
  EXPECT_EQ(db.merge(ours), 0u);
  EXPECT_EQ(db.trials({}).size(), 40u);
}

TEST_F(DatabaseTest, PruneKeepsTheBestOfEachSettingAndWhatWasWrong) {
  Trial elsewhere = ok_trial("other", 5000);
  elsewhere.setting.board = "other";
  Trial untouched = ok_trial("untouched", 5000);
  untouched.workload = "v";
  add({ok_trial("c", 30), failed_trial("x", Status::kBuild, ""), ok_trial("a", 10), ok_trial("b", 20),
       failed_trial("y", Status::kWrongResult, ""), elsewhere, untouched});
  Database db(path_, Mode::kWrite);
  Query query;
  query.workload = "w";
  EXPECT_EQ(db.prune(query, 2), 2u);
  EXPECT_THAT(knobs_of(db.trials({})), ElementsAre("a", "b", "y", "other", "untouched"));
  EXPECT_EQ(db.prune(query, 0), 3u);
  EXPECT_THAT(knobs_of(db.trials({})), ElementsAre("y", "untouched"));
}

TEST_F(DatabaseTest, PruneKeepsWhatIsSlowerAndSmaller) {
  const auto sized = [](const std::string& knobs, uint64_t cycles, uint32_t flash, uint32_t ram) {
    Trial trial = ok_trial(knobs, cycles);
    trial.outcome.flash_bytes = flash;
    trial.outcome.ram_bytes = ram;
    return trial;
  };
  Trial elsewhere = sized("elsewhere", 500, 900, 900);
  elsewhere.setting.board = "other";
  add({sized("fast", 10, 900, 100), sized("beaten", 20, 900, 100), sized("small", 30, 100, 100),
       sized("small again", 30, 100, 100), sized("least ram", 40, 900, 0), sized("worst", 50, 900, 200), elsewhere});
  Database db(path_, Mode::kWrite);
  EXPECT_EQ(db.prune({}, 1), 3u);
  EXPECT_THAT(knobs_of(db.trials({})), ElementsAre("fast", "small", "least ram", "elsewhere"));
  EXPECT_EQ(db.prune({}, 0), 4u);
}

TEST_F(DatabaseTest, SummariesCountPerWorkloadAndSetting) {
  Trial elsewhere = failed_trial("z", Status::kTimeout, "");
  elsewhere.setting.board = "a board";
  add({ok_trial("a", 30), elsewhere, ok_trial("b", 20), failed_trial("x", Status::kBuild, "")});
  const std::vector<Database::Summary> summaries = read().summaries({});
  ASSERT_EQ(summaries.size(), 2u);
  EXPECT_EQ(summaries[0].setting.board, "a board");
  EXPECT_EQ(summaries[0].best_cycles, std::nullopt);
  EXPECT_EQ(summaries[0].failed, 1u);
  EXPECT_EQ(summaries[1].workload, "w");
  EXPECT_EQ(summaries[1].setting, m7_setting());
  EXPECT_EQ(summaries[1].trials, 3u);
  EXPECT_EQ(summaries[1].failed, 1u);
  EXPECT_EQ(summaries[1].best_cycles, 20u);
}

}  // namespace
}  // namespace mote::records
