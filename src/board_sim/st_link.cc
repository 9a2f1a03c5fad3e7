#include "board_sim/st_link.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace mote::board_sim {
namespace {

// Requests of the network protocol, and what its responses begin with.
enum Request : uint8_t { kRefresh, kCount, kInfo, kOpen, kClose, kUsb, kVersion };
constexpr size_t kRequestBytes[] = {2, 1, 8, 8, 8, 32, 4};
constexpr size_t kUsbCommand = 8, kUsbDirection = 24, kUsbSize = 28;
constexpr uint32_t kSuccess = 1, kApiVersion = 3, kHandle = 1;

constexpr uint16_t kVendor = 0x0483, kProduct = 0x374F;  // ST, STLINK-V3
constexpr uint8_t kJtagVersion = 10;                     // V3J10
constexpr uint32_t kSerialWireId = 0x5BA02477;
constexpr uint32_t kFrequencies[] = {24000, 8000, 3300, 1000, 200, 50, 5};  // kHz

// The first byte of a USB command.
enum Class : uint8_t { kGetVersion = 0xF1, kDebug = 0xF2, kGetMode = 0xF5, kGetVoltage = 0xF7, kGetVersionV3 = 0xFB };
// The second byte of a debug command.
enum Command : uint8_t {
  kReadWords = 0x07,
  kWriteWords = 0x08,
  kReadBytes = 0x0C,
  kWriteBytes = 0x0D,
  kExit = 0x21,
  kEnter = 0x30,
  kReadIds = 0x31,
  kResetSystem = 0x32,
  kReadRegister = 0x33,
  kWriteRegister = 0x34,
  kWriteDebugRegister = 0x35,
  kReadDebugRegister = 0x36,
  kDriveReset = 0x3C,
  kLastStatus = 0x3E,
  kReadPort = 0x45,
  kWritePort = 0x46,
  kReadHalfwords = 0x47,
  kWriteHalfwords = 0x48,
  kOpenPort = 0x4B,
  kClosePort = 0x4C,
  kWriteWordsSamePlace = 0x50,
  kSendItems = 0x51,
  kRunItems = 0x52,
  kReadWordsSamePlace = 0x54,
  kSetFrequency = 0x61,
  kGetFrequencies = 0x62
};
constexpr uint8_t kOk = 0x80, kFault = 0x11, kUnknownCommand = 0x81;
constexpr uint32_t kDebugPort = 0xFFFF;
constexpr uint32_t kDcrsr = 0xE000EDF4, kDcrdr = 0xE000EDF8, kDcrsrWrite = 1u << 16, kAircr = 0xE000ED0C;
constexpr uint32_t kSysResetRequest = 0x05FA0004;

uint32_t halfword(std::span<const uint8_t> bytes, size_t at) {
  return at + 2 <= bytes.size() ? bytes[at] | static_cast<uint32_t>(bytes[at + 1]) << 8 : 0;
}

uint32_t word(std::span<const uint8_t> bytes, size_t at) {
  return at + 4 <= bytes.size() ? halfword(bytes, at) | halfword(bytes, at + 2) << 16 : 0;
}

/// Writes as much of `value` as there is room for: the client says how long the answer is.
void put(std::span<uint8_t> bytes, size_t at, uint32_t value, size_t count = 4) {
  for (size_t i = 0; i < count && at + i < bytes.size(); ++i) bytes[at + i] = static_cast<uint8_t>(value >> (8 * i));
}

std::string text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string StLink::handle(std::string& input, bool& open) {
  std::string responses;
  size_t done = 0;
  while (open && done < input.size()) {
    const std::string_view rest = std::string_view(input).substr(done);
    const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(rest.data()), rest.size());
    if (bytes[0] >= std::size(kRequestBytes)) {
      open = false;
      break;
    }
    size_t size = kRequestBytes[bytes[0]];
    if (rest.size() < size) break;
    if (bytes[0] == kUsb) {
      const uint32_t data = word(bytes, kUsbSize);
      open = data <= kLargestTransfer;
      if (!open) break;
      if (bytes[kUsbDirection] == 0) size += data;
      if (rest.size() < size) break;
    }
    responses += respond(rest.substr(0, size));
    done += size;
  }
  input.erase(0, done);
  return responses;
}

