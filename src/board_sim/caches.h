// The caches of a Cortex-M7 in front of every memory that is not tightly coupled. A miss costs a number of cycles from
// the board file. The caches are taken to be on, whatever CCR says: start-up code of such boards switches them on.
#pragma once

#include "board_sim/memory_model.h"

namespace mote::board_sim {

class CacheModel : public MemoryModel {
 public:
  explicit CacheModel(const target::Board& board);
  uint32_t run(const Block& block, std::span<const uint16_t> ends, std::span<const DataAccess> accesses, bool taken,
               uint32_t next, uint64_t start) override;
  void reset() override;
  std::unique_ptr<MemoryModel> clone() const override;

 private:
  CacheModel(const CacheModel& other) = default;
  const target::MemoryRegion* cached_region(uint32_t address) const;

  const target::Board* board_;
  TagMemory instructions_, data_;
};

}  // namespace mote::board_sim
