// Peers that die, hang, or talk nonsense: an error within the limit that says what to try, and life goes on where it
// can.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <thread>

#include "device/test_peers.h"
#include "support/random.h"
#include "support/subprocess.h"

namespace mote::device {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr Limits kShort{milliseconds(2000), milliseconds(300)};

/// A TCP server on this computer that answers as the test says.
class Server {
 public:
  /// Gets what was received and gives what to send back; nothing more: the connection is closed.
  using Answer = std::function<std::optional<std::string>(const std::string& received)>;

  explicit Server(Answer answer)
      : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_.get(), 8);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread(&Server::serve, this);
  }
  ~Server() {
    stopping_ = true;
    thread_.join();
  }
  std::string at(const std::string& driver) const { return driver + ":127.0.0.1:" + std::to_string(port_); }

 private:
  static bool readable(int fd) {
    pollfd poll{fd, POLLIN, 0};
    return ::poll(&poll, 1, 10) > 0;
  }
  void serve() {
    while (!stopping_) {
      if (!readable(listener_.get())) continue;
      const FileDescriptor peer(::accept(listener_.get(), nullptr, nullptr));
      for (bool open = true; open && !stopping_;) {
        if (!readable(peer.get())) continue;
        char buffer[4096];
        const ssize_t got = ::recv(peer.get(), buffer, sizeof buffer, 0);
        if (got <= 0) break;
        const std::optional<std::string> reply = answer_(std::string(buffer, static_cast<size_t>(got)));
        open = reply && ::send(peer.get(), reply->data(), reply->size(), MSG_NOSIGNAL) >= 0;
      }
    }
  }

  Answer answer_;
  FileDescriptor listener_;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

class BadPeer : public testing::TestWithParam<const char*> {
 protected:
  /// What each operation says when the peer answers like this. All must end, by a ConnectionError.
  std::vector<std::string> errors(Server::Answer answer, const Limits& limits = kShort) {
    const Server server(std::move(answer));
    target::Board board = target::load_board("nucleo-f746zg");
    board.limits = limits;
    const std::unique_ptr<Device> device = open_device(server.at(GetParam()), board);
    Bytes bytes(16);
    const std::function<void()> operations[] = {
        [&] { device->read(0x20000000, bytes); },
        [&] { device->write(0x20000000, bytes); },
        [&] { device->run({}, 0x20000000, milliseconds(100)); },
        [&] { device->resume(milliseconds(100)); },
        [&] { device->reset(); },
        [&] { device->program(0x08000000, bytes); },
    };
    std::vector<std::string> texts;
    for (const std::function<void()>& operation : operations) {
      try {
        operation();
        ADD_FAILURE() << "operation " << texts.size() << " ended well";
        texts.emplace_back();
      } catch (const ConnectionError& error) {
        texts.emplace_back(error.what());
      }
    }
    return texts;
  }
};

TEST_P(BadPeer, AnswersNothing) {
  for (const std::string& text : errors([](const std::string&) { return ""; })) {
    EXPECT_THAT(text, HasSubstr("no answer"));
    EXPECT_THAT(text, HasSubstr(GetParam()));
  }
}

TEST_P(BadPeer, ClosesTheConnection) {
  for (const std::string& text : errors([](const std::string&) { return std::nullopt; }, kPatient)) {
    EXPECT_THAT(text, testing::AnyOf(HasSubstr("closed"), HasSubstr("lost")));
  }
}

TEST_P(BadPeer, AnswersGarbage) {
  errors([](const std::string&) { return "HTTP/1.1 400 Bad Request\r\n\r\n\x1a"; });
  errors([](const std::string&) { return "+$nonsense#00\x1a"; });
  const uint64_t seed = 17;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  errors([random = Random(seed)](const std::string&) mutable {
    std::string noise(200, '\0');
    random.fill(std::as_writable_bytes(std::span(noise)));
    return noise;
  });
}