std::string StLink::respond(std::string_view request) {
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(request.data()), request.size());
  Bytes answer(4);
  put(answer, 0, kSuccess);
  switch (bytes[0]) {
    case kVersion:
      answer.resize(16);
      put(answer, 0, kApiVersion);
      put(answer, 4, 2);
      put(answer, 8, 1);
      put(answer, 12, 1);
      break;
    case kInfo: {
      constexpr std::string_view kSerial = "MOTE-BOARD";
      answer.resize(45);
      put(answer, 4, 7);
      std::copy(kSerial.begin(), kSerial.end(), answer.begin() + 8);
      put(answer, 40, kVendor, 2);
      put(answer, 42, kProduct, 2);
      break;
    }
    case kOpen:
      answer.resize(8);
      put(answer, 4, kHandle);
      break;
    case kUsb: {
      Bytes data(bytes[kUsbDirection] == 0 ? 64 : word(bytes, kUsbSize));
      usb(bytes.subspan(kUsbCommand, 16), bytes.subspan(kRequestBytes[kUsb]), data);
      if (bytes[kUsbDirection] != 0) answer.insert(answer.end(), data.begin(), data.end());
      break;
    }
    default:  // kRefresh, kClose: the status; kCount: one probe, which looks the same
      break;
  }
  return text(answer);
}

void StLink::usb(std::span<const uint8_t> command, std::span<const uint8_t> sent, Bytes& answer) {
  switch (command[0]) {
    case kGetVersion:
      put(answer, 0, 0x30, 2);
      put(answer, 2, kVendor, 2);
      put(answer, 4, kProduct, 2);
      break;
    case kGetVersionV3:
      put(answer, 0, 3, 1);
      put(answer, 2, kJtagVersion, 1);
      put(answer, 3, 3, 1);
      put(answer, 8, kVendor, 2);
      put(answer, 10, kProduct, 2);
      break;
    case kGetMode:
      put(answer, 0, debugging_ ? 2 : 1, 1);
      break;
    case kGetVoltage:  // a reference of 1.2 V, and half the target's 3.3 V, in the converter's units
      put(answer, 0, 1500);
      put(answer, 4, 2062);
      break;
    case kDebug:
      debug(command.subspan(1), sent, answer);
      break;
    default:  // modes that this probe is never in
      break;
  }
}

void StLink::debug(std::span<const uint8_t> command, std::span<const uint8_t> sent, Bytes& answer) {
  put(answer, 0, kOk, 1);
  switch (command[0]) {
    case kEnter:
      debugging_ = true;
      break;
    case kExit:
      debugging_ = false;
      break;
    case kReadIds:
      put(answer, 4, kSerialWireId);
      break;
    case kResetSystem:
      core_.write(kAircr, 4, kSysResetRequest);
      break;
    case kReadRegister:
    case kWriteRegister:
    case kReadDebugRegister:
    case kWriteDebugRegister:
      debug_register(command, answer);
      break;
    case kDriveReset:
      drive_reset(command[1]);
      break;
    case kLastStatus:
      put(answer, 0, last_status_, 1);
      put(answer, 4, failed_at_);
      break;
    case kReadPort:
    case kWritePort:
      access_register(command, command[0] == kReadPort, answer);
      break;
    case kReadWords:
    case kReadWordsSamePlace:
      last_status_ = read_memory(command, 4, command[0] == kReadWords, answer);
      break;
    case kReadHalfwords:
      last_status_ = read_memory(command, 2, true, answer);
      break;
    case kReadBytes:
      last_status_ = read_memory(command, 1, true, answer);
      break;
    case kWriteWords:
    case kWriteWordsSamePlace:
      last_status_ = write_memory(command, 4, command[0] == kWriteWords, sent);
      break;
    case kWriteHalfwords:
      last_status_ = write_memory(command, 2, true, sent);
      break;
    case kWriteBytes:
      last_status_ = write_memory(command, 1, true, sent);
      break;
    case kSendItems:
      item_count_ = word(command, 1);
      items_.assign(sent.begin(), sent.end());
      break;
    case kRunItems:
      miscellany(answer);
      break;
    case kGetFrequencies:
      put(answer, 8, std::size(kFrequencies), 1);
      for (size_t i = 0; i < std::size(kFrequencies); ++i) put(answer, 12 + 4 * i, kFrequencies[i]);
      break;
    case kOpenPort:
    case kClosePort:
    case kSetFrequency:
      break;
    default:
      put(answer, 0, kUnknownCommand, 1);
      break;
  }
}

/// Core registers by their number in DCRSR, and words at an address.
void StLink::debug_register(std::span<const uint8_t> command, Bytes& answer) {
  uint32_t value = 0;
  bool ok = false;
  switch (command[0]) {
    case kReadRegister:
      ok = core_.write(kDcrsr, 4, command[1] & 0x7F) && core_.read(kDcrdr, 4, value);
      break;
    case kWriteRegister:
      ok = core_.write(kDcrdr, 4, word(command, 2)) && core_.write(kDcrsr, 4, (command[1] & 0x7Fu) | kDcrsrWrite);
      break;
    case kReadDebugRegister:
      ok = core_.read(word(command, 1) & ~3u, 4, value);
      break;
    default:
      ok = core_.write(word(command, 1) & ~3u, 4, word(command, 5));
      break;
  }
  put(answer, 0, ok ? kOk : kFault, 1);
  if (command[0] == kReadRegister || command[0] == kReadDebugRegister) put(answer, 4, value);
}

