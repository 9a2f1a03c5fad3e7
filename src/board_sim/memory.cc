#include "board_sim/memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "support/error.h"

namespace mote::board_sim {

void Memory::Free::operator()(std::byte* bytes) const {
  munmap(bytes, size);
}

Memory::Memory(const target::Board& board) {
  for (const target::MemoryRegion& region : board.regions) add(board, region);
  if (board.simulation.flash_size_address != 0) {
    target::MemoryRegion system;
    system.name = "system memory";
    system.kind = target::MemoryRegion::Kind::kFlash;
    system.address = board.simulation.flash_size_address / kPage * kPage;
    system.size = kPage;
    add(board, system);
  }
  std::ranges::sort(windows_, {}, &Window::address);
  for (size_t i = 1; i < windows_.size(); ++i) {
    if (windows_[i - 1].end() > windows_[i].address) {
      throw InputError(board.file, fmt::format("memory at {:#010x} overlaps the one at {:#010x}", windows_[i].address,
                                               windows_[i - 1].address));
    }
  }
  clear();
  if (board.simulation.flash_size_address != 0) {
    set_value(board.simulation.flash_size_address, board.flash().size / 1024, 2);
  }
}

void Memory::add(const target::Board& board, const target::MemoryRegion& region) {
  if (region.address % kPage != 0) {
    throw InputError(board.file, fmt::format("memory '{}' does not begin at a multiple of {}", region.name, kPage));
  }
  const uint64_t size = (uint64_t{region.size} + kPage - 1) / kPage * kPage;
  void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw JobError("no host memory for '" + region.name + "'");
  std::byte* bytes = static_cast<std::byte*>(mapped);
  pages_.emplace_back(bytes, Free{size});
  const bool flash = region.kind == target::MemoryRegion::Kind::kFlash;
  // A board file may advise against code in data TCM; the core runs it all the same (OpenOCD's flash drivers rely on
  // it).
  const bool executable = region.executable || region.kind == target::MemoryRegion::Kind::kTightlyCoupledData;
  const Window window{region.address, size, region.writable(), executable, flash, bytes};
  windows_.push_back(window);
  if (region.alias) {
    windows_.push_back(window);
    windows_.back().address = *region.alias;
  }
}

void Memory::clear() {
  for (const Window& window : windows_) std::memset(window.bytes, window.flash ? 0xFF : 0, window.size);
}

const Window* Memory::find(uint32_t address, uint64_t bytes) const {
  for (const Window& window : windows_) {
    if (window.contains(address, bytes)) return &window;
  }
  return nullptr;
}

bool Memory::covers(uint32_t address, uint64_t bytes) const {
  uint64_t at = address;
  const uint64_t end = at + bytes;
  for (const Window& window : windows_) {
    if (at >= end) break;
    if (window.address <= at && at < window.end()) at = window.end();
  }
  return at >= end;
}

bool Memory::read(uint32_t address, std::span<std::byte> out) const {
  if (!covers(address, out.size())) return false;
  for (const Window& window : windows_) {
    if (out.empty()) break;
    if (address < window.address || address >= window.end()) continue;
    const size_t count = std::min<uint64_t>(out.size(), window.end() - address);
    std::memcpy(out.data(), window.bytes + (address - window.address), count);
    out = out.subspan(count);
    address += static_cast<uint32_t>(count);
  }
  return true;
}

bool Memory::write(uint32_t address, std::span<const std::byte> bytes) {
  if (!covers(address, bytes.size())) return false;
  for (const Window& window : windows_) {
    if (bytes.empty()) break;
    if (address < window.address || address >= window.end()) continue;
    const size_t count = std::min<uint64_t>(bytes.size(), window.end() - address);
    std::memcpy(window.bytes + (address - window.address), bytes.data(), count);
    bytes = bytes.subspan(count);
    address += static_cast<uint32_t>(count);
  }
  return true;
}

std::optional<uint32_t> Memory::value(uint32_t address, int bytes) const {
  uint32_t value = 0;
  if (!read(address, std::as_writable_bytes(std::span(&value, 1)).first(static_cast<size_t>(bytes)))) {
    return std::nullopt;
  }
  return value;
}

bool Memory::set_value(uint32_t address, uint32_t value, int bytes) {
  return write(address, std::as_bytes(std::span(&value, 1)).first(static_cast<size_t>(bytes)));
}

}  // namespace mote::board_sim
