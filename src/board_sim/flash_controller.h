// The flash controller of an STM32F4/F7 or L4: keys, erase by sector, bank or all, and the programming mode without
// which stores to flash fault. Register maps: RM0090, RM0385, RM0432. Operations take no time.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "board_sim/memory.h"
#include "target/board.h"

namespace mote::board_sim {

class FlashController {
 public:
  FlashController(const target::Board& board, Memory& memory);

  /// The board has a controller that is modelled, and `address` is one of its registers.
  bool owns(uint32_t address) const { return layout_ != nullptr && address - base_ < 0x400; }
  uint32_t read(uint32_t address) const;
  void write(uint32_t address, uint32_t value);
  void reset();

  /// Stores program flash now. Always so on boards without a modelled controller: there plain writes by a debugger do.
  bool programming() const { return layout_ == nullptr || programming_; }
  bool modelled() const { return layout_ != nullptr; }
  /// Programs bytes: bits can only be cleared. False outside flash.
  bool program(uint32_t address, uint32_t value, int bytes);

 private:
  struct Layout {
    uint32_t key, status, control, options, options_value;  // offsets; reset value of the option register
  };
  static const Layout kF4, kL4;

  void start(uint32_t control);
  void erase(uint64_t offset, uint64_t bytes);
  void erase_sector(uint32_t number);

  Memory& memory_;
  const target::MemoryRegion& flash_;
  const Layout* layout_ = nullptr;
  uint32_t base_ = 0;
  uint32_t control_ = 0, status_ = 0, access_ = 0;
  int keys_ = 0;  // of the two-key sequence
  bool programming_ = false;
  std::map<uint32_t, uint32_t> other_;
};

}  // namespace mote::board_sim
