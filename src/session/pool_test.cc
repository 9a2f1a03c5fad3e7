#include "session/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "device/test_peers.h"
#include "support/subprocess.h"

namespace mote::session {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using End = Pool::End;

class PoolTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!find_own_program("mote-board")) GTEST_SKIP() << "mote-board is not built";
    mark_ = std::to_string(::getpid()) + "_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    ::setenv("MOTE_TEST_MARK", mark_.c_str(), 1);
    board_.limits = device::kPatient;
    options_.first_pause = milliseconds(20);
    options_.on_event = [this](const std::string& event) { events_.push_back(event); };
  }
  void kill_boards() {
    for (const pid_t id : device::marked_boards(mark_)) ::kill(id, SIGKILL);
  }
  /// A job that shows whether the session works: what is written is read back.
  static void round_trip(Session& session, size_t index) {
    const uint32_t word = session.allocate(4);
    const Bytes bytes = to_bytes(std::vector<uint32_t>{static_cast<uint32_t>(index) * 77});
    try {
      session.write(word, bytes);
      EXPECT_EQ(session.read(word, 4), bytes);
    } catch (const device::ConnectionError&) {
      session.free(word);
      throw;
    }
    session.free(word);
  }
  static size_t count(const std::vector<Pool::JobEnd>& ends, End end) {
    return static_cast<size_t>(
        std::count_if(ends.begin(), ends.end(), [&](const Pool::JobEnd& e) { return e.end == end; }));
  }

  target::Board board_ = target::load_board("nucleo-f746zg");
  std::string mark_;
  PoolOptions options_;
  std::vector<std::string> events_;
};

TEST_F(PoolTest, TwoBoardsShareTheWork) {
  Pool pool({"sim", "sim"}, board_, options_);
  std::vector<std::atomic<int>> done(40);
  const std::vector<Pool::JobEnd> ends = pool.run(done.size(), [&](Session& session, size_t index) {
    round_trip(session, index);
    std::this_thread::sleep_for(milliseconds(10));
    ++done[index];
  });
  EXPECT_EQ(count(ends, End::kDone), done.size());
  for (const std::atomic<int>& times : done) EXPECT_EQ(times, 1);
  const std::vector<BoardState> boards = pool.boards();
  EXPECT_GT(boards[0].jobs, 5u);
  EXPECT_GT(boards[1].jobs, 5u);
  EXPECT_EQ(boards[0].jobs + boards[1].jobs, done.size());
  EXPECT_TRUE(events_.empty());
}

TEST_F(PoolTest, BoardsThatDieAreSetAsideAndComeBack) {
  Pool pool({"sim", "sim"}, board_, options_);
  std::atomic<int> begun{0};
  const std::vector<Pool::JobEnd> ends = pool.run(30, [&](Session& session, size_t index) {
    if (++begun % 10 == 5) kill_boards();
    round_trip(session, index);
  });
  EXPECT_EQ(count(ends, End::kDone) + count(ends, End::kLost), ends.size());
  EXPECT_GE(count(ends, End::kDone), 25u);  // one job may meet a dead board twice
  const std::vector<BoardState> boards = pool.boards();
  EXPECT_GT(boards[0].failures + boards[1].failures, 0u);
  EXPECT_THAT(events_, testing::Contains(HasSubstr("sim is set aside for")));
  EXPECT_THAT(events_, testing::Contains("sim answers again"));
  // What came back works.
  const std::vector<Pool::JobEnd> after = pool.run(10, round_trip);
  EXPECT_EQ(count(after, End::kDone), 10u);
}

TEST_F(PoolTest, AnAbsentBoardIsReportedAndTheOthersWork) {
  const std::string absent = "gdb:127.0.0.1:" + std::to_string(device::free_port());
  Pool pool({absent, "sim"}, board_, options_);
  ASSERT_EQ(events_.size(), 1u);
  EXPECT_THAT(events_[0], HasSubstr(absent + " is set aside"));
  EXPECT_EQ(count(pool.run(10, round_trip), End::kDone), 10u);
  const std::vector<BoardState> boards = pool.boards();
  EXPECT_FALSE(boards[0].in_service);
  EXPECT_THAT(boards[0].last_error, HasSubstr("127.0.0.1"));
  EXPECT_EQ(boards[1].jobs, 10u);
}

TEST_F(PoolTest, WithoutAnyBoardThereIsNoPool) {
  const std::string absent = "gdb:127.0.0.1:" + std::to_string(device::free_port());
  EXPECT_THROW(Pool({absent, absent}, board_, options_), device::ConnectionError);
  EXPECT_THROW(Pool({"sim", "carrier pigeon"}, board_, options_), InputError);
}

TEST_F(PoolTest, AJobThatAlwaysLosesItsBoardIsToBlame) {
  Pool pool({"sim"}, board_, options_);
  const std::vector<Pool::JobEnd> ends = pool.run(6, [](Session& session, size_t index) {
    if (index == 3) throw device::ConnectionError("it pulled the plug");
    round_trip(session, index);
  });
  EXPECT_EQ(count(ends, End::kDone), 5u);
  EXPECT_EQ(ends[3].end, End::kLost);
  EXPECT_EQ(ends[3].error, "it pulled the plug");
  EXPECT_EQ(pool.boards()[0].failures, 2u);
}

TEST_F(PoolTest, WhatWaitsIsLostWhenNoBoardComesBack) {
  std::optional<device::Peer> peer = device::start_peer("gdb:nucleo-f746zg").peer;
  ASSERT_TRUE(peer);
  const std::string via = peer->device->name();
  options_.patience = milliseconds(300);
  Pool pool({via}, board_, options_);
  const std::vector<Pool::JobEnd> ends = pool.run(8, [&](Session& session, size_t index) {
    if (index == 2) peer.reset();
    round_trip(session, index);
  });
  EXPECT_EQ(count(ends, End::kDone), 2u);
  EXPECT_EQ(count(ends, End::kLost), 6u);
  try {
    pool.run(1, round_trip);
    ADD_FAILURE() << "it went on without a board";
  } catch (const device::ConnectionError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no board is left"));
    EXPECT_THAT(error.what(), HasSubstr(via));
  }
}

TEST_F(PoolTest, StopsWhenAsked) {
  std::atomic<bool> stop{false};
  options_.stop = &stop;
  Pool pool({"sim"}, board_, options_);
  const std::vector<Pool::JobEnd> ends = pool.run(5, [&](Session&, size_t index) { stop = index == 1; });
  EXPECT_EQ(count(ends, End::kDone), 2u);
  EXPECT_EQ(count(ends, End::kNotBegun), 3u);
}

TEST_F(PoolTest, OtherErrorsOfAJobEndTheRun) {
  Pool pool({"sim", "sim"}, board_, options_);
  EXPECT_THROW(pool.run(5, [](Session&, size_t) { throw JobError("no more room on the disk"); }), JobError);
}

}  // namespace
}  // namespace mote::session
