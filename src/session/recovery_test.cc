// Sessions whose board is killed at the worst moments.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "device/test_peers.h"
#include "session/session.h"

namespace mote::session {
namespace {

using std::chrono::milliseconds;

class KilledSession : public testing::Test {
 protected:
  void SetUp() override {
    mark_ = std::to_string(::getpid()) + "_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    ::setenv("MOTE_TEST_MARK", mark_.c_str(), 1);
    device::PeerResult result = device::start_peer("sim:nucleo-f746zg");
    if (!result.peer) GTEST_SKIP() << result.missing;
    peer_.emplace(std::move(*result.peer));
    toolchain_.emplace(peer_->board);
    session_.emplace(*peer_->device, peer_->board, *toolchain_);
    const toolchain::CompileResult object = toolchain_->compile(
        {"kernel.c", "void add(int* a) { *a += 2; } void hang(int a) { while (a) __asm volatile(\"\"); }"}, {"-O2"});
    ASSERT_TRUE(object.ok()) << object.messages;
    object_ = *object.object;
    word_ = session_->allocate(4);
  }
  Module load() {
    LoadResult result = session_->load({object_});
    return std::move(std::get<Module>(result));
  }
  void kill_board() {
    for (const pid_t id : device::marked_boards(mark_)) ::kill(id, SIGKILL);
  }
  void expect_working(const Module& module) {
    session_->write(word_, to_bytes(std::vector<int32_t>{40}));
    const CallResult result = session_->call(module, "add", {word_});
    EXPECT_TRUE(result.ok()) << result.fault->text();
    EXPECT_EQ(to_values<int32_t>(session_->read(word_, 4))[0], 42);
  }

  std::string mark_;
  std::optional<device::Peer> peer_;
  std::optional<toolchain::Toolchain> toolchain_;
  std::optional<Session> session_;
  toolchain::Object object_;
  uint32_t word_ = 0;
};

TEST_F(KilledSession, DuringACall) {
  const Module module = load();
  const uint64_t generation = session_->generation();
  std::thread killer([&] {
    std::this_thread::sleep_for(milliseconds(200));
    kill_board();
  });
  const CallResult result = session_->call(module, "hang", {1}, 1, milliseconds(60'000));
  killer.join();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.fault->kind, Fault::Kind::kConnection) << result.fault->text();
  EXPECT_GT(session_->generation(), generation);
  expect_working(module);
}

TEST_F(KilledSession, BeforeACall) {
  const Module module = load();
  kill_board();
  const CallResult result = session_->call(module, "add", {word_});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.fault->kind, Fault::Kind::kConnection);
  expect_working(module);
}

TEST_F(KilledSession, BeforeALoad) {
  kill_board();
  EXPECT_THROW(load(), device::ConnectionError);
  const Module module = load();
  expect_working(module);
}

TEST_F(KilledSession, BeforeAReadAndAWrite) {
  const Module module = load();
  kill_board();
  EXPECT_THROW(session_->read(word_, 4), device::ConnectionError);
  expect_working(module);
  kill_board();
  EXPECT_THROW(session_->write(word_, Bytes(4)), device::ConnectionError);
  expect_working(module);
}

}  // namespace
}  // namespace mote::session
