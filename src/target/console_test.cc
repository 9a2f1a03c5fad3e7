#include "target/console.h"

#include <gmock/gmock.h>

#include "support/error.h"

namespace mote::target {
namespace {

using testing::HasSubstr;

Console read(const std::string& text) {
  return read_console(TomlTable::parse(text, "board.toml"));
}

std::string refusal(const std::string& text) {
  try {
    read(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Console, IsReadWithItsRate) {
  const Console usart = read("kind = \"stm32\"\naddress = 0x40004800\nclock_hz = 16_000_000\ninit = \"x;\"");
  EXPECT_EQ(usart.kind, Console::Kind::kStm32);
  EXPECT_EQ(usart.address, 0x40004800u);
  EXPECT_EQ(usart.init, "x;");
  EXPECT_EQ(usart.divider(), 139u);  // RM0385: 16 MHz / 115,200 = 138.9
  const Console low = read("kind = \"stm32-low-power\"\naddress = 0x40008000\nclock_hz = 4_000_000");
  EXPECT_EQ(low.divider(), 8889u);  // RM0432: 256 * 4 MHz / 115,200
  EXPECT_EQ(read("kind = \"cmsdk\"\naddress = 0\nclock_hz = 25_000_000\nbaud = 9600").divider(), 2604u);
}

TEST(Console, IsRefusedWhenTheRateCannotBe) {
  const std::string uart = "kind = \"stm32\"\naddress = 1\n";
  EXPECT_THAT(refusal(uart + "clock_hz = 1_000_000"), HasSubstr("board.toml"));
  EXPECT_THAT(refusal(uart + "clock_hz = 1_843_200"), HasSubstr("accepted"));
  EXPECT_THAT(refusal(uart + "clock_hz = 200_000_000\nbaud = 300"), HasSubstr("cannot be divided to"));
  EXPECT_THAT(refusal(uart), HasSubstr("clock_hz"));
  EXPECT_THAT(refusal("kind = \"telegraph\"\naddress = 1\nclock_hz = 1"), HasSubstr("telegraph"));
}

TEST(Console, OfTheShippedBoardsLoads) {
  for (const std::string& name : board_names()) {
    const Board board = load_board(name);
    const bool has_serial_port = name.starts_with("nucleo") || name.starts_with("mps2") || name == "stm32f746g-disco";
    EXPECT_EQ(load_console(board).has_value(), has_serial_port) << name;
  }
}

}  // namespace
}  // namespace mote::target
