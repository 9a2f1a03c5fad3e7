// Verifying, profiling and debugging a model over every kind of connection.
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "device/test_peers.h"
#include "device/virtual_board.h"
#include "e2e/mote.h"
#include "gmock/gmock.h"
#include "support/files.h"

namespace mote::tests {

namespace {

using testing::HasSubstr;

const char* const kM7 = "nucleo-f746zg";
const char* const kDigits = "examples/digits/digits.tflite";

/// The file of the board kM7 with `counter` for its counter, and `more` at its end.
std::string board_file(const TemporaryFolder& folder, const std::string& counter, const std::string& more) {
  std::string text = read_text(target::load_board(kM7).file);
  const size_t begin = text.find("[counter]"), end = text.find("\n[", begin);
  if (!counter.empty()) text.replace(begin, end - begin, "[counter]\n" + counter + "\n");
  const std::filesystem::path file = folder.path() / "board.toml";
  write_file(file, std::string_view(text + "\n" + more));
  return file;
}

struct Way {
  const char *peer, *how;  // how: "hosted" or "booted"
};

class OverAnyConnection : public testing::TestWithParam<Way> {};

TEST_P(OverAnyConnection, EveryTensorIsVerifiedAndEveryOperatorTimed) {
  const device::PeerResult result = device::start_peer(GetParam().peer);
  if (!result.peer) GTEST_SKIP() << result.missing;
  const auto command = [&](const char* name) {
    std::vector<std::string> words = {
        name,    source_file(kDigits),        "--json",  "--board", result.peer->board.name,
        "--via", result.peer->device->name(), "--limit", "reply=60"};
    if (GetParam().how == std::string("hosted")) words.emplace_back("--hosted");
    return json_of(run_mote(words));
  };
  const nlohmann::json verified = command("verify");
  EXPECT_EQ(verified.at("bit_exact"), true);
  EXPECT_EQ(verified.at("operators").size(), 5u);
  const nlohmann::json profile = command("profile");
  ASSERT_EQ(profile.at("operators").size(), 5u);
  for (const nlohmann::json& op : profile.at("operators")) EXPECT_GT(op.at("cycles").get<int64_t>(), 0) << op;
}

INSTANTIATE_TEST_SUITE_P(All, OverAnyConnection,
                         testing::Values(Way{"host", "hosted"}, Way{"gdb:nucleo-l4r5zi", "hosted"},
                                         Way{"qemu:mps2-an386", "hosted"}, Way{"qemu:mps2-an386", "booted"},
                                         Way{"qemu:mps2-an500", "booted"}, Way{"st-link:nucleo-f746zg", "hosted"},
                                         Way{"openocd:nucleo-f746zg", "booted"}, Way{"jtag:nucleo-l4r5zi", "hosted"}),
                         [](const testing::TestParamInfo<Way>& info) {
                           std::string name = std::string(info.param.peer) + "_" + info.param.how;
                           std::replace_if(
                               name.begin(), name.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

TEST(Via, GdbWithoutAnAddressTakesTheBoardFiles) {
  const device::VirtualBoard board = device::start_virtual_board(target::load_board(kM7), "gdb", {});
  const TemporaryFolder folder;
  const std::string file =
      board_file(folder, "", fmt::format("[gdb]\nhost = \"127.0.0.1\"\nport = {}\n", board.endpoint.port));
  const CommandResult run = run_mote({"run", source_file(kDigits), "--board", file, "--via", "gdb"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("cycles"));
  expect_refused(run_mote({"run", source_file(kDigits), "--board", kM7, "--via", "gdb"}), "says nothing about [gdb]");
}

TEST(Via, WithoutACounterThereIsNoTiming) {
  const TemporaryFolder folder;
  const std::string file = board_file(folder, "kind = \"none\"", ""), model = source_file(kDigits);
  EXPECT_EQ(json_of(run_mote({"verify", model, "--board", file, "--json"})).at("bit_exact"), true);
  for (const char* name : {"run", "profile"}) {
    EXPECT_THAT(run_mote({name, model, "--board", file}).out, HasSubstr("no timing"));
  }
  const nlohmann::json profile = json_of(run_mote({"profile", model, "--board", file, "--hosted", "--json"}));
  EXPECT_TRUE(profile.at("total_cycles").is_null());
  EXPECT_TRUE(profile.at("operators")[0].at("cycles").is_null());
  expect_refused(run_mote({"tune", model, "--board", file, "--records", folder.path() / "r.db"}), "no cycle counter");
}

// A server that takes connections and says nothing.
TEST(Via, LimitsAreTheUsersToSet) {
  const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 8), 0);
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  const std::string via = fmt::format("gdb:127.0.0.1:{}", ntohs(address.sin_port)), model = source_file(kDigits);
  const CommandResult by_option = run_mote({"run", model, "--board", kM7, "--via", via, "--limit", "reply=0.21"});
  EXPECT_EQ(by_option.exit_code, 1);
  EXPECT_THAT(by_option.err, HasSubstr("within 210 ms"));
  const TemporaryFolder folder;
  const std::string file = board_file(folder, "", "[limits]\nreply = 0.17\n");
  EXPECT_THAT(run_mote({"run", model, "--board", file, "--via", via}).err, HasSubstr("within 170 ms"));
  for (const char* command : {"run", "verify", "profile", "tune"}) {
    expect_refused(run_mote({command, model, "--board", kM7, "--limit", "lunch=1"}), "connect, reply, flash, run");
  }
}

TEST(Debug, WorksOverQemuToo) {
  if (!find_program("gdb-multiarch")) GTEST_SKIP() << "gdb-multiarch is not installed";
  const device::PeerResult result = device::start_peer("qemu:mps2-an386");
  if (!result.peer) GTEST_SKIP() << result.missing;
  const CommandResult debug = run_mote({"debug", source_file(kDigits), "--board", "mps2-an386", "--via",
                                        result.peer->device->name(), "--operator", "2", "--", "-batch", "-ex",
                                        "info symbol $pc", "-ex", "bt", "-ex", "stepi", "-ex", "info symbol $pc"});
  ASSERT_EQ(debug.exit_code, 0) << debug.err;
  EXPECT_THAT(debug.out, HasSubstr("digits_02_conv_2d in section .text"));
  EXPECT_THAT(debug.out, HasSubstr("in main ()"));
  EXPECT_THAT(debug.out, HasSubstr("digits_02_conv_2d + "));
}

/// A program on a terminal of its own.
class Terminal {
 public:
  explicit Terminal(const std::vector<std::string>& command) {
    process_ = ::forkpty(&fd_, nullptr, nullptr, nullptr);
    if (process_ != 0) return;
    ::setenv("TERM", "dumb", 1);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ~Terminal() {
    if (process_ > 0) ::kill(process_, SIGKILL);
    if (process_ > 0) ::waitpid(process_, nullptr, 0);
    if (fd_ >= 0) ::close(fd_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// Whether there is a terminal: a machine without /dev/pts has none to give.
  bool opened() const { return process_ > 0; }

  /// All that was printed up to and with `text` since the last call; or all there was before the program ended or two
  /// minutes passed.
  std::string read_until(const std::string& text) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    for (;;) {
      const size_t at = text.empty() ? std::string::npos : printed_.find(text);
      if (at != std::string::npos) {
        const std::string part = printed_.substr(0, at + text.size());
        printed_.erase(0, part.size());
        return part;
      }
      pollfd wait{fd_, POLLIN, 0};
      char buffer[1024];
      const bool readable = ::poll(&wait, 1, 1000) > 0;
      const ssize_t got = readable ? ::read(fd_, buffer, sizeof buffer) : 0;
      if (got > 0) printed_.append(buffer, static_cast<size_t>(got));
      if ((readable && got <= 0) || std::chrono::steady_clock::now() > end) return std::exchange(printed_, {});
    }
  }
  void type(const std::string& line) {
    ASSERT_EQ(::write(fd_, line.data(), line.size()), static_cast<ssize_t>(line.size()));
  }
  int exit_code() {
    int status = 0;
    const bool ended = ::waitpid(std::exchange(process_, 0), &status, 0) > 0;
    return ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t process_ = 0;
  int fd_ = -1;
  std::string printed_;
};

TEST(Debug, OnATerminalGdbIsStartedThere) {
  if (!find_program("gdb-multiarch")) GTEST_SKIP() << "gdb-multiarch is not installed";
  Terminal terminal({MOTE_PROGRAM, "debug", source_file(kDigits), "--board", kM7, "--operator", "1"});
  if (!terminal.opened()) GTEST_SKIP() << "this machine gives no terminal (is /dev/pts mounted?)";
  const std::string before = terminal.read_until("(gdb) ");
  EXPECT_THAT(before, HasSubstr("halted at digits_01_conv_2d"));
  EXPECT_THAT(before, HasSubstr("gdb-multiarch -q "));
  terminal.type("info symbol $pc\n");
  EXPECT_THAT(terminal.read_until("(gdb) "), HasSubstr("digits_01_conv_2d in section .text"));
  terminal.type("\x03");  // its affair, not ours
  terminal.read_until("(gdb) ");
  terminal.type("kill\n");
  terminal.read_until("(y or n)");
  terminal.type("y\n");
  terminal.read_until("(gdb) ");
  terminal.type("quit\n");
  terminal.read_until("");
  EXPECT_EQ(terminal.exit_code(), 0);
}

}  // namespace

}  // namespace mote::tests
