#include "schedule/stack_use.h"

#include <algorithm>
#include <map>

#include "schedule/basic_blocks.h"

namespace mote::schedule {
namespace {

constexpr unsigned kSp = 13, kLr = 14;

/// Follows the stack pointer along every path. A block's depth is what it is entered with; the depths of all ways into
/// a block agree in what compilers make, and the deepest counts where they do not.
class Follower {
 public:
  Follower(uint32_t address, std::span<const std::byte> code) : address_(address), end_(address + code.size()) {
    for (BasicBlock& block : basic_blocks(address, code)) blocks_.emplace(block.front().address, std::move(block));
  }

  std::optional<StackUse> follow() {
    if (blocks_.empty()) return std::nullopt;
    enter(address_, 0);
    while (!open_.empty()) {
      const uint32_t at = open_.back();
      open_.pop_back();
      if (!follow_block(blocks_.at(at), depths_.at(at))) return std::nullopt;
    }
    return use_;
  }

 private:
  void enter(uint32_t at, int64_t depth) {
    if (!blocks_.contains(at)) return;
    const auto [known, is_new] = depths_.try_emplace(at, depth);
    // Where the paths do not agree at all, the loop that deepens the stack is cut off here and found below.
    if (!is_new && known->second >= depth) return;
    known->second = depth;
    open_.push_back(at);
  }

  /// The depth after `insn`; nothing when it cannot be told.
  static std::optional<int64_t> depth_after(const Insn& insn, int64_t depth) {
    if (((insn.writes | insn.base_writes) & register_bit(kSp)) == 0) return depth;
    if (insn.access.base == kSp && insn.access.writeback != 0) return depth - insn.access.writeback;
    if (insn.copied_from == kSp) return depth - insn.copy_offset;
    return std::nullopt;
  }

  bool follow_block(const BasicBlock& block, int64_t depth) {
    for (const Insn& insn : block) {
      const std::optional<int64_t> after = depth_after(insn, depth);
      if (!after || *after < 0 || *after > kMost) return false;
      use_.bytes = std::max(use_.bytes, static_cast<uint32_t>(*after));
      if (insn.branch) return follow_branch(insn, depth, *after);
      if (insn.conditional && *after != depth) return false;
      depth = *after;
    }
    enter(block.back().address + block.back().size, depth);
    return true;
  }

  bool follow_branch(const Insn& insn, int64_t before, int64_t after) {
    const uint32_t next = insn.address + insn.size;
    if (insn.call) {
      if (insn.indirect) return false;
      use_.calls.push_back({insn.branch_target, static_cast<uint32_t>(after)});
      enter(next, after);
      return true;
    }
    if (insn.conditional) enter(next, before);  // a return that is not taken moves nothing
    if (insn.timing == target::Timing::kTableBranch) {
      for (const auto& [at, block] : blocks_) {
        if (at > next && !depths_.contains(at)) enter(at, after);
      }
      return true;
    }
    if (insn.indirect) return insn.loads() || (insn.read_mask() & register_bit(kLr)) != 0;  // a return
    if (insn.branch_target >= address_ && insn.branch_target < end_) {
      enter(insn.branch_target, after);
    } else {
      use_.calls.push_back({insn.branch_target, static_cast<uint32_t>(after)});
    }
    return true;
  }

  static constexpr int64_t kMost = 1 << 20;

  uint64_t address_, end_;
  std::map<uint32_t, BasicBlock> blocks_;
  std::map<uint32_t, int64_t> depths_;
  std::vector<uint32_t> open_;
  StackUse use_;
};

}  // namespace

std::optional<StackUse> stack_use(uint32_t address, std::span<const std::byte> code) {
  return Follower(address, code).follow();
}

}  // namespace mote::schedule
