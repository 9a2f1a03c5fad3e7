#include "board_sim/semihosting.h"

#include <algorithm>
#include <string>
#include <vector>

namespace mote::board_sim {
namespace {

enum Call : uint32_t {
  kOpen = 0x01,
  kClose = 0x02,
  kWriteC = 0x03,
  kWrite0 = 0x04,
  kWrite = 0x05,
  kRead = 0x06,
  kIsTty = 0x09,
  kSeek = 0x0A,
  kLength = 0x0C,
  kClock = 0x10,
  kTime = 0x11,
  kErrno = 0x13,
  kGetCommandLine = 0x15,
  kHeapInfo = 0x16,
  kExit = 0x18,
  kExitExtended = 0x20,
  kElapsed = 0x30,
  kTickFrequency = 0x31
};
constexpr uint32_t kApplicationExit = 0x20026;
constexpr uint32_t kLongestText = 1 << 20;  // bytes of one call
constexpr uint32_t kMinusOne = ~0u;

std::string text_at(const Memory& memory, uint32_t address) {
  std::string text;
  while (text.size() < kLongestText) {
    const std::optional<uint32_t> c = memory.value(address++, 1);
    if (!c || *c == 0) break;
    text += static_cast<char>(*c);
  }
  return text;
}

/// SYS_WRITE: handle, address, length. Returns the bytes that were not written.
uint32_t write(const Memory& memory, uint32_t block, const std::function<void(std::string_view)>& print) {
  const uint32_t address = memory.value(block + 4, 4).value_or(0);
  const uint32_t length = memory.value(block + 8, 4).value_or(0);
  std::vector<std::byte> bytes(std::min(length, kLongestText));
  if (!memory.read(address, bytes)) return length;
  print({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return length - static_cast<uint32_t>(bytes.size());
}

}  // namespace

SemihostingResult semihosting_call(Processor& processor, Memory& memory, uint64_t cycles, uint32_t clock_hz,
                                   const std::function<void(std::string_view)>& print) {
  const uint32_t call = processor.reg(0), argument = processor.reg(1);
  uint32_t result = kMinusOne;
  SemihostingResult outcome;
  switch (call) {
    case kOpen:  // only ":tt", the console
      result = text_at(memory, memory.value(argument, 4).value_or(0)) == ":tt" ? 1 : kMinusOne;
      break;
    case kClose:
    case kSeek:
    case kErrno:
    case kLength:
      result = 0;
      break;
    case kIsTty:
      result = 1;
      break;
    case kWriteC: {
      const char c = static_cast<char>(memory.value(argument, 1).value_or(0));
      print({&c, 1});
      result = call;
      break;
    }
    case kWrite0:
      print(text_at(memory, argument));
      result = call;
      break;
    case kWrite:
      result = write(memory, argument, print);
      break;
    case kRead:  // the end of the file, at once
      result = memory.value(argument + 8, 4).value_or(0);
      break;
    case kClock:
      result = static_cast<uint32_t>(cycles * 100 / clock_hz);
      break;
    case kTime:
      result = static_cast<uint32_t>(cycles / clock_hz);  // since power-up: two runs must not differ
      break;
    case kElapsed:
      memory.set_value(argument, static_cast<uint32_t>(cycles), 4);
      memory.set_value(argument + 4, static_cast<uint32_t>(cycles >> 32), 4);
      result = 0;
      break;
    case kTickFrequency:
      result = clock_hz;
      break;
    case kExit:
      outcome.exit = argument == kApplicationExit ? 0 : 1;
      break;
    case kExitExtended:
      outcome.exit = memory.value(argument, 4) == kApplicationExit
                         ? static_cast<int>(memory.value(argument + 4, 4).value_or(0))
                         : 1;
      break;
    default:
      break;
  }
  processor.set_reg(0, result);
  return outcome;
}

}  // namespace mote::board_sim
