// The UART on which a board's firmware prints. Only who builds such firmware wants it, so it is no part of Board.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "support/toml.h"
#include "target/board.h"

namespace mote::target {

struct Console {
  /// STM32 USARTs, those of the first families, low-power UARTs; Arm's CMSDK UART.
  enum class Kind : uint8_t { kStm32, kStm32Old, kStm32LowPower, kCmsdk };
  Kind kind = Kind::kStm32;
  uint32_t address = 0;
  uint32_t clock_hz = 0;  // of the UART, after the board's `init`
  uint32_t baud = 115'200;
  std::string init;  // C statements that give it its clock and its pins; "" for nothing

  /// What goes into the register that sets the rate: clock cycles per bit, of a low-power UART 256 times as many.
  uint32_t divider() const;
};

/// The table [console] of a board file. Throws InputError.
Console read_console(const TomlTable& table);

/// What the board's file says; nothing when it says nothing. Throws InputError.
std::optional<Console> load_console(const Board& board);

}  // namespace mote::target
