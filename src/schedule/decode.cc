#include <algorithm>
#include <cstring>

#include "schedule/describer.h"
#include "schedule/insn.h"
#include "support/error.h"

namespace mote::schedule {
namespace {

class Disassembler {
 public:
  Disassembler() {
    const cs_mode mode = static_cast<cs_mode>(CS_MODE_THUMB | CS_MODE_MCLASS);
    check(cs_open(CS_ARCH_ARM, mode, &handle_) == CS_ERR_OK, "Capstone has no Arm");
    cs_option(handle_, CS_OPT_DETAIL, CS_OPT_ON);
    insn_ = cs_malloc(handle_);
  }
  ~Disassembler() {
    cs_free(insn_, 1);
    cs_close(&handle_);
  }
  Disassembler(const Disassembler&) = delete;
  Disassembler& operator=(const Disassembler&) = delete;

  /// Forgets an IT block that was begun: what looked like one may have been data.
  void restart() {
    const uint8_t nop[] = {0x00, 0xbf};
    cs_insn* first = nullptr;
    const size_t count = cs_disasm(handle_, nop, sizeof nop, 0, 1, &first);
    cs_free(first, count);
  }

  /// The instruction at the front of `code`, which is then consumed; nullptr when it is none Capstone knows.
  const cs_insn* next(uint32_t& address, std::span<const std::byte>& code) {
    const uint8_t* at = reinterpret_cast<const uint8_t*>(code.data());
    size_t left = code.size();
    uint64_t pc = address;
    if (!cs_disasm_iter(handle_, &at, &left, &pc, insn_)) return nullptr;
    code = code.subspan(code.size() - left);
    address = static_cast<uint32_t>(pc);
    return insn_;
  }

 private:
  csh handle_ = 0;
  cs_insn* insn_ = nullptr;
};

Disassembler& disassembler() {
  static thread_local Disassembler instance;
  return instance;
}

uint16_t halfword(std::span<const std::byte> code) {
  uint16_t value = 0;
  std::memcpy(&value, code.data(), sizeof value);
  return value;
}

}  // namespace

std::vector<Insn> decode(uint32_t address, std::span<const std::byte> code, bool to_jump) {
  std::vector<Insn> insns;
  disassembler().restart();
  while (code.size() >= 2) {
    const size_t size = std::min<size_t>(code.size(), thumb_size(halfword(code)));
    if (const cs_insn* insn = disassembler().next(address, code)) {
      insns.push_back(Describer(*insn).describe());
      if (to_jump && insns.back().branch && !insns.back().conditional && !insns.back().call) break;
      continue;
    }
    Insn unknown;
    unknown.address = address;
    unknown.size = static_cast<uint8_t>(size);
    insns.push_back(unknown);
    code = code.subspan(size);
    address += static_cast<uint32_t>(size);
  }
  return insns;
}

std::string disassemble(uint32_t address, std::span<const std::byte> code) {
  disassembler().restart();
  const cs_insn* insn = code.size() < 2 ? nullptr : disassembler().next(address, code);
  if (insn == nullptr) return "<undefined>";
  std::string text = insn->mnemonic;
  return insn->op_str[0] == '\0' ? text : text + " " + insn->op_str;
}

}  // namespace mote::schedule
