// The GDB server over a real socket: by packets of our own, by random bytes, and by Debian's gdb-multiarch.
#include "board_sim/gdb_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "board_sim/firmware_test.h"
#include "support/random.h"

namespace mote::board_sim {
namespace {

class Peer {
 public:
  explicit Peer(const std::string& board = "nucleo-f746zg") : rig(board) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    fd_ = ends[0];
    thread_ = std::thread([this, fd = ends[1]] {
      Channel channel(fd);
      end = GdbServer(*rig.machine).serve(channel);
    });
  }
  ~Peer() { leave(); }

  void leave() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
    if (thread_.joinable()) thread_.join();
  }
  void send_raw(std::string_view bytes) { ASSERT_EQ(write(fd_, bytes.data(), bytes.size()), ssize_t(bytes.size())); }
  /// The next reply packet; console output is collected in `console`.
  std::string receive() {
    for (;;) {
      while (const std::optional<GdbReader::Event> event = reader_.next()) {
        if (event->kind != GdbReader::Event::Kind::kPacket) continue;
        if (!event->packet.starts_with('O') || event->packet == "OK") return event->packet;
        console += from_hex(event->packet.substr(1)).value_or("");
      }
      char bytes[4096];
      const ssize_t count = read(fd_, bytes, sizeof bytes);
      if (count <= 0) return "(gone)";
      reader_.feed({bytes, static_cast<size_t>(count)});
    }
  }
  std::string ask(std::string_view packet) {
    send_raw(frame_packet(packet));
    return receive();
  }
  std::string monitor(std::string_view command) {
    return from_hex(ask("qRcmd," + to_hex(command))).value_or("(not hex)");
  }

  Rig rig;
  std::string console;
  GdbServer::End end = GdbServer::End::kGone;

 private:
  int fd_ = -1;
  GdbReader reader_;
  std::thread thread_;
};

TEST(GdbServer, RegistersAndMemory) {
  Peer peer;
  EXPECT_EQ(peer.ask("?"), "T05thread:1;");
  EXPECT_EQ(peer.ask("QStartNoAckMode"), "OK");
  EXPECT_EQ(peer.ask("P3=78563412"), "OK");
  EXPECT_EQ(peer.ask("p3"), "78563412");
  EXPECT_EQ(peer.ask("g").substr(24, 8), "78563412");
  EXPECT_EQ(peer.ask("Pf=01040008"), "OK");
  EXPECT_EQ(peer.ask("pf"), "00040008") << "the Thumb bit is no part of the address";
  EXPECT_EQ(peer.ask("p17"), "0000000000000000") << "d0";
  EXPECT_EQ(peer.ask("p99"), "E01");
  EXPECT_EQ(peer.ask("M20000000,4:deadbeef"), "OK");
  EXPECT_EQ(peer.ask("m20000000,4"), "deadbeef");
  EXPECT_EQ(peer.ask(std::string("X20000000,3:#}$")), "OK");
  EXPECT_EQ(peer.ask("m20000000,4"), "237d24ef");
  EXPECT_EQ(peer.ask("x20000000,3"), "b#}$");
  EXPECT_EQ(peer.ask("m60000000,4"), "E0e");
  EXPECT_EQ(peer.ask("X60000000,1:a"), "E0e");
  EXPECT_EQ(peer.ask("X20000000,9:a"), "E01") << "the length is wrong";
  EXPECT_EQ(peer.ask("me000ed00,4"), "71c21f41") << "CPUID";
  EXPECT_EQ(peer.ask("D"), "OK");
  peer.leave();
  EXPECT_EQ(peer.end, GdbServer::End::kDetached);
}

TEST(GdbServer, DescribesItself) {
  Peer peer;
  EXPECT_NE(peer.ask("qSupported:swbreak+").find("qXfer:features:read+"), std::string::npos);
  std::string xml;
  for (std::string part; !part.starts_with('l'); xml += part.substr(1)) {
    part = peer.ask("qXfer:features:read:target.xml:" + fmt::format("{:x}", xml.size()) + ",100");
    ASSERT_FALSE(part.empty());
  }
  EXPECT_NE(xml.find("org.gnu.gdb.arm.m-profile"), std::string::npos);
  EXPECT_TRUE(xml.ends_with("</target>"));
  EXPECT_NE(peer.ask("qXfer:memory-map:read::0,fff").find("type=\"flash\" start=\"0x8000000\""), std::string::npos);
  EXPECT_EQ(peer.ask("qUnheardOf"), "");
}

