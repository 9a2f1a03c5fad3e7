// Peripherals, as far as firmware needs them to start up and print: clock and power control whose ready bits follow
// their enable bits, and UARTs, polled. The rest reads 0, ignores writes, and is listed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "target/board.h"

namespace mote::board_sim {

/// Bit `ready` of register `ready_offset` reads as 1 when bit `enable` of register `offset` is set.
struct ReadyBit {
  uint32_t offset = 0;
  int enable = 0;  // bit; kAlways: ready without being asked
  uint32_t ready_offset = 0;
  int ready = 0;  // bit
};
inline constexpr int kAlways = -1;

/// A peripheral that remembers what is written to it and answers with ready bits.
struct ControlBlock {
  uint32_t address = 0, size = 0;
  std::vector<ReadyBit> ready;
};

/// Where a UART has its status (which reads as "ready to send"), takes bytes, and gives those that have come in.
struct Uart {
  uint32_t address = 0, status_offset = 0, status = 0, data_offset = 0;
  uint32_t received_bit = 0, received_offset = 0;
};

class Peripherals {
 public:
  static constexpr uint32_t kBlock = 0x400;  // bytes: the granularity at which peripherals are told apart

  /// What `board` has, going by its flash controller (STM32 families) or its name for QEMU (CMSDK UART).
  explicit Peripherals(const target::Board& board);

  /// Takes the bytes that UARTs send.
  std::function<void(std::string_view)> print = [](std::string_view) {};
  /// The next byte that has come in for whichever UART asks; nothing: none yet. Interrupts are not modelled.
  std::function<std::optional<uint8_t>()> receive = [] { return std::optional<uint8_t>(); };

  void reset();
  uint32_t read(uint32_t address, int bytes);
  void write(uint32_t address, uint32_t value, int bytes);

  /// Blocks of kBlock bytes that were touched and are not modelled: address -> accesses.
  const std::map<uint32_t, uint64_t>& unmodelled() const { return unmodelled_; }
  /// A line for each of them.
  std::string summary() const;

 private:
  const ControlBlock* control_at(uint32_t address) const;
  const Uart* uart_at(uint32_t address) const;
  uint32_t read_uart(const Uart& uart, uint32_t offset);

  std::vector<ControlBlock> controls_;
  std::vector<Uart> uarts_;
  std::map<uint32_t, uint32_t> words_;  // of the control blocks
  std::map<uint32_t, uint64_t> unmodelled_;
  std::optional<uint8_t> received_;  // waits to be read
};

}  // namespace mote::board_sim
