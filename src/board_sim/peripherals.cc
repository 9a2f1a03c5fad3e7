#include "board_sim/peripherals.h"

#include <fmt/format.h>

#include <utility>

namespace mote::board_sim {
namespace {

// The STM32 families, from their reference manuals: RM0090 (F4), RM0385 (F7), RM0432 (L4+), RM0433 (H7), RM0456 (U5).
struct Family {
  const char* flash_controller;
  std::vector<ControlBlock> controls;
  std::vector<uint32_t> uarts;
  bool old_uart = false;  // SR and DR at the front instead of ISR and TDR
};

ReadyBit same(uint32_t offset, int enable, int ready) {
  return {offset, enable, offset, ready};
}

const std::vector<Family>& families() {
  static const std::vector<ReadyBit> kClocksF = {same(0, 0, 1),   same(0, 16, 17),  same(0, 24, 25),
                                                 same(0, 26, 27), same(0, 28, 29),  same(8, 0, 2),
                                                 same(8, 1, 3),   same(0x70, 0, 1), same(0x74, 0, 1)};
  static const std::vector<ReadyBit> kPowerF = {{0, kAlways, 4, 14}, {0, 16, 4, 16}, {0, 17, 4, 17}};
  static const std::vector<uint32_t> kUartsF = {0x40011000, 0x40004400, 0x40004800, 0x40004C00, 0x40005000, 0x40011400};
  static const std::vector<Family> kFamilies = {
      {"stm32f4",
       {{0x40023800, 0x400, kClocksF}, {0x40007000, 0x400, kPowerF}, {0x40023C00, 0x400, {}}},
       kUartsF,
       true},
      {"stm32f7", {{0x40023800, 0x400, kClocksF}, {0x40007000, 0x400, kPowerF}, {0x40023C00, 0x400, {}}}, kUartsF},
      {"stm32l4",
       {{0x40021000,
         0x400,
         {same(0, 0, 1), same(0, 8, 10), same(0, 16, 17), same(0, 24, 25), same(0, 26, 27), same(0, 28, 29),
          same(8, 0, 2), same(8, 1, 3), same(0x90, 0, 1), same(0x94, 0, 1), same(0x98, 0, 1)}},
        {0x40007000, 0x400, {}},
        {0x40022000, 0x400, {}}},
       {0x40013800, 0x40004400, 0x40004800, 0x40004C00, 0x40005000, 0x40008000}},
      {"stm32h7",
       {{0x58024400,
         0x400,
         {same(0, 0, 2), same(0, 7, 8), same(0, 12, 13), same(0, 16, 17), same(0, 24, 25), same(0, 26, 27),
          same(0, 28, 29), same(0x10, 0, 3), same(0x10, 1, 4), same(0x10, 2, 5), same(0x70, 0, 1), same(0x74, 0, 1)}},
        {0x58024800, 0x400, {{0, kAlways, 4, 13}, {0, kAlways, 0x18, 13}}},
        {0x52002000, 0x400, {}}},
       {0x40011000, 0x40004400, 0x40004800, 0x40004C00, 0x40005000, 0x40011400, 0x58000C00}},
      {"stm32u5",
       {{0x46020C00,
         0x400,
         {same(0, 0, 2), same(0, 4, 5), same(0, 8, 10), same(0, 12, 13), same(0, 16, 17), same(0, 24, 25),
          same(0, 26, 27), same(0, 28, 29), same(0x1C, 0, 2), same(0x1C, 1, 3)}},
        {0x46020800, 0x400, {{0, kAlways, 0xC, 15}, {0xC, 18, 0xC, 14}, {0, kAlways, 0x3C, 15}}},
        {0x40022000, 0x400, {}}},
       {0x40013800, 0x40004400, 0x40004800, 0x40004C00, 0x40005000}},
  };
  return kFamilies;
}

constexpr uint32_t kNotEmpty = 1u << 5, kCmsdkFull = 1u << 1;
constexpr uint32_t kReadyToSend = 1u << 7 | 1u << 6 | 3u << 21;  // TXE, TC, TEACK, REACK
constexpr uint32_t kCmsdkUarts[] = {0x40004000, 0x40005000, 0x40006000};

}  // namespace

Peripherals::Peripherals(const target::Board& board) {
  for (const Family& family : families()) {
    if (board.flash_controller != family.flash_controller) continue;
    controls_ = family.controls;
    for (const uint32_t address : family.uarts) {
      const Uart old_kind{address, 0x00, kReadyToSend & 0xFF, 0x04, kNotEmpty, 0x04};
      const Uart new_kind{address, 0x1C, kReadyToSend, 0x28, kNotEmpty, 0x24};
      uarts_.push_back(family.old_uart ? old_kind : new_kind);
    }
  }
  if (board.qemu_machine.starts_with("mps2")) {
    for (const uint32_t address : kCmsdkUarts) uarts_.push_back({address, 4, 0, 0, kCmsdkFull, 0});
  }
}

void Peripherals::reset() {
  words_.clear();
  received_.reset();
}

const ControlBlock* Peripherals::control_at(uint32_t address) const {
  for (const ControlBlock& control : controls_) {
    if (address - control.address < control.size) return &control;
  }
  return nullptr;
}

const Uart* Peripherals::uart_at(uint32_t address) const {
  for (const Uart& uart : uarts_) {
    if (address - uart.address < kBlock) return &uart;
  }
  return nullptr;
}

uint32_t Peripherals::read_uart(const Uart& uart, uint32_t offset) {
  if (offset == uart.status_offset) {
    if (!received_) received_ = receive();
    return uart.status | (received_ ? uart.received_bit : 0);
  }
  if (offset != uart.received_offset) return 0;
  return std::exchange(received_, std::nullopt).value_or(0);
}

uint32_t Peripherals::read(uint32_t address, int bytes) {
  const uint32_t word = address & ~3u, shift = 8 * (address & 3);
  uint32_t value = 0;
  if (const Uart* uart = uart_at(address)) {
    value = read_uart(*uart, word - uart->address);
  } else if (const ControlBlock* control = control_at(address)) {
    const auto stored = [&](uint32_t at) {
      const auto found = words_.find(at);
      return found == words_.end() ? 0 : found->second;
    };
    value = stored(word);
    for (const ReadyBit& bit : control->ready) {
      if (control->address + bit.ready_offset != word) continue;
      const bool ready = bit.enable == kAlways || (stored(control->address + bit.offset) >> bit.enable & 1) != 0;
      value = ready ? value | 1u << bit.ready : value & ~(1u << bit.ready);
    }
  } else {
    ++unmodelled_[address / kBlock * kBlock];
  }
  value >>= shift;
  return bytes == 4 ? value : value & ((1u << (8 * bytes)) - 1);
}

void Peripherals::write(uint32_t address, uint32_t value, int bytes) {
  const uint32_t word = address & ~3u, shift = 8 * (address & 3);
  if (const Uart* uart = uart_at(address)) {
    if (word - uart->address != uart->data_offset) return;
    const char c = static_cast<char>(value);
    print({&c, 1});
  } else if (control_at(address) != nullptr) {
    const uint32_t mask = bytes == 4 ? ~0u : ((1u << (8 * bytes)) - 1) << shift;
    uint32_t& stored = words_[word];
    stored = (stored & ~mask) | (value << shift & mask);
  } else {
    ++unmodelled_[address / kBlock * kBlock];
  }
}

std::string Peripherals::summary() const {
  std::string text;
  for (const auto& [address, accesses] : unmodelled_) {
    text += fmt::format("{} accesses to the peripheral at {:#010x}, which is not modelled\n", accesses, address);
  }
  return text;
}

}  // namespace mote::board_sim
