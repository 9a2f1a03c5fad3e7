#include "faults/faulty_tuning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/data_dir.h"
#include "support/subprocess.h"

namespace mote::benchmarks {
namespace {

using records::Status;

class FaultyTuningTest : public testing::TestWithParam<std::vector<std::string>> {};

// Every third candidate is spoiled, so that a few dozen trials meet every kind; one board, then two that share the
// work.
TEST_P(FaultyTuningTest, EveryTrialIsRecordedAsWhatItWas) {
  if (!find_own_program("mote-board")) GTEST_SKIP() << "mote-board is not built";
  FaultyTuning what;
  what.model = source_dir() / "examples/digits/digits.tflite";
  what.board = "nucleo-f746zg";
  what.vias = GetParam();
  what.trials = 48;
  what.one_in = 3;
  what.run_limit = std::chrono::milliseconds(3000);
  const FaultyResult result = tune_with_faults(what);
  EXPECT_EQ(result.recorded, what.trials);
  EXPECT_THAT(result.wrong, testing::IsEmpty());
  size_t jobs = 0;
  for (const session::BoardState& board : result.boards) {
    EXPECT_EQ(board.failures, 0u) << board.last_error;
    EXPECT_GT(board.jobs, 0u);
    jobs += board.jobs;
  }
  EXPECT_LE(jobs, what.trials);  // an illegal fallback asks for no board
  EXPECT_GT(result.good.at(Status::kOk), 0u);
  for (int kind = 0; kind < measure::kSabotages; ++kind) {
    const measure::Sabotage sabotage = static_cast<measure::Sabotage>(kind);
    EXPECT_GT(result.spoiled[static_cast<size_t>(kind)].count(measure::status_after(sabotage)), 0u)
        << name_of(sabotage);
  }
}

INSTANTIATE_TEST_SUITE_P(Boards, FaultyTuningTest,
                         testing::Values(std::vector<std::string>{"sim"}, std::vector<std::string>{"sim", "sim"}));

}  // namespace
}  // namespace mote::benchmarks