TEST(GdbServer, RunsStepsAndStops) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  Peer peer;
  peer.rig.load("movs r0, #0\n1: adds r0, #1\n cmp r0, #3\n bne 1b\n ldr r1, =0x60000000\n ldr r2, [r1]\n.ltorg");
  EXPECT_EQ(peer.ask("vCont;s:1"), "T05thread:1;");
  EXPECT_EQ(peer.ask("pf"), "02040008");
  EXPECT_EQ(peer.ask("Z0,8000408,2"), "OK");
  EXPECT_EQ(peer.ask("c"), "T05thread:1;");
  EXPECT_EQ(peer.ask("pf"), "08040008");
  EXPECT_EQ(peer.ask("p0"), "03000000");
  EXPECT_EQ(peer.ask("z0,8000408,2"), "OK");
  EXPECT_EQ(peer.ask("c"), "T0bthread:1;");
  EXPECT_NE(peer.console.find("0x60000000"), std::string::npos) << peer.console;
  EXPECT_EQ(peer.ask("qRcmd," + to_hex("reset halt")), "OK");
  EXPECT_EQ(peer.ask("pf"), "00040008");
}

TEST(GdbServer, ABreakStopsALoop) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  Peer peer;
  peer.rig.load("b .");
  peer.send_raw(frame_packet("c"));
  peer.send_raw("\x03");
  EXPECT_EQ(peer.receive(), "T02thread:1;");
  EXPECT_GT(std::stoull(peer.monitor("cycles")), 0u);
}

TEST(GdbServer, ABreakThatComesWithThePacketIsNotLost) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  Peer peer;
  peer.rig.load("b .");
  peer.send_raw(frame_packet("c") + "\x03");
  EXPECT_EQ(peer.receive(), "T02thread:1;");
}

TEST(GdbServer, SemihostingGoesToTheConsole) {
  if (!has_assembler()) GTEST_SKIP() << "no arm-none-eabi-as";
  Peer peer;
  peer.rig.load(
      "movs r0, #4\n adr r1, text\n bkpt 0xab\n movs r0, #0x20\n adr r1, code\n bkpt 0xab\n .balign 4\n"
      "code: .word 0x20026, 7\ntext: .asciz \"hi\"");
  EXPECT_EQ(peer.ask("c"), "W07");
  EXPECT_EQ(peer.console, "hi");
}

TEST(GdbServer, ProgramsFlash) {
  Peer peer;
  EXPECT_EQ(peer.ask("vFlashErase:08000000,8000"), "OK");
  EXPECT_EQ(peer.ask(std::string("vFlashWrite:8000010:abc")), "OK");
  EXPECT_EQ(peer.ask("vFlashDone"), "OK");
  EXPECT_EQ(peer.ask("m800000f,5"), "ff616263ff");
  EXPECT_EQ(peer.ask("vFlashErase:60000000,8000"), "E0e");
}

TEST(GdbServer, ALoadOf64KilobytesArrivesWhole) {
  Peer peer;
  peer.ask("QStartNoAckMode");
  std::string data(65536 - 64, '\0');
  Random random(5);
  for (char& c : data) c = static_cast<char>(random.bits());
  EXPECT_EQ(peer.ask(fmt::format("X20010000,{:x}:", data.size()) + data), "OK");
  std::vector<std::byte> back(data.size());
  ASSERT_TRUE(peer.rig.machine->read(0x20010000, back));
  EXPECT_EQ(std::memcmp(back.data(), data.data(), data.size()), 0);
}

