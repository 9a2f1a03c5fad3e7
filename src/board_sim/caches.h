// The caches of a Cortex-M7 in front of every memory that is not tightly coupled. A miss costs a number of cycles from
// the board file. The caches are taken to be on, whatever CCR says: start-up code of such boards switches them on.
#pragma once

#include "board_sim/memory_model.h"

namespace mote::board_sim {

class CacheModel : public MemoryModel {
 public:
  explicit CacheModel(const target::Board& board);
  uint32_t run(const Block& block, std::span<const uint16_t> ends, std::span<const DataAccess> accesses, bool taken,
               uint32_t next, uint64_t start, std::span<uint64_t> waits) override;
  void reset() override;
  std::unique_ptr<MemoryModel> clone() const override;

 private:
  CacheModel(const CacheModel& other) = default;
  /// Memory behind the caches.
  struct Range {
    uint32_t address = 0, size = 0;
    uint32_t miss_cycles = 0;  // of a load
  };
  const Range* cached_range(uint32_t address) const;

  std::vector<Range> ranges_;
  uint32_t line_bytes_, fetch_miss_cycles_;  // of the instruction cache
  TagMemory instructions_, data_;
};

}  // namespace mote::board_sim
