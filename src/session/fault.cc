#include "session/fault.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace mote::session {

namespace {

struct Bit {
  int number;
  const char* meaning;
};

// Armv7-M Architecture Reference Manual, B3.2.15; bit 20 is Armv8-M's.
constexpr Bit kCfsr[] = {
    {0, "instruction fetch from memory that must not be executed"},
    {1, "data access that the memory protection forbids"},
    {3, "memory protection violated while returning from an exception"},
    {4, "memory protection violated while entering an exception (is the stack too small?)"},
    {5, "memory protection violated while saving FPU registers"},
    {8, "instruction fetch failed"},
    {9, "precise data access"},
    {10, "imprecise data access"},
    {11, "bus error while returning from an exception"},
    {12, "bus error while entering an exception (is the stack too small?)"},
    {13, "bus error while saving FPU registers"},
    {16, "undefined instruction"},
    {17, "invalid state (a jump to an address without the Thumb bit?)"},
    {18, "invalid return from an exception"},
    {19, "coprocessor or FPU access while it is off"},
    {20, "stack limit passed"},
    {24, "unaligned access"},
    {25, "division by zero"},
};
constexpr Bit kHfsr[] = {{1, "vector table cannot be read"}, {31, "breakpoint instruction without a debugger"}};

}  // namespace

std::string_view name_of(Fault::Kind kind) {
  switch (kind) {
    case Fault::Kind::kHardFault:
      return "HardFault";
    case Fault::Kind::kMemManage:
      return "MemManage fault";
    case Fault::Kind::kBusFault:
      return "BusFault";
    case Fault::Kind::kUsageFault:
      return "UsageFault";
    case Fault::Kind::kStackOverflow:
      return "stack overflow";
    case Fault::Kind::kLockup:
      return "lockup";
    case Fault::Kind::kTimeout:
      return "timeout";
    case Fault::Kind::kException:
      return "unexpected exception";
    case Fault::Kind::kCrash:
      return "crash";
    case Fault::Kind::kConnection:
      return "connection lost";
    case Fault::Kind::kNotRun:
      return "not run";
  }
  unreachable("Fault::Kind");
}

std::vector<std::string> decode_status(uint32_t cfsr, uint32_t hfsr) {
  std::vector<std::string> reasons;
  for (const Bit& bit : kCfsr) {
    if (cfsr >> bit.number & 1) reasons.emplace_back(bit.meaning);
  }
  for (const Bit& bit : kHfsr) {
    if (hfsr >> bit.number & 1) reasons.emplace_back(bit.meaning);
  }
  return reasons;
}

std::string Fault::text() const {
  std::string text(name_of(kind));
  if (!reasons.empty()) text += fmt::format(": {}", fmt::join(reasons, ", "));
  if (address) text += fmt::format(" at {:#x}", *address);
  if (reasons.empty() && !detail.empty()) text += ": " + detail;
  if (!registers_known) return text;
  text += function.empty() ? fmt::format(", PC {:#x}", registers.r[15])
                           : fmt::format(", in {} (PC {:#x})", function, registers.r[15]);
  if (!source_line.empty()) text += fmt::format(", {}", source_line);
  return text + fmt::format(", LR {:#x}, SP {:#x}", registers.r[14], registers.r[13]);
}

}  // namespace mote::session
