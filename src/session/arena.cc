#include "session/arena.h"

#include <algorithm>

#include "support/error.h"

namespace mote::session {

namespace {

uint64_t align_up(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}
uint64_t align_down(uint64_t value, uint64_t alignment) {
  return value / alignment * alignment;
}

}  // namespace

Arena::Arena(const target::Board& board) {
  std::vector<target::MemoryRegion> regions;
  for (const target::MemoryRegion& region : board.regions) {
    if (region.writable()) regions.push_back(region);
  }
  std::sort(regions.begin(), regions.end(), [](const auto& a, const auto& b) { return a.address < b.address; });
  for (const target::MemoryRegion& region : regions) {
    // An object at address 0 would look like a null pointer.
    const uint64_t begin = region.address == 0 ? 32 : region.address, end = region.end();
    if (!ranges_.empty() && ranges_.back().end == begin) {
      ranges_.back().end = end;
    } else {
      ranges_.push_back({begin, end, {}});
    }
    if (!region.executable) continue;
    if (!executable_.empty() && executable_.back().end == begin) {
      executable_.back().end = end;
    } else {
      executable_.push_back({begin, end, {}});
    }
  }
  const uint32_t first = board.ram().address;
  std::stable_sort(ranges_.begin(), ranges_.end(), [&](const Range& a, const Range& b) {
    const auto holds = [&](const Range& range) { return first >= range.begin && first < range.end; };
    return holds(a) && !holds(b);
  });
  for (Range& range : ranges_) range.free[static_cast<uint32_t>(range.begin)] = range.end;
}

void Arena::cut(Range& range, const Block& block) {
  const auto found = std::prev(range.free.upper_bound(block.address));
  const uint64_t begin = found->first, end = found->second;
  check(block.address >= begin && block.end() <= end, "a block is cut from free memory");
  range.free.erase(found);
  if (begin < block.address) range.free[static_cast<uint32_t>(begin)] = block.address;
  if (block.end() < end) range.free[static_cast<uint32_t>(block.end())] = end;
}

std::optional<Block> Arena::take(uint32_t size, uint32_t alignment) {
  size = std::max(size, 1u);
  for (Range& range : ranges_) {
    for (const auto& [begin, end] : range.free) {
      const uint64_t address = align_up(begin, alignment);
      if (address + size > end) continue;
      const Block block{static_cast<uint32_t>(address), size};
      cut(range, block);
      return block;
    }
  }
  return std::nullopt;
}

std::optional<Block> Arena::take_code(uint32_t size, uint32_t alignment) {
  size = std::max(size, 1u);
  for (Range& range : ranges_) {
    for (auto free = range.free.rbegin(); free != range.free.rend(); ++free) {
      for (auto code = executable_.rbegin(); code != executable_.rend(); ++code) {
        const uint64_t begin = std::max<uint64_t>(free->first, code->begin), end = std::min(free->second, code->end);
        if (end < begin || end - begin < size) continue;
        const uint64_t address = align_down(end - size, alignment);
        if (address < begin) continue;
        const Block block{static_cast<uint32_t>(address), size};
        cut(range, block);
        return block;
      }
    }
  }
  return std::nullopt;
}

bool Arena::take_at(const Block& block) {
  for (Range& range : ranges_) {
    for (const auto& [begin, end] : range.free) {
      if (block.address < begin || block.end() > end) continue;
      cut(range, block);
      return true;
    }
  }
  return false;
}

void Arena::give_back(const Block& block) {
  if (block.size == 0) return;
  for (Range& range : ranges_) {
    if (block.address < range.begin || block.end() > range.end) continue;
    uint64_t begin = block.address, end = block.end();
    auto next = range.free.lower_bound(block.address);
    check(next == range.free.end() || next->first >= end, "a block is given back once");
    if (next != range.free.end() && next->first == end) {
      end = next->second;
      next = range.free.erase(next);
    }
    if (next != range.free.begin()) {
      const auto before = std::prev(next);
      check(before->second <= begin, "a block is given back once");
      if (before->second == begin) {
        begin = before->first;
        range.free.erase(before);
      }
    }
    range.free[static_cast<uint32_t>(begin)] = end;
    return;
  }
  unreachable("a block is given back to where it came from");
}

Block Arena::largest(uint32_t alignment) const {
  Block best;
  for (const Range& range : ranges_) {
    for (const auto& [begin, end] : range.free) {
      const uint64_t address = align_up(begin, alignment);
      if (address < end && end - address > best.size) {
        best = {static_cast<uint32_t>(address), static_cast<uint32_t>(end - address)};
      }
    }
  }
  return best;
}

uint64_t Arena::free_bytes() const {
  uint64_t bytes = 0;
  for (const Range& range : ranges_) {
    for (const auto& [begin, end] : range.free) bytes += end - begin;
  }
  return bytes;
}

}  // namespace mote::session
