// Which RAM is free. Data grows from low addresses, code from high ones, so that the largest free block stays whole.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "target/board.h"

namespace mote::session {

/// A range of addresses.
struct Block {
  uint32_t address = 0, size = 0;
  uint64_t end() const { return uint64_t{address} + size; }
};

class Arena {
 public:
  /// All of the board's writable memory; neighbouring regions are one. The first RAM region's comes first.
  explicit Arena(const target::Board& board);

  /// `size` bytes aligned to `alignment` (a power of two), for data: the lowest fit. Nothing when there is no such
  /// block.
  std::optional<Block> take(uint32_t size, uint32_t alignment);
  /// The same for code, which must be in executable memory: the highest fit.
  std::optional<Block> take_code(uint32_t size, uint32_t alignment);
  /// Exactly this block; false when it is not free.
  bool take_at(const Block& block);
  /// What was taken, or the upper part of it.
  void give_back(const Block& block);
  /// The largest free block for data with this alignment.
  Block largest(uint32_t alignment) const;
  uint64_t free_bytes() const;

 private:
  using Free = std::map<uint32_t, uint64_t>;  // address -> end
  struct Range {
    uint64_t begin, end;
    Free free;
  };
  void cut(Range& range, const Block& block);

  std::vector<Range> ranges_;
  std::vector<Range> executable_;  // `free` unused
};

}  // namespace mote::session
