// Peripherals, as far as firmware needs them to start up and print: the rest reads 0, ignores writes, and is listed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string_view>

#include "target/board.h"

namespace mote::board_sim {

class Peripherals {
 public:
  explicit Peripherals(const target::Board& board);

  void reset();
  uint32_t read(uint32_t address, int bytes);
  void write(uint32_t address, uint32_t value, int bytes);

  /// Blocks of 1 KiB that were touched and are not modelled: address -> accesses.
  const std::map<uint32_t, uint64_t>& unmodelled() const { return unmodelled_; }

 private:
  std::map<uint32_t, uint64_t> unmodelled_;
};

}  // namespace mote::board_sim
