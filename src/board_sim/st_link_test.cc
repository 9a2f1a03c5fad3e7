// The ST-Link, by hand and by random bytes. Debian's OpenOCD at its other end: openocd_test.cc.
#include "board_sim/st_link.h"

#include <gtest/gtest.h>

#include "board_sim/firmware_test.h"
#include "support/random.h"

namespace mote::board_sim {
namespace {

struct Probe {
  explicit Probe(const std::string& board = "nucleo-f746zg")
      : rig(board), core(*rig.machine), port(core, 1024), link(core, port) {}

  static std::string request(std::string command, bool read, uint32_t size, const std::string& data = "") {
    command.resize(16, '\0');
    std::string text = std::string("\x05\0\0\0\x01\0\0\0", 8) + command + (read ? '\x01' : '\0') + std::string(3, '\0');
    for (int i = 0; i < 4; ++i) text += static_cast<char>(size >> (8 * i));
    return text + data;
  }
  std::string send(std::string bytes) {
    std::string answer = link.handle(bytes, open);
    left = bytes;
    return answer;
  }
  /// The answer's data.
  std::string ask(const std::string& command, uint32_t size) {
    const std::string answer = send(request(command, true, size));
    EXPECT_EQ(answer.size(), size + 4);
    EXPECT_EQ(answer.substr(0, 4), std::string("\x01\0\0\0", 4));
    return answer.substr(4);
  }

  Rig rig;
  CoreDebug core;
  DebugAccessPort port;
  StLink link;
  bool open = true;
  std::string left;
};

TEST(StLink, ReadsAndWritesMemory) {
  Probe probe;
  const std::string place("\x10\0\0\x20", 4);
  probe.send(Probe::request(std::string("\xF2\x08") + place + std::string("\x08\0", 2), false, 8, "abcdefgh"));
  EXPECT_EQ(probe.rig.read(0x20000014), 0x68676665u);
  EXPECT_EQ(probe.ask(std::string("\xF2\x0C") + place + std::string("\x05\0", 2), 5), "abcde");
  EXPECT_EQ(probe.ask(std::string("\xF2\x3E"), 12)[0], '\x80');
}

TEST(StLink, TellsOfABadAddress) {
  Probe probe;
  probe.ask(std::string("\xF2\x07\0\0\0\x60\x04\0", 8), 4);
  const std::string status = probe.ask("\xF2\x3E", 12);
  EXPECT_EQ(status[0], '\x11');
  EXPECT_EQ(status.substr(4, 4), std::string("\0\0\0\x60", 4));
  EXPECT_EQ(probe.ask(std::string("\xF2\x45\0\0\0\0", 6), 8)[0], '\x11') << "access ports refuse until it is cleared";
  probe.ask(std::string("\xF2\x46\xFF\xFF\0\0\x1E\0\0\0", 10), 2);  // ABORT
  EXPECT_EQ(probe.ask(std::string("\xF2\x45\0\0\0\0", 6), 8)[0], '\x80');
}

TEST(StLink, WaitsForTheRestOfARequest) {
  Probe probe;
  const std::string request = Probe::request("\xF7", true, 8);
  EXPECT_EQ(probe.send(request.substr(0, 20)), "");
  EXPECT_EQ(probe.left.size(), 20u);
  EXPECT_EQ(probe.send(probe.left + request.substr(20) + std::string("\x06\0\0\0", 4)).size(), 12u + 16u);
  EXPECT_TRUE(probe.left.empty());
}

TEST(StLink, RefusesWhatItCannotDelimit) {
  Probe probe;
  EXPECT_EQ(probe.send("GET / HTTP/1.1\r\n"), "");
  EXPECT_FALSE(probe.open);
  Probe greedy;
  EXPECT_EQ(greedy.send(Probe::request("\xF2\x07", true, 0x7FFFFFFF)), "");
  EXPECT_FALSE(greedy.open);
}

}  // namespace
}  // namespace mote::board_sim