TEST(GdbServer, SurvivesAnyPackets) {
  Peer peer("nucleo-l4r5zi");
  peer.ask("QStartNoAckMode");
  Random random(11);
  const std::string_view pieces[] = {"m",        "M",
                                     "X",        "g",
                                     "G",        "p",
                                     "P",        "Z0,",
                                     "z1,",      "Z9,",
                                     "qXfer:",   "features:read:target.xml:",
                                     "qRcmd,",   "vFlashErase:",
                                     "vCont;",   "v",
                                     "20000000", ",",
                                     ":",        "ffffffffff",
                                     "=",        "-1",
                                     "0",        "4",
                                     "e000ed00", "zz",
                                     "\x01",     "qSupported",
                                     "H",        "T",
                                     "R",        "s",
                                     "?",        "!",
                                     "40000000", "vFlashWrite:8000000:"};
  for (int round = 0; round < 3000; ++round) {
    std::string packet;
    for (uint64_t n = random.below(6); n > 0; --n) packet += pieces[random.below(std::size(pieces))];
    if (packet.starts_with('R')) continue;  // has no reply
    ASSERT_NE(peer.ask(packet), "(gone)") << "round " << round << ": " << packet;
  }
  EXPECT_EQ(peer.ask("M20000000,1:55"), "OK");
}

TEST(GdbServer, DebiansGdbGetsAlongWithIt) {
  if (!has_assembler() || !find_program("gdb-multiarch")) GTEST_SKIP() << "no gdb-multiarch";
  const std::optional<std::filesystem::path> program = find_own_program("mote-board");
  if (!program) GTEST_SKIP() << "mote-board is not built";
  const std::filesystem::path elf = std::filesystem::temp_directory_path() / fmt::format("gdb-{}.elf", getpid());
  const std::string source = elf.string() + ".s", object = elf.string() + ".o";
  std::ofstream(source) << ".syntax unified\n.cpu cortex-m7\n.thumb\n.text\n.word 0x20010000, main+1\n"
                           ".globl main\n.type main,%function\n.thumb_func\nmain: movs r0, #5\n bl work\n b .\n"
                           ".globl work\n.type work,%function\n.thumb_func\nwork: adds r0, #2\n bx lr\n";
  const auto run = [](std::vector<std::string> arguments) {
    Command command;
    command.arguments = std::move(arguments);
    command.limit = std::chrono::seconds(60);
    return run_command(command);
  };
  ASSERT_TRUE(run({"arm-none-eabi-as", "-o", object, source}).ok());
  ASSERT_TRUE(run({"arm-none-eabi-ld", "-Ttext=0x08000000", "-e", "main", "-o", elf, object}).ok());
  const CommandResult result = run({"gdb-multiarch",
                                    "-nx",
                                    "-batch",
                                    "-ex",
                                    "set confirm off",
                                    "-ex",
                                    "target remote | exec " + program->string() + " --board nucleo-f746zg --gdb -",
                                    "-ex",
                                    "load",
                                    "-ex",
                                    "monitor reset halt",
                                    "-ex",
                                    "flushregs",
                                    "-ex",
                                    "break work",
                                    "-ex",
                                    "continue",
                                    "-ex",
                                    "stepi",
                                    "-ex",
                                    "print/x $r0",
                                    "-ex",
                                    "info registers xpsr",
                                    "-ex",
                                    "x/1i $pc",
                                    "-ex",
                                    "finish",
                                    "-ex",
                                    "print/x $pc",
                                    "-ex",
                                    "compare-sections",
                                    "-ex",
                                    "monitor cycles",
                                    elf});
  for (const std::string& file : {elf.string(), source, object}) std::filesystem::remove(file);
  EXPECT_NE(result.out.find("Breakpoint 1, 0x08000010 in work"), std::string::npos) << result.out << result.err;
  EXPECT_NE(result.out.find("$1 = 0x7"), std::string::npos) << result.out << result.err;
  EXPECT_NE(result.out.find("bx\tlr"), std::string::npos) << result.out << result.err;
  EXPECT_NE(result.out.find("$2 = 0x800000e"), std::string::npos) << result.out << result.err;
}

}  // namespace
}  // namespace mote::board_sim
