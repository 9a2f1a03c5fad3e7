// The board's memories, backed by host memory: what code sees is decided by the processor's map of them, what a
// debugger sees is decided here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "target/board.h"

namespace mote::board_sim {

/// One address range in which bytes are seen: a memory region, or its alias.
struct Window {
  uint32_t address = 0;
  uint64_t size = 0;                          // bytes, a multiple of kPage
  bool writable = false, executable = false;  // by code; a debugger may write everything
  bool flash = false;
  std::byte* bytes = nullptr;
  uint64_t end() const { return address + size; }
  bool contains(uint32_t first, uint64_t count) const { return first >= address && first + count <= end(); }
};

class Memory {
 public:
  static constexpr uint32_t kPage = 4096;  // the emulator's granularity: regions are rounded up to it

  /// All zeros, flash all ones. Throws InputError when regions overlap.
  explicit Memory(const target::Board& board);

  const std::vector<Window>& windows() const { return windows_; }
  /// The window that holds all of [address, address + bytes), or nullptr.
  const Window* find(uint32_t address, uint64_t bytes) const;
  /// Copies; may cross from one window into its neighbour. False, and nothing is written, when a byte does not exist.
  bool read(uint32_t address, std::span<std::byte> out) const;
  bool write(uint32_t address, std::span<const std::byte> bytes);
  /// The little-endian value of `bytes` (1, 2 or 4) bytes.
  std::optional<uint32_t> value(uint32_t address, int bytes) const;
  bool set_value(uint32_t address, uint32_t value, int bytes);
  /// RAM keeps its contents over a reset; this is power-up.
  void clear();

 private:
  struct Free {
    size_t size;
    void operator()(std::byte* bytes) const;
  };
  using Pages = std::unique_ptr<std::byte[], Free>;

  void add(const target::Board& board, const target::MemoryRegion& region);
  bool covers(uint32_t address, uint64_t bytes) const;

  std::vector<Pages> pages_;
  std::vector<Window> windows_;  // sorted by address
};

}  // namespace mote::board_sim
