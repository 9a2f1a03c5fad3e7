#include "device/semihosting.h"

#include <algorithm>

namespace mote::device {

namespace {

// Arm's "Semihosting for AArch32 and AArch64".
enum Operation : uint32_t {
  kOpen = 0x01,
  kClose = 0x02,
  kWriteC = 0x03,
  kWrite0 = 0x04,
  kWrite = 0x05,
  kRead = 0x06,
  kIsTty = 0x09,
  kExit = 0x18,
  kExitExtended = 0x20
};
constexpr uint32_t kFailed = 0xFFFFFFFF, kApplicationExit = 0x20026;
constexpr size_t kMostText = 64u << 10, kPiece = 32;  // memories begin and end at multiples of kPiece

std::string text_at(Device& device, uint32_t address, size_t size) {
  std::string text(std::min(size, kMostText), '\0');
  device.read(address, std::as_writable_bytes(std::span(text)));
  return text;
}

std::string string_at(Device& device, uint32_t address) {
  std::string text;
  while (text.size() < kMostText) {
    const std::string piece = text_at(device, address, kPiece - address % kPiece);
    const size_t end = piece.find('\0');
    text += piece.substr(0, end);
    if (end != std::string::npos) break;
    address += static_cast<uint32_t>(piece.size());
  }
  return text;
}

}  // namespace

SemihostingAnswer answer_semihosting(Device& device, uint32_t r0, uint32_t r1, std::string& output) {
  switch (r0) {
    case kOpen: {  // ":tt" is the console
      const uint32_t name = read_word(device, r1), length = read_word(device, r1 + 8);
      return {text_at(device, name, length) == ":tt" ? 1 : kFailed, {}};
    }
    case kClose:
      return {0, {}};
    case kWriteC:
      output += text_at(device, r1, 1);
      return {0, {}};
    case kWrite0:
      output += string_at(device, r1);
      return {0, {}};
    case kWrite:  // answers how much was not written
      output += text_at(device, read_word(device, r1 + 4), read_word(device, r1 + 8));
      return {0, {}};
    case kRead:  // answers how much was not read
      return {read_word(device, r1 + 8), {}};
    case kIsTty:
      return {1, {}};
    case kExit:
      return {0, r1 == kApplicationExit ? 0 : 1};
    case kExitExtended:
      return {0, read_word(device, r1) == kApplicationExit ? static_cast<int>(read_word(device, r1 + 4)) : 1};
    default:
      return {kFailed, {}};
  }
}

}  // namespace mote::device
