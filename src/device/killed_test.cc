// Our own OpenOCD and the virtual board behind it, killed or stopped in the middle of each kind of call: an error of
// the right kind within the limits, or none where the call could be done again; and everything works afterwards.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <thread>

#include "device/test_peers.h"
#include "support/subprocess.h"

namespace mote::device {
namespace {

using std::chrono::milliseconds;

struct Blow {
  const char* via;
  const char* victim;
  int signal;
};

class StruckDown : public testing::TestWithParam<Blow> {
 protected:
  void SetUp() override {
    if (!find_own_program("mote-board")) GTEST_SKIP() << "mote-board is not built";
    if (!find_program("openocd")) GTEST_SKIP() << "openocd is not installed";
    mark_ = std::to_string(::getpid()) + "_struck_down";
    ::setenv("MOTE_TEST_MARK", mark_.c_str(), 1);
    board_ = target::load_board("nucleo-f746zg");
    // What is stopped is waited for as long as the limits say; what is killed is not.
    const bool stopped = GetParam().signal == SIGSTOP;
    board_.limits = {milliseconds(30'000), milliseconds(stopped ? 2500 : 30'000),
                     milliseconds(stopped ? 4000 : 60'000)};
    device_ = open_device(GetParam().via, board_);
    device_->reset();
  }
  void TearDown() override {
    device_.reset();
    const auto alive = [&] { return !marked_boards(mark_).empty() || !marked_processes("openocd", mark_).empty(); };
    for (int i = 0; i < 1000 && alive(); ++i) std::this_thread::sleep_for(milliseconds(10));
    EXPECT_FALSE(alive()) << "something was left behind";
  }
  std::vector<pid_t> victims() const { return marked_processes(GetParam().victim, mark_); }
  uint32_t ram() const { return board_.ram().address; }

  /// Calls again and again while the blow falls, until the call fails or another process has taken the victim's place.
  void strike(const std::function<void()>& call) {
    const std::vector<pid_t> before = victims();
    ASSERT_EQ(before.size(), 1u);
    std::thread killer([&] {
      std::this_thread::sleep_for(milliseconds(60));
      ::kill(before[0], GetParam().signal);
    });
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(300);
    bool replaced = false;
    try {
      while (!replaced && std::chrono::steady_clock::now() < end) {
        call();
        const std::vector<pid_t> now = victims();
        replaced = now.size() == 1 && now[0] != before[0];
      }
      EXPECT_TRUE(replaced) << "nothing happened";
    } catch (const ConnectionError& error) {
      EXPECT_NE(std::string(error.what()), "");
    }
    killer.join();
    const uint64_t incarnation = device_->incarnation();
    device_->reset();
    write_word(*device_, ram(), 77);
    EXPECT_EQ(read_word(*device_, ram()), 77u);
    if (std::string(GetParam().victim) == "mote-board") {
      EXPECT_GT(std::max(incarnation, device_->incarnation()), 0u) << "RAM was lost, and nobody says so";
    }
    EXPECT_EQ(victims().size(), 1u);
  }

  std::string mark_;
  target::Board board_;
  std::unique_ptr<Device> device_;
};

TEST_P(StruckDown, WhileReading) {
  Bytes bytes(60'000);
  strike([&] { device_->read(ram(), bytes); });
}

TEST_P(StruckDown, WhileWriting) {
  const Bytes bytes(60'000, std::byte{0x5A});
  strike([&] { device_->write(ram(), bytes); });
}

TEST_P(StruckDown, WhileRunning) {
  device_->write(ram(), to_bytes(std::vector<uint16_t>{0xE7FE, 0xBF00}));
  Registers registers;
  registers.r[13] = ram() + 1024;
  registers.r[15] = ram();
  strike([&] { device_->run(registers, ram() + 2, milliseconds(500)); });
}

TEST_P(StruckDown, WhileGoingOn) {
  strike([&] {
    device_->write(ram(), to_bytes(std::vector<uint16_t>{0xE7FE, 0xBF00}));
    Registers registers;
    registers.r[13] = ram() + 1024;
    registers.r[15] = ram();
    device_->run(registers, ram() + 2, milliseconds(1));
    device_->resume(milliseconds(500));
  });
}

TEST_P(StruckDown, WhileResetting) {
  strike([&] { device_->reset(); });
}

TEST_P(StruckDown, WhileProgramming) {
  const Bytes bytes(20'000, std::byte{0x5A});
  strike([&] { device_->program(board_.flash().address, bytes); });
}

constexpr Blow kBlows[] = {{"sim:st-link", "mote-board", SIGKILL}, {"sim:st-link", "openocd", SIGKILL},
                           {"sim:st-link", "mote-board", SIGSTOP}, {"sim:st-link", "openocd", SIGSTOP},
                           {"sim:jtag", "mote-board", SIGKILL},    {"sim:jtag", "openocd", SIGKILL},
                           {"sim", "mote-board", SIGKILL}};

std::string name_of_blow(const testing::TestParamInfo<Blow>& info) {
  const std::string via = info.param.via, victim = info.param.victim;
  return std::string(via == "sim"        ? "Sim"
                     : via == "sim:jtag" ? "Jtag"
                                         : "StLink") +
         (victim == "openocd" ? "Server" : "Board") + (info.param.signal == SIGKILL ? "Killed" : "Stopped");
}

INSTANTIATE_TEST_SUITE_P(OpenOcd, StruckDown, testing::ValuesIn(kBlows), name_of_blow);

}  // namespace
}  // namespace mote::device
