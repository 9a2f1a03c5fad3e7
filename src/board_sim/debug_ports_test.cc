// All ports of one board, open at once: one core, one state, one debugger at a time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>

#include "board_sim/firmware_test.h"
#include "board_sim/gdb_packet.h"
#include "support/files.h"
#include "support/spawner.h"

namespace mote::board_sim {
namespace {

using testing::HasSubstr;

/// A client of one port.
class Client {
 public:
  explicit Client(const std::string& where) {
    if (where.find('/') != std::string::npos) {
      sockaddr_un place{};
      place.sun_family = AF_UNIX;
      where.copy(place.sun_path, sizeof place.sun_path - 1);
      fd_ = FileDescriptor(socket(AF_UNIX, SOCK_STREAM, 0));
      EXPECT_EQ(connect(fd_.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place), 0);
    } else {
      sockaddr_in place{};
      place.sin_family = AF_INET;
      place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      place.sin_port = htons(static_cast<uint16_t>(std::stoi(where)));
      fd_ = FileDescriptor(socket(AF_INET, SOCK_STREAM, 0));
      EXPECT_EQ(connect(fd_.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place), 0);
    }
    std::signal(SIGPIPE, SIG_IGN);
    const timeval limit{20, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  void send(std::string_view bytes) { EXPECT_EQ(write(fd_.get(), bytes.data(), bytes.size()), ssize_t(bytes.size())); }
  /// `size` bytes, fewer when the connection ends before.
  std::string receive(size_t size) {
    std::string bytes(size, '\0');
    size_t have = 0;
    while (have < size) {
      const ssize_t count = read(fd_.get(), bytes.data() + have, size - have);
      if (count <= 0) break;
      have += static_cast<size_t>(count);
    }
    bytes.resize(have);
    return bytes;
  }
  /// The GDB reply to a packet.
  std::string ask(std::string_view packet) {
    send(frame_packet(packet));
    for (;;) {
      while (const std::optional<GdbReader::Event> event = reader_.next()) {
        if (event->kind == GdbReader::Event::Kind::kPacket) return event->packet;
      }
      const std::string byte = receive(1);
      if (byte.empty()) return "(gone)";
      reader_.feed(byte);
    }
  }

 private:
  FileDescriptor fd_;
  GdbReader reader_;
};

std::string word(uint32_t value) {
  return {static_cast<char>(value), static_cast<char>(value >> 8), static_cast<char>(value >> 16),
          static_cast<char>(value >> 24)};
}

/// One word of memory, or a register of the core's, by an ST-Link.
uint32_t probe_read(Client& probe, uint32_t address) {
  const std::string command = std::string("\xF2\x07") + word(address) + std::string("\x04\0", 2);
  probe.send(std::string("\x05\0\0\0\x01\0\0\0", 8) + command + std::string(8, '\0') + std::string("\x01\0\0\0", 4) +
             word(4));
  const std::string answer = probe.receive(8);
  uint32_t value = 0;
  if (answer.size() == 8) std::memcpy(&value, answer.data() + 4, 4);
  return value;
}

class DebugPorts : public testing::Test {
 protected:
  void SetUp() override {
    const std::optional<std::filesystem::path> program = find_own_program("mote-board");
    if (!program) GTEST_SKIP() << "mote-board is not built";
    Command command;
    socket_ = std::filesystem::temp_directory_path() / fmt::format("st-link-{}", getpid());
    command.arguments = {program->string(), "--board", "nucleo-f746zg",    "--gdb", "0",
                         "--st-link",       socket_,   "--remote-bitbang", "0"};
    board_.emplace(command);
    gdb_ = announced("gdb: ");
    bitbang_ = announced("remote-bitbang: ");
    EXPECT_EQ(announced("st-link: "), socket_);
  }
  std::string announced(const std::string& what) {
    const std::optional<std::string> line = board_->wait_for_line(
        [&](const std::string& text) { return text.starts_with(what); }, std::chrono::seconds(20));
    return line ? line->substr(what.size()) : "";
  }

  std::optional<BackgroundProcess> board_;
  std::string gdb_, bitbang_, socket_;
};

constexpr uint32_t kStatus = 0xE000EDF0, kHalted = 1u << 17;

TEST_F(DebugPorts, ShowOneCore) {
  {
    Client gdb(gdb_);
    EXPECT_EQ(gdb.ask("X20000000,4:" + word(0xBF00E7FD)), "OK");  // 1: b 1b - 2, so: nop; b .-2
    EXPECT_EQ(gdb.ask("X20000000,4:" + word(0xE7FDBF00)), "OK");
    EXPECT_EQ(gdb.ask("Pf=00000020"), "OK");
    EXPECT_EQ(gdb.ask("D"), "OK") << "it runs on";
  }
  {
    Client probe(socket_);
    EXPECT_EQ(probe_read(probe, 0x20000000), 0xE7FDBF00u);
    EXPECT_EQ(probe_read(probe, kStatus) & kHalted, 0u);
  }
  {
    Client gdb(gdb_);
    EXPECT_EQ(gdb.ask("?"), "T05thread:1;");
    EXPECT_THAT(gdb.ask("pf"), testing::AnyOf("00000020", "02000020"));
  }  // gone without a word: the core stays halted
  Client probe(socket_);
  EXPECT_EQ(probe_read(probe, kStatus) & kHalted, kHalted);
}

TEST_F(DebugPorts, TurnASecondDebuggerAway) {
  Client gdb(gdb_);
  EXPECT_EQ(gdb.ask("qC"), "QC1");
  Client cable(bitbang_);
  EXPECT_EQ(cable.receive(1), "") << "closed";
  Client second(gdb_);
  EXPECT_EQ(second.receive(1), "") << "at the same port, too";
  EXPECT_EQ(gdb.ask("qC"), "QC1") << "the first is not disturbed";
  EXPECT_THAT(board_->output(), HasSubstr("turned a debugger away at " + bitbang_));
}

TEST_F(DebugPorts, AWatchpointHaltsBehindTheAccess) {
  Client gdb(gdb_);
  // movs r0, #1; str r0, [r1]; ldrb r2, [r1, #2]; nop; b .
  EXPECT_EQ(gdb.ask("M20000000,a:01200860"
                    "8a7800bf"
                    "fee7"),
            "OK");
  const auto start = [&] {
    gdb.ask("Pf=00000020");
    gdb.ask("P1=00010020");
  };
  start();
  EXPECT_EQ(gdb.ask("Z2,20000100,4"), "OK");
  EXPECT_EQ(gdb.ask("c"), "T05watch:20000100;thread:1;");
  EXPECT_EQ(gdb.ask("pf"), "04000020");
  EXPECT_EQ(gdb.ask("m20000100,1"), "01");
  EXPECT_EQ(gdb.ask("z2,20000100,4"), "OK");
  EXPECT_EQ(gdb.ask("Z3,20000102,1"), "OK");
  EXPECT_EQ(gdb.ask("c"), "T05rwatch:20000102;thread:1;");
  EXPECT_EQ(gdb.ask("pf"), "06000020");
  EXPECT_EQ(gdb.ask("z3,20000102,1"), "OK");
  EXPECT_EQ(gdb.ask("Z4,20000103,1"), "OK");
  start();
  EXPECT_EQ(gdb.ask("s"), "T05thread:1;");
  EXPECT_EQ(gdb.ask("s"), "T05awatch:20000103;thread:1;") << "a word's store touches it";
  EXPECT_EQ(gdb.ask("z4,20000103,1"), "OK");
  EXPECT_EQ(gdb.ask("Z2,20000100,0"), "E01");
}

TEST_F(DebugPorts, AWatchpointWaitsForTheEndOfAnItBlock) {
  Client gdb(gdb_);
  // cmp r0, r0; itt eq; streq r0, [r1]; addeq r2, #1; nop; b .
  EXPECT_EQ(gdb.ask("M20000000,c:8042"
                    "04bf"
                    "0860"
                    "0132"
                    "00bf"
                    "fee7"),
            "OK");
  gdb.ask("Pf=00000020");
  gdb.ask("P1=00010020");
  gdb.ask("P2=00000000");
  EXPECT_EQ(gdb.ask("Z2,20000100,4"), "OK");
  EXPECT_EQ(gdb.ask("c"), "T05watch:20000100;thread:1;");
  EXPECT_EQ(gdb.ask("pf"), "08000020");
  EXPECT_EQ(gdb.ask("p2"), "01000000");
}

constexpr std::chrono::seconds kLongWait{60};

// No ELF file was given: a debugger has brought the code.
TEST(DebugPortOptions, AProfileIsWrittenWhenTheDebuggerEndsTheBoard) {
  const std::optional<std::filesystem::path> program = find_own_program("mote-board");
  if (!program) GTEST_SKIP() << "mote-board is not built";
  const TemporaryFolder folder;
  const std::string file = folder.path() / "profile.json";
  Command command;
  command.arguments = {program->string(), "--board", "nucleo-f746zg", "--gdb", "0", "--once", "--profile", file};
  BackgroundProcess board(command);
  const std::string announcement = "gdb: ";
  const std::optional<std::string> port =
      board.wait_for_line([&](const std::string& line) { return line.starts_with(announcement); }, kLongWait);
  ASSERT_TRUE(port);
  {
    Client gdb(port->substr(announcement.size()));
    EXPECT_EQ(gdb.ask("M20000000,4:0130fde7"), "OK");  // adds r0, #1; b .-2
    EXPECT_EQ(gdb.ask("Pf=00000020"), "OK");
    for (int i = 0; i < 3; ++i) EXPECT_THAT(gdb.ask("s"), HasSubstr("T05"));
  }
  EXPECT_FALSE(board.wait_for_line([](const std::string&) { return false; }, kLongWait)) << "until it has ended";
  EXPECT_THAT(read_text(file), HasSubstr("\"address\": \"0x20000000\",\n   \"executions\": 2"));
}

TEST(DebugPortOptions, RefuseWhatCannotBe) {
  const std::optional<std::filesystem::path> program = find_own_program("mote-board");
  if (!program) GTEST_SKIP() << "mote-board is not built";
  const auto refused = [&](std::vector<std::string> options) {
    Command command;
    command.arguments = {program->string(), "--board", "nucleo-f746zg"};
    command.arguments.insert(command.arguments.end(), options.begin(), options.end());
    command.limit = std::chrono::seconds(20);
    const CommandResult result = run_command(command);
    EXPECT_EQ(result.exit_code, 2);
    return result.err;
  };
  EXPECT_THAT(refused({}), HasSubstr("needs --gdb, --remote-bitbang, --st-link or --elf"));
  EXPECT_THAT(refused({"--gdb", "-", "--st-link", "0"}), HasSubstr("cannot be combined"));
  EXPECT_THAT(refused({"--gdb", "nonsense"}), HasSubstr("neither a port number nor the path"));
  EXPECT_THAT(refused({"--gdb", "-", "--uart", "stdout"}), HasSubstr("standard output is GDB's"));
}

}  // namespace
}  // namespace mote::board_sim
