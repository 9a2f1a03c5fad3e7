#include "tune/replay_file.h"

#include <gtest/gtest.h>

#include "support/error.h"
#include "support/random.h"
#include "tune/synthetic.h"
#include "tune/testing.h"

namespace mote::tune {
namespace {

records::Trial common_of(const Task& task) {
  records::Trial common;
  common.workload = "conv s1x1 i8:1x2x3x4";
  common.template_version = task.template_version;
  common.setting = {"cortex-m7", "a board", "sim", "gcc 12.2.1", "-O2 -g"};
  return common;
}

/// A file of random points with all kinds of outcomes, and its trials.
std::string random_file(const Task& task, uint64_t seed, std::vector<records::Trial>* trials) {
  Random random(seed);
  std::string text = replay_header(common_of(task), task.space);
  for (int i = 0; i < 50; ++i) {
    records::Trial trial = common_of(task);
    const space::Config config = task.space.at(random.below(task.space.size()));
    trial.knobs = task.space.text_of(config);
    trial.outcome.status = static_cast<Status>(random.below(records::kStatusCount));
    trial.outcome.cycles = trial.outcome.status == Status::kOk ? random.below(1'000'000) : 0;
    trial.outcome.flash_bytes = static_cast<uint32_t>(random.below(10'000));
    trial.outcome.ram_bytes = static_cast<uint32_t>(random.below(10'000));
    text += replay_line(task.space, config, trial.outcome);
    trials->push_back(trial);
  }
  return text;
}

TEST(ReplayFile, RoundTripsWithAndWithoutAlternatives) {
  for (const Task& task : {synthetic_task("w"), small_task("w")}) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      std::vector<records::Trial> trials;
      const std::string text = random_file(task, seed, &trials);
      EXPECT_EQ(read_replay(text, "x"), trials);
    }
  }
}

TEST(ReplayFile, NamesTheLineThatIsWrong) {
  std::vector<records::Trial> trials;
  const std::string good = random_file(small_task("w"), 1, &trials);
  const std::string header = good.substr(0, good.find("\n-") + 1);
  for (const char* bad : {"gemm 1 2 ok 3 4 5\n", "- 1\n", "- 2 4 0 ijk well 1 2 3\n", "- 2 4 0 ijk ok x 2 3\n",
                          "- 2 4 0 ijk ok 1 2\n", "- 2 4 0 ijk ok 1 2 3 4\n", "- 2 4 0 ijk ok -1 2 3\n", "\n",
                          "# knobs - tile\n", "# colour red\n", "# mote-replay 2\n"}) {
    try {
      read_replay(header + bad, "some file");
      ADD_FAILURE() << "accepted " << bad;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find("line 10"), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(read_replay("- 2 4 0 ijk ok 1 2 3\n", "x"), InputError);
  EXPECT_TRUE(read_replay("", "x").empty());
}

TEST(ReplayFile, DamagedFilesAreReadOrRefusedButNothingElse) {
  std::vector<records::Trial> trials;
  const std::string good = random_file(synthetic_task("w"), 3, &trials);
  int refused = 0;
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::string text = good;
    for (int i = 0; i < 3; ++i) text[random.below(text.size())] = static_cast<char>(random.between(1, 255));
    try {
      read_replay(text, "x");
    } catch (const InputError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 50);
}

}  // namespace
}  // namespace mote::tune
