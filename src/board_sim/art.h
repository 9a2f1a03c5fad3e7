// The adaptive real-time accelerator of an STM32L4/L4+: a small instruction cache and a data cache of 64-bit words in
// front of slow flash, and a core that fetches ahead. Structure and sizes: RM0432; the fetch-ahead timeline was fitted
// to published cycles of eight programs on an STM32L4R5 at 5 wait states (docs/measuring.md).
#pragma once

#include <array>

#include "board_sim/memory_model.h"

namespace mote::board_sim {

class ArtModel : public MemoryModel {
 public:
  explicit ArtModel(const target::Board& board);
  uint32_t run(const Block& block, std::span<const uint16_t> ends, std::span<const DataAccess> accesses, bool taken,
               uint32_t next, uint64_t start, std::span<uint64_t> waits) override;
  void set_access_control(uint32_t value) override;
  void reset() override;
  std::unique_ptr<MemoryModel> clone() const override;

 private:
  static constexpr uint32_t kQueue = 3;      // 32-bit words the core fetches ahead
  static constexpr uint32_t kRing = 16;      // words remembered, a power of two above kQueue
  static constexpr uint32_t kWordBytes = 8;  // of flash
  static constexpr uint32_t kNoWord = ~0u;

  ArtModel(const ArtModel& other) = default;
  bool in_flash(uint32_t address) const;
  int64_t fetch(uint32_t word, int64_t at);
  void fetch_ahead_until(int64_t time);
  int64_t data_read(uint32_t address, int64_t time);
  void restart_fetch(uint32_t address, int64_t time);
  int64_t issue_time(uint32_t word) const;

  uint32_t first_ = 0, alias_ = 0, bytes_ = 0;  // of flash
  int wait_states_ = 0, reset_wait_states_ = 0;
  bool instruction_cache_on_ = true, data_cache_on_ = true;
  TagMemory instructions_, data_;
  uint32_t current_instruction_ = kNoWord, current_data_ = kNoWord;  // the buffered flash word of each side
  int64_t current_ready_ = 0;
  int64_t port_free_ = 0;                                      // when the flash has finished the read under way
  int64_t last_fetch_ = 0;                                     // when the last fetch was answered
  uint32_t next_word_ = 0;                                     // the core's next 32-bit word to fetch
  bool fetching_ = false;                                      // next_word_ and what follows from it are valid
  std::array<int64_t, kRing> delivered_ = {}, consumed_ = {};  // by 32-bit word
};

}  // namespace mote::board_sim
