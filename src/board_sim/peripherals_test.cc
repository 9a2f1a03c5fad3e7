#include "board_sim/peripherals.h"

#include <gtest/gtest.h>

#include <string>

namespace mote::board_sim {
namespace {

TEST(Peripherals, ClocksBecomeReadyWhenTheyAreSwitchedOn) {
  const target::Board board = target::load_board("nucleo-f746zg");
  Peripherals peripherals(board);
  constexpr uint32_t kRcc = 0x40023800, kPwr = 0x40007000;
  EXPECT_EQ(peripherals.read(kRcc, 4), 0u);
  peripherals.write(kRcc, 1u << 16, 4);
  EXPECT_EQ(peripherals.read(kRcc, 4), 3u << 16);
  peripherals.write(kRcc, 1u << 24 | 1u << 16, 4);
  EXPECT_EQ(peripherals.read(kRcc + 3, 1), 3u) << "byte by byte too";
  peripherals.write(kRcc, 0, 4);
  EXPECT_EQ(peripherals.read(kRcc, 4), 0u);
  peripherals.write(kRcc + 8, 2, 4);
  EXPECT_EQ(peripherals.read(kRcc + 8, 4), 0xAu) << "SWS follows SW";
  peripherals.write(kPwr, 1u << 16, 4);
  EXPECT_EQ(peripherals.read(kPwr + 4, 4), 1u << 16 | 1u << 14) << "over-drive and voltage scaling";
  peripherals.write(0x40023C00, 7, 4);
  EXPECT_EQ(peripherals.read(0x40023C00, 4), 7u) << "FLASH_ACR reads back";
  EXPECT_TRUE(peripherals.unmodelled().empty());
  peripherals.reset();
  EXPECT_EQ(peripherals.read(kRcc + 8, 4), 0u);
}

TEST(Peripherals, UartsPrint) {
  struct {
    const char* board;
    uint32_t status, mask, ready, data;
  } const kCases[] = {{"nucleo-f746zg", 0x4000481C, 0xC0, 0xC0, 0x40004828},
                      {"stm32f4-discovery", 0x40004400, 0xC0, 0xC0, 0x40004404},
                      {"nucleo-l4r5zi", 0x4000801C, 0xC0, 0xC0, 0x40008028},
                      {"mps2-an386", 0x40004004, 1, 0, 0x40004000}};
  for (const auto& c : kCases) {
    const target::Board board = target::load_board(c.board);
    Peripherals peripherals(board);
    std::string text;
    peripherals.print = [&](std::string_view part) { text += part; };
    EXPECT_EQ(peripherals.read(c.status, 4) & c.mask, c.ready) << c.board;
    for (const char letter : std::string("ok\n")) peripherals.write(c.data, static_cast<uint8_t>(letter), 4);
    EXPECT_EQ(text, "ok\n") << c.board;
  }
}

TEST(Peripherals, CountsWhatIsNotModelled) {
  const target::Board board = target::load_board("nucleo-f746zg");
  Peripherals peripherals(board);
  EXPECT_EQ(peripherals.read(0x50000010, 4), 0u);
  peripherals.write(0x50000014, 1, 4);
  EXPECT_EQ(peripherals.unmodelled().at(0x50000000), 2u);
}

}  // namespace
}  // namespace mote::board_sim
