#include "target/console.h"

#include <fmt/format.h>

namespace mote::target {

uint32_t Console::divider() const {
  const uint64_t scale = kind == Kind::kStm32LowPower ? 256 : 1;
  return static_cast<uint32_t>((scale * clock_hz + baud / 2) / baud);
}

Console read_console(const TomlTable& table) {
  static const std::vector<std::string> kKinds = {"stm32", "stm32-old", "stm32-low-power", "cmsdk"};
  Console console;
  console.kind = static_cast<Console::Kind>(table.one_of("kind", kKinds));
  console.address = table.address("address");
  console.clock_hz = static_cast<uint32_t>(table.integer("clock_hz", 1, 4'000'000'000));
  console.baud = static_cast<uint32_t>(table.integer("baud", 300, 10'000'000, console.baud));
  console.init = table.text("init", "");
  // Reference manuals: 16 and 0x300 are the least; 16 and 20 bits hold it.
  const bool low_power = console.kind == Console::Kind::kStm32LowPower;
  const uint32_t least = low_power ? 0x300 : 16, most = low_power ? 0xFFFFF : 0xFFFF;
  if (console.divider() < least || console.divider() > most) {
    table.fail("baud",
               fmt::format("is {}, which a clock of {} Hz cannot be divided to", console.baud, console.clock_hz));
  }
  return console;
}

std::optional<Console> load_console(const Board& board) {
  const TomlTable root = TomlTable::load(board.file);
  if (!root.has("console")) return std::nullopt;
  return read_console(root.table("console"));
}

}  // namespace mote::target