TEST_P(BadPeer, NeverEndsItsAnswer) {
  errors([](const std::string&) { return std::string(100'000, '.'); });
  errors([](const std::string&) { return "+$" + std::string(100'000, '.'); });
}

TEST_P(BadPeer, NobodyIsThere) {
  target::Board board = target::load_board("nucleo-f746zg");
  board.limits = kShort;
  const std::unique_ptr<Device> device = open_device(std::string(GetParam()) + ":127.0.0.1:1", board);
  try {
    device->reset();
    ADD_FAILURE() << "no exception";
  } catch (const ConnectionError& error) {
    EXPECT_THAT(error.what(), HasSubstr("nobody answers at 127.0.0.1 port 1"));
  }
}

INSTANTIATE_TEST_SUITE_P(Drivers, BadPeer, testing::Values("gdb", "openocd"),
                         [](const testing::TestParamInfo<const char*>& info) { return std::string(info.param); });

TEST(OpenDevice, RefusesUnknownForms) {
  const target::Board board = target::load_board("nucleo-f746zg");
  for (const char* via : {"", "usb", "gdb", "gdb:", "gdb:localhost", "gdb::1", "gdb:localhost:0", "gdb:localhost:65536",
                          "gdb:localhost:12x", "openocd:", "host"}) {
    EXPECT_THROW(open_device(via, board), InputError) << via;
  }
}

// ------------------------------------------------------------------------------------------ a virtual board that is
// killed

class KilledBoard : public testing::Test {
 protected:
  void SetUp() override {
    if (!find_own_program("mote-board")) GTEST_SKIP() << "mote-board is not built";
    mark_ = std::to_string(::getpid()) + "_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    ::setenv("MOTE_TEST_MARK", mark_.c_str(), 1);
    board_ = target::load_board("nucleo-f746zg");
    board_.limits = {milliseconds(30'000), milliseconds(3000)};
    device_ = open_device("sim", board_);
    device_->reset();
    ASSERT_EQ(marked_boards(mark_).size(), 1u);
  }
  void TearDown() override {
    device_.reset();
    for (int i = 0; i < 1000 && !marked_boards(mark_).empty(); ++i) std::this_thread::sleep_for(milliseconds(10));
    EXPECT_TRUE(marked_boards(mark_).empty()) << "a board was left behind";
  }
  void hit(int signal) {
    for (const pid_t id : marked_boards(mark_)) ::kill(id, signal);
  }
  uint32_t ram() const { return board_.ram().address; }
  /// After reset() at the latest it works again.
  void expect_recovery() {
    EXPECT_GT(device_->incarnation(), 0u);
    device_->reset();
    write_word(*device_, ram(), 77);
    EXPECT_EQ(read_word(*device_, ram()), 77u);
    EXPECT_EQ(marked_boards(mark_).size(), 1u);
  }

  std::string mark_;
  target::Board board_;
  std::unique_ptr<Device> device_;
};

TEST_F(KilledBoard, BetweenCalls) {
  hit(SIGKILL);
  EXPECT_THROW(read_word(*device_, ram()), ConnectionError);
  expect_recovery();
  hit(SIGKILL);
  EXPECT_THROW(write_word(*device_, ram(), 1), ConnectionError);
  expect_recovery();
  hit(SIGKILL);
  device_->reset();  // reset() itself brings it back
  expect_recovery();
}

TEST_F(KilledBoard, WhileItRuns) {
  const std::vector<uint16_t> loop = {0xE7FE, 0xBF00};
  device_->write(ram(), to_bytes(loop));
  std::thread killer([&] {
    std::this_thread::sleep_for(milliseconds(200));
    hit(SIGKILL);
  });
  Registers registers;
  registers.r[13] = ram() + 1024;
  registers.r[15] = ram();
  EXPECT_THROW(device_->run(registers, ram() + 2, milliseconds(60'000)), ConnectionError);
  killer.join();
  expect_recovery();
}

// How a board file says that its board is reset, over both cables of a virtual board.
class ResetMethod : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(ResetMethod, ResetsWhateverTheCoreDoes) {
  if (!find_own_program("mote-board")) GTEST_SKIP() << "mote-board is not built";
  if (!find_program("openocd")) GTEST_SKIP() << "openocd is not installed";
  constexpr uint32_t kVtor = 0xE000ED08;  // a reset lets it point at flash again
  target::Board board = target::load_board("nucleo-l4r5zi");
  board.limits = kPatient;
  board.openocd->reset = std::get<1>(GetParam());
  const std::unique_ptr<Device> device = open_device(std::get<0>(GetParam()), board);
  const uint32_t ram = board.ram().address;
  device->reset();
  device->write(ram, to_bytes(std::vector<uint16_t>{0xE7FE, 0xBF00}));  // b .
  write_word(*device, kVtor, ram);
  Registers registers;
  registers.r[13] = ram + 1024;
  registers.r[15] = ram;
  EXPECT_EQ(device->run(registers, ram + 2, milliseconds(50)).kind, Stop::Kind::kTimeout);
  EXPECT_EQ(read_word(*device, kVtor), ram);
  device->reset();
  EXPECT_NE(read_word(*device, kVtor), ram);
  EXPECT_EQ(read_word(*device, ram), 0xBF00E7FEu) << "RAM survives";
  EXPECT_EQ(device->run(registers, ram, kPatient.run).kind, Stop::Kind::kBreakpoint) << "it was halted";
}

INSTANTIATE_TEST_SUITE_P(OpenOcd, ResetMethod,
                         testing::Combine(testing::Values("sim:st-link", "sim:jtag"),
                                          testing::Values("sysresetreq", "vectreset", "srst")),
                         [](const testing::TestParamInfo<ResetMethod::ParamType>& info) {
                           const bool jtag = std::get<0>(info.param) == std::string("sim:jtag");
                           return std::string(jtag ? "Jtag_" : "StLink_") + std::get<1>(info.param);
                         });

TEST_F(KilledBoard, WedgedIsReplaced) {
  hit(SIGSTOP);
  EXPECT_THROW(read_word(*device_, ram()), ConnectionError);
  expect_recovery();
}

}  // namespace
}  // namespace mote::device
