#include "schedule/basic_blocks.h"

#include <cstring>
#include <map>
#include <set>

namespace mote::schedule {
namespace {

constexpr uint8_t kPc = 15;

class Explorer {
 public:
  Explorer(uint32_t address, std::span<const std::byte> code) : address_(address), code_(code) {}

  std::vector<BasicBlock> blocks() {
    visit(address_);
    while (!open_.empty()) {
      const uint32_t next = *open_.begin();
      open_.erase(open_.begin());
      follow(next);
    }
    std::vector<BasicBlock> blocks;
    uint32_t end = 0;  // of the last block; 0: a new one begins
    for (const auto& [at, insn] : reached_) {
      if (end != at || leaders_.contains(at)) blocks.emplace_back();
      blocks.back().push_back(insn);
      end = insn.branch ? 0 : at + insn.size;
    }
    return blocks;
  }

 private:
  bool inside(uint32_t at) const { return at >= address_ && at - address_ < code_.size(); }

  void visit(uint32_t leader) {
    if (inside(leader) && leaders_.insert(leader).second) open_.insert(leader);
  }

  /// The instruction at `at`. It is decoded together with what follows, so that IT blocks are seen whole, but not with
  /// what stands behind a jump, which may be literals.
  const Insn& insn_at(uint32_t at) {
    const auto known = decoded_.find(at);
    if (known != decoded_.end()) return known->second;
    for (const Insn& insn : decode(at, code_.subspan(at - address_), true)) decoded_.try_emplace(insn.address, insn);
    return decoded_.at(at);
  }

  void follow(uint32_t at) {
    while (inside(at) && code_.size() - (at - address_) >= 2) {
      const Insn& insn = insn_at(at);
      const uint32_t next = at + insn.size;
      if (!reached_.try_emplace(at, insn).second) return;
      if (!insn.branch) {
        at = next;
        continue;
      }
      if (insn.call || insn.conditional) visit(next);
      if (!insn.call && insn.branch_target != 0) visit(insn.branch_target);
      if (insn.timing == target::Timing::kTableBranch && insn.access.base == kPc) follow_table(next, insn.access.bytes);
      return;
    }
  }

  /// The table of a TBB or TBH lies behind the instruction and ends where the first of its targets begins.
  void follow_table(uint32_t table, uint8_t bytes) {
    uint32_t first_target = ~0u;
    for (uint32_t at = table; at + bytes <= first_target && inside(at + bytes - 1); at += bytes) {
      uint16_t entry = 0;
      std::memcpy(&entry, code_.data() + (at - address_), bytes);
      const uint32_t target = table + 2u * entry;
      if (!inside(target) || target <= at) return;
      first_target = std::min(first_target, target);
      visit(target);
    }
  }

  uint32_t address_;
  std::span<const std::byte> code_;
  std::map<uint32_t, Insn> decoded_, reached_;
  std::set<uint32_t> leaders_, open_;
};

}  // namespace

std::vector<BasicBlock> basic_blocks(uint32_t address, std::span<const std::byte> code) {
  return Explorer(address, code).blocks();
}

}  // namespace mote::schedule