/// 0 pulls the reset line, 1 lets it go, 2 does both.
void StLink::drive_reset(uint8_t how) {
  if (how == 0 || how == 2) core_.hold_reset(true);
  if (how == 1 || how == 2) core_.hold_reset(false);
}

/// A register of the debug port, or of an access port.
void StLink::access_register(std::span<const uint8_t> command, bool read, Bytes& answer) {
  const uint32_t port = halfword(command, 1), address = halfword(command, 3), value = word(command, 5);
  const bool ok =
      port == kDebugPort ? access_debug_port(address, read, value) : port_.access(port & 0xFF, address, read, value);
  put(answer, 0, ok ? kOk : kFault, 1);
  if (read) put(answer, 4, ok ? port_.result() : 0);
}

// A serial-wire debug port differs from JTAG's: DPIDR and ABORT are its register 0, and errors are cleared there alone.
// The register's bank is in bits 7:4 of the address.
bool StLink::access_debug_port(uint32_t address, bool read, uint32_t value) {
  constexpr uint32_t kStickyFlags = 0x32, kAbortFlags = 0x1E;
  const uint32_t reg = address & 0xC;
  if (reg == 0) {
    if (read) {
      port_.set_result(kSerialWireId);
    } else if (value & kAbortFlags) {
      port_.clear_errors();
    }
  } else if ((address >> 4 & 0xF) == 0) {
    port_.debug_port(reg, read, reg == 4 && !read ? value & ~kStickyFlags : value);
  } else if (read) {
    port_.set_result(0);
  }
  return true;
}

uint8_t StLink::read_memory(std::span<const uint8_t> command, int bytes, bool increment, Bytes& answer) {
  const uint32_t address = word(command, 1);
  const size_t size = std::min<size_t>(halfword(command, 5), answer.size()), step = static_cast<size_t>(bytes);
  std::ranges::fill(answer, uint8_t{0});
  const std::span<std::byte> block = std::as_writable_bytes(std::span(answer)).first(size);
  if (increment && !port_.sticky() && core_.read_memory(address, block)) return kOk;
  for (size_t i = 0; i + step <= size; i += step) {
    const uint32_t at = increment ? address + static_cast<uint32_t>(i) : address;
    uint32_t value = 0;
    if (port_.sticky() || !core_.read(at, bytes, value)) {
      port_.set_error();
      failed_at_ = at;
      return kFault;
    }
    put(answer, i, value, step);
  }
  return kOk;
}

uint8_t StLink::write_memory(std::span<const uint8_t> command, int bytes, bool increment,
                             std::span<const uint8_t> sent) {
  const uint32_t address = word(command, 1);
  const size_t size = std::min<size_t>(halfword(command, 5), sent.size()), step = static_cast<size_t>(bytes);
  const std::span<const std::byte> block = std::as_bytes(sent).first(size);
  if (increment && !port_.sticky() && core_.write_memory(address, block)) return kOk;
  for (size_t i = 0; i + step <= size; i += step) {
    const uint32_t at = increment ? address + static_cast<uint32_t>(i) : address;
    const uint32_t value = bytes == 4 ? word(sent, i) : bytes == 2 ? halfword(sent, i) : sent[i];
    if (port_.sticky() || !core_.write(at, bytes, value)) {
      port_.set_error();
      failed_at_ = at;
      return kFault;
    }
  }
  return kOk;
}

/// A list of transfers of words: what each does in one byte, and then, at a multiple of 4, a word for each.
void StLink::miscellany(Bytes& answer) {
  enum Item : uint8_t { kAddress = 1, kWrite = 2, kRead = 3 };
  const std::span<const uint8_t> items(items_);
  if (item_count_ > items.size()) item_count_ = static_cast<uint32_t>(items.size());
  const size_t words = (item_count_ + 3) / 4 * 4;
  uint32_t address = 0;
  for (size_t i = 0; i < item_count_; ++i) {
    const uint32_t value = word(items, words + 4 * i);
    uint32_t result = 0;
    bool ok = true;
    if (items[i] == kAddress) {
      address = value;
    } else if (items[i] == kWrite) {
      ok = !port_.sticky() && core_.write(address, 4, value);
    } else if (items[i] == kRead) {
      ok = !port_.sticky() && core_.read(value, 4, result);
    }
    if (!ok) port_.set_error();
    put(answer, 4 * i, result);
    put(answer, 4 * item_count_ + 4 * i, ok ? kOk : kFault);
  }
}

}  // namespace mote::board_sim
