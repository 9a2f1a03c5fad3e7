#include "execute/flash.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "support/error.h"

namespace mote::execute {
namespace {

constexpr uint32_t kLargestGap = 1024;  // bytes between parts that are programmed in one go

struct Part {
  uint32_t address = 0;
  Bytes bytes;
};

/// What of the image is stored in flash, lowest address first, neighbours as one: a sector shall be erased once.
std::vector<Part> parts_of(const toolchain::Image& image, const target::Board& board, const std::string& name) {
  std::vector<Part> parts;
  for (const toolchain::Segment& segment : image.segments) {
    if (segment.bytes.empty()) continue;
    const bool fits = std::ranges::any_of(board.regions, [&](const target::MemoryRegion& region) {
      return region.kind == target::MemoryRegion::Kind::kFlash &&
             region.contains(segment.load_address, segment.bytes.size());
    });
    if (!fits) {
      throw InputError(name, fmt::format("{} bytes at {:#010x} are not within the flash of {}", segment.bytes.size(),
                                         segment.load_address, board.name));
    }
    parts.push_back({segment.load_address, segment.bytes});
  }
  std::ranges::sort(parts, {}, &Part::address);
  std::vector<Part> merged;
  for (Part& part : parts) {
    const uint64_t end = merged.empty() ? 0 : merged.back().address + uint64_t{merged.back().bytes.size()};
    if (merged.empty() || part.address > end + kLargestGap) {
      merged.push_back(std::move(part));
    } else if (part.address < end) {
      throw InputError(name, fmt::format("has two parts at {:#010x}", part.address));
    } else {
      merged.back().bytes.resize(part.address - merged.back().address, std::byte{0xFF});
      merged.back().bytes.insert(merged.back().bytes.end(), part.bytes.begin(), part.bytes.end());
    }
  }
  return merged;
}

bool holds(device::Device& device, const Part& part) {
  Bytes there(part.bytes.size());
  device.read(part.address, there);
  return there == part.bytes;
}

}  // namespace

Flashed flash(device::Device& device, const target::Board& board, const toolchain::Image& image,
              const std::string& name) {
  const std::vector<Part> parts = parts_of(image, board, name);
  Flashed result{0, true};
  for (const Part& part : parts) {
    result.bytes += static_cast<uint32_t>(part.bytes.size());
    result.was_there = result.was_there && holds(device, part);
  }
  if (result.was_there) return result;
  for (const Part& part : parts) device.program(part.address, part.bytes);  // which verifies
  return result;
}

}  // namespace mote::execute
