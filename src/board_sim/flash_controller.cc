#include "board_sim/flash_controller.h"

#include <algorithm>
#include <vector>

namespace mote::board_sim {
namespace {

constexpr uint32_t kKeys[2] = {0x45670123, 0xCDEF89AB};
constexpr uint32_t kLock = 1u << 31, kStart = 1u << 16, kProgram = 1u << 0, kErase = 1u << 1, kMassErase = 1u << 2;
constexpr uint32_t kEndOfOperation = 1u << 0;
// STM32F4/F7: the sector number is in bits 6:3. STM32L4: the page in 10:3, its bank in 11, the second bank's mass erase
// in 15.
constexpr uint32_t kSecondBank = 1u << 11, kMassErase2 = 1u << 15;

}  // namespace

const FlashController::Layout FlashController::kF4 = {0x04, 0x0C, 0x10, 0x14, 0x0FFFAAED};
const FlashController::Layout FlashController::kL4 = {0x08, 0x10, 0x14, 0x20, 0xFFEFF8AA};

FlashController::FlashController(const target::Board& board, Memory& memory)
    : memory_(memory), flash_(board.flash()), base_(board.flash_controller_address) {
  const std::string& kind = board.flash_controller;
  if (flash_.sectors.empty() || base_ == 0) return;
  if (kind == "stm32f4" || kind == "stm32f7") layout_ = &kF4;
  if (kind == "stm32l4") layout_ = &kL4;
  reset();
}

void FlashController::reset() {
  control_ = kLock;
  status_ = access_ = 0;
  keys_ = 0;
  programming_ = false;
  other_.clear();
}

uint32_t FlashController::read(uint32_t address) const {
  const uint32_t offset = (address - base_) & ~3u;
  if (offset == 0) return access_;
  if (offset == layout_->status) return status_;
  if (offset == layout_->control) return control_;
  if (const auto found = other_.find(offset); found != other_.end()) return found->second;
  return offset == layout_->options ? layout_->options_value : 0;
}

void FlashController::write(uint32_t address, uint32_t value) {
  const uint32_t offset = (address - base_) & ~3u;
  if (offset == 0) {
    access_ = value;
  } else if (offset == layout_->key) {
    keys_ = keys_ < 2 && value == kKeys[keys_] ? keys_ + 1 : 0;
    if (keys_ == 2) {
      control_ &= ~kLock;
      keys_ = 0;
    }
  } else if (offset == layout_->status) {
    status_ &= ~value;
  } else if (offset == layout_->control) {
    if (control_ & kLock) return;  // until both keys were written
    control_ = value & ~kStart;
    programming_ = (value & (kProgram | kLock)) == kProgram;
    if (value & kStart) start(value);
  } else {
    other_[offset] = value;
  }
}

void FlashController::start(uint32_t control) {
  const bool two_banks = layout_ == &kL4;
  const uint64_t half = flash_.size / 2;
  if (control & kMassErase) erase(0, two_banks ? half : flash_.size);
  if (two_banks && (control & kMassErase2)) erase(half, half);
  if (control & kErase) {
    const uint32_t page = control >> 3 & (two_banks ? 0xFF : 0xF);
    uint32_t sectors = 0;
    for (const target::Sectors& group : flash_.sectors) sectors += group.count;
    erase_sector(two_banks && (control & kSecondBank) ? sectors / 2 + page : page);
  }
  status_ |= kEndOfOperation;
}

void FlashController::erase_sector(uint32_t number) {
  uint64_t offset = 0;
  for (const target::Sectors& group : flash_.sectors) {
    if (number < group.count) return erase(offset + uint64_t{number} * group.size, group.size);
    number -= group.count;
    offset += uint64_t{group.count} * group.size;
  }
}

void FlashController::erase(uint64_t offset, uint64_t bytes) {
  const std::vector<std::byte> blank(bytes, std::byte{0xFF});
  memory_.write(flash_.address + static_cast<uint32_t>(offset), blank);
}

bool FlashController::program(uint32_t address, uint32_t value, int bytes) {
  const std::optional<uint32_t> old = memory_.value(address, bytes);
  return old && memory_.set_value(address, *old & value, bytes);
}

}  // namespace mote::board_sim
