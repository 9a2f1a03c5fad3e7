#include "board_sim/dap.h"

namespace mote::board_sim {
namespace {

constexpr uint32_t kAccessPortId = 0x74770001, kRomTable = 0xE00FD003;
constexpr uint32_t kDeviceEnabled = 0x40, kTransferControlBits = 0x3F000F37;
constexpr uint32_t kControlBits = 0x54FFFF0D;

}  // namespace

uint32_t DebugAccessPort::status() const {
  // The acknowledge bits 29 and 31 follow the requests in 28 and 30.
  return (control_ & (0x50000F0D | 0x00FFF000)) | (overrun_ ? 0x02 : 0) | (compare_ ? 0x10 : 0) | (error_ ? 0x20 : 0) |
         (control_ >> 28 & 1) << 29 | (control_ >> 30 & 1) << 31;
}

void DebugAccessPort::debug_port(uint32_t address, bool read, uint32_t value) {
  uint32_t answer = 0;
  switch (address) {
    case 0x4:
      if ((select_ & 0xF) != 0) break;
      answer = status();
      if (read) break;
      if (value & 0x02) overrun_ = false;
      if (value & 0x10) compare_ = false;
      if (value & 0x20) error_ = false;
      control_ = value & kControlBits;
      break;
    case 0x8:
      answer = select_;
      if (!read) select_ = value;
      break;
    default:
      break;
  }
  if (read) result_ = answer;
}

void DebugAccessPort::access_port(uint32_t address, bool read, uint32_t value) {
  if (sticky() || select_ >> 24 != 0) {  // dropped until the flag is cleared; only port 0 exists
    result_ = 0;
    return;
  }
  const uint32_t reg = (select_ & 0xF0) | address;
  uint32_t answer = 0;
  switch (reg) {
    case 0x00:
      answer = transfer_control_ | kDeviceEnabled;
      if (!read) transfer_control_ = (value & kTransferControlBits) | kDeviceEnabled;
      break;
    case 0x04:
      answer = transfer_address_;
      if (!read) transfer_address_ = value;
      break;
    case 0x0C:
    case 0x10:
    case 0x14:
    case 0x18:
    case 0x1C:
      data_transfer(reg, read, value);
      return;
    case 0xF8:
      answer = kRomTable;
      break;
    case 0xFC:
      answer = kAccessPortId;
      break;
    default:
      break;
  }
  if (read) result_ = answer;
}

bool DebugAccessPort::access(uint32_t port, uint32_t address, bool read, uint32_t value) {
  if (sticky()) return false;
  const uint32_t selected = select_;
  select_ = port << 24 | (address & 0xF0);
  access_port(address & 0xF, read, value);
  select_ = selected;
  return !sticky();
}

void DebugAccessPort::data_transfer(uint32_t reg, bool read, uint32_t value) {
  const uint32_t control = transfer_control_;
  const bool banked = reg != 0x0C;  // always a word near TAR
  if (banked) transfer_control_ = (control & ~0x37u) | 2;
  const uint32_t address = banked ? (transfer_address_ & ~0xFu) | (reg & 0xC) : transfer_address_;
  uint32_t data = value;
  const bool ok = transfer(address, read, data);
  transfer_control_ = control;
  if (!ok) error_ = true;
  if (read) result_ = ok ? data : 0;
  if (!ok || banked) return;
  const uint32_t increment = control >> 4 & 3;
  const uint32_t step = increment == 1 ? 1u << (control & 7) : increment == 2 ? 4 : 0;
  transfer_address_ = (transfer_address_ & ~window_mask_) | ((transfer_address_ + step) & window_mask_);
}

/// One transfer of the size in CSW, several in packed mode; data sits in the byte lanes of its address.
bool DebugAccessPort::transfer(uint32_t address, bool read, uint32_t& value) {
  const uint32_t size = transfer_control_ & 7;
  if (size > 2) return false;
  const int bytes = 1 << size;
  const bool packed = (transfer_control_ >> 4 & 3) == 2 && bytes < 4;
  const uint32_t mask = bytes == 4 ? ~0u : (1u << (8 * bytes)) - 1;
  uint32_t out = 0;
  for (int done = 0; done < (packed ? 4 : bytes); done += bytes) {
    const uint32_t at = address + static_cast<uint32_t>(done), lane = 8 * (at & 3);
    uint32_t part = value >> lane & mask;
    if (!(read ? core_.read(at, bytes, part) : core_.write(at, bytes, part))) return false;
    out |= (part & mask) << lane;
  }
  if (read) value = out;
  return true;
}

}  // namespace mote::board_sim
