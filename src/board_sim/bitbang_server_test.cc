// The JTAG cable, by hand and by random bytes. Debian's OpenOCD at its other end: openocd_test.cc.
#include "board_sim/bitbang_server.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "board_sim/firmware_test.h"
#include "support/random.h"

namespace mote::board_sim {
namespace {

class Cable {
 public:
  explicit Cable(Machine& machine) : core_(machine), port_(core_, 1024), server_(core_, port_, machine.board()) {}
  std::string send(std::string_view bytes) { return server_.handle(bytes, open_); }
  /// One clock with these pins; returns TDO before it.
  bool clock(bool tms, bool tdi) {
    const char low = static_cast<char>('0' + tms * 2 + tdi), high = static_cast<char>(low + 4);
    return send(std::string{low} + 'R' + high + low) == "1";
  }
  void go(std::string_view tms) {
    for (const char c : tms) clock(c == '1', false);
  }
  /// Shifts `count` bits and leaves the shift state.
  uint64_t shift(uint64_t bits, int count) {
    uint64_t out = 0;
    for (int i = 0; i < count; ++i) out |= uint64_t{clock(i == count - 1, bits >> i & 1)} << i;
    return out;
  }

 private:
  CoreDebug core_;
  DebugAccessPort port_;
  BitbangServer server_;
  bool open_ = true;
};

TEST(Bitbang, TheChainIdentifiesItself) {
  Rig rig;
  Cable cable(*rig.machine);
  cable.go("111110100");  // reset, idle, Shift-DR
  EXPECT_EQ(cable.shift(0, 64), 0x064490415BA00477u);
}

TEST(Bitbang, ReadsMemoryThroughTheAccessPort) {
  Rig rig;
  rig.write(0x20000010, 0xCAFEF00D);
  Cable cable(*rig.machine);
  const auto instruction = [&](uint32_t code) {
    cable.go("1100");
    cable.shift(code | 0x1F << 4, 9);
    cable.go("10");
  };
  // The boundary-scan TAP is in BYPASS: one bit more, shifted in last.
  const auto transfer = [&](uint32_t address, bool read, uint32_t value) {
    cable.go("100");
    const uint64_t out = cable.shift(uint64_t{value} << 3 | address >> 1 | (read ? 1 : 0), 36);
    cable.go("10");
    EXPECT_EQ(out & 7, 2u) << "OK";
    return static_cast<uint32_t>(out >> 3);
  };
  cable.go("111110");
  instruction(0xA);
  transfer(8, false, 0);  // SELECT
  instruction(0xB);
  transfer(0, false, 0x22000052);  // CSW: words
  transfer(4, false, 0x20000010);  // TAR
  transfer(0xC, true, 0);
  EXPECT_EQ(transfer(0xC, true, 0), 0xCAFEF00Du);
  transfer(4, false, 0x60000000);
  transfer(0xC, true, 0);
  instruction(0xA);
  transfer(4, true, 0);
  EXPECT_EQ(transfer(0xC, true, 0) & 0x20, 0x20u) << "the sticky error flag";
}

TEST(Bitbang, SurvivesAnyBytes) {
  Rig rig;
  CoreDebug core(*rig.machine);
  DebugAccessPort port(core, 1024);
  BitbangServer server(core, port, rig.board);
  Random random(23);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes(random.below(200), '\0');
    for (char& c : bytes)
      c = random.below(20) == 0 ? static_cast<char>(random.bits()) : "01234567Rrstu"[random.below(13)];
    bool open = true;
    const std::string answers = server.handle(bytes, open);
    const size_t end = std::min(bytes.find('Q'), bytes.size());
    EXPECT_EQ(answers.size(),
              static_cast<size_t>(std::count(bytes.begin(), bytes.begin() + static_cast<long>(end), 'R')));
    EXPECT_EQ(open, end == bytes.size());
  }
}

}  // namespace
}  // namespace mote::board_sim
