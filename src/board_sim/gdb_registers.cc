#include "board_sim/gdb_registers.h"

#include <fmt/format.h>

namespace mote::board_sim {
namespace {

constexpr int kXpsr = 16, kFirstSpecial = 17, kFirstDouble = 23, kFpscr = 39;
constexpr Special kSpecials[] = {Special::kMsp,     Special::kPsp,       Special::kPrimask,
                                 Special::kBasepri, Special::kFaultmask, Special::kControl};
constexpr const char* kSpecialNames[] = {"msp", "psp", "primask", "basepri", "faultmask", "control"};

}  // namespace

int gdb_register_bytes(const Processor& processor, int n) {
  if (n < 0 || n > kFpscr || (n >= kFirstDouble && !processor.has_fpu())) return 0;
  return n >= kFirstDouble && n < kFpscr ? 8 : 4;
}

uint64_t gdb_register(const Processor& processor, int n) {
  if (n == 15) return processor.reg(15) & ~1u;
  if (n < kXpsr) return processor.reg(n);
  if (n == kXpsr) return processor.xpsr();
  if (n < kFirstDouble) return processor.special(kSpecials[n - kFirstSpecial]);
  if (n == kFpscr) return processor.special(Special::kFpscr);
  const int low = 2 * (n - kFirstDouble);
  return processor.fp(low) | uint64_t{processor.fp(low + 1)} << 32;
}

void set_gdb_register(Processor& processor, int n, uint64_t value) {
  const uint32_t word = static_cast<uint32_t>(value);
  if (n == 15) {
    processor.set_reg(15, word & ~1u);
  } else if (n < kXpsr) {
    processor.set_reg(n, word);
  } else if (n == kXpsr) {
    processor.set_xpsr(word | 1u << 24);  // the core knows no other state than Thumb
  } else if (n < kFirstDouble) {
    processor.set_special(kSpecials[n - kFirstSpecial], word);
  } else if (n == kFpscr) {
    processor.set_special(Special::kFpscr, word);
  } else {
    const int low = 2 * (n - kFirstDouble);
    processor.set_fp(low, word);
    processor.set_fp(low + 1, static_cast<uint32_t>(value >> 32));
  }
}

std::string target_xml(const Processor& processor) {
  std::string xml =
      "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">"
      "<architecture>arm</architecture><feature name=\"org.gnu.gdb.arm.m-profile\">";
  for (int n = 0; n < 13; ++n) xml += fmt::format("<reg name=\"r{}\" bitsize=\"32\"/>", n);
  xml +=
      "<reg name=\"sp\" bitsize=\"32\" type=\"data_ptr\"/><reg name=\"lr\" bitsize=\"32\"/>"
      "<reg name=\"pc\" bitsize=\"32\" type=\"code_ptr\"/><reg name=\"xpsr\" bitsize=\"32\"/></feature>"
      "<feature name=\"org.gnu.gdb.arm.m-system\">";
  for (const char* name : kSpecialNames) xml += fmt::format("<reg name=\"{}\" bitsize=\"32\"/>", name);
  xml += "</feature>";
  if (processor.has_fpu()) {
    xml += "<feature name=\"org.gnu.gdb.arm.vfp\">";
    for (int n = 0; n < 16; ++n) xml += fmt::format("<reg name=\"d{}\" bitsize=\"64\" type=\"ieee_double\"/>", n);
    xml += "<reg name=\"fpscr\" bitsize=\"32\"/></feature>";
  }
  return xml + "</target>";
}

std::string memory_map_xml(const target::Board& board) {
  std::string xml = "<?xml version=\"1.0\"?><memory-map>";
  for (const target::MemoryRegion& region : board.regions) {
    if (region.kind == target::MemoryRegion::Kind::kFlash && !board.flash_controller.empty()) {
      uint32_t at = region.address;
      for (const target::Sectors& sectors : region.sectors) {
        const uint32_t length = sectors.count * sectors.size;
        xml += fmt::format(
            "<memory type=\"flash\" start=\"{:#x}\" length=\"{:#x}\"><property name=\"blocksize\">{:#x}"
            "</property></memory>",
            at, length, sectors.size);
        at += length;
      }
    } else {
      xml += fmt::format("<memory type=\"ram\" start=\"{:#x}\" length=\"{:#x}\"/>", region.address, region.size);
    }
    if (region.alias) {
      xml += fmt::format("<memory type=\"{}\" start=\"{:#x}\" length=\"{:#x}\"/>", region.writable() ? "ram" : "rom",
                         *region.alias, region.size);
    }
  }
  xml +=
      "<memory type=\"ram\" start=\"0x40000000\" length=\"0x20000000\"/>"
      "<memory type=\"ram\" start=\"0xe0000000\" length=\"0x100000\"/>";
  return xml + "</memory-map>";
}

}  // namespace mote::board_sim
