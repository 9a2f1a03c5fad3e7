#include "device/fake.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "device/flash.h"

namespace mote::device {

Fake::Fake(const target::Board& board) : board_(board) {
  for (const target::MemoryRegion& region : board.regions) memory_.push_back({region, Bytes(region.size)});
}

void Fake::lose_memory() {
  ++incarnation_;
  for (Memory& memory : memory_) std::fill(memory.bytes.begin(), memory.bytes.end(), std::byte{0xA5});
}

std::byte* Fake::at(uint32_t address, size_t size) {
  for (Memory& memory : memory_) {
    if (memory.region.contains(address, size)) return memory.bytes.data() + (address - memory.region.address);
  }
  throw AccessError(fmt::format("fake: no memory of {} bytes at {:#x}", size, address));
}

void Fake::maybe_fail() {
  if (failures_ <= 0) return;
  --failures_;
  throw ConnectionError("fake: told to fail");
}

void Fake::read(uint32_t address, std::span<std::byte> out) {
  maybe_fail();
  std::memcpy(out.data(), at(address, out.size()), out.size());
}

void Fake::write(uint32_t address, std::span<const std::byte> bytes) {
  maybe_fail();
  std::memcpy(at(address, bytes.size()), bytes.data(), bytes.size());
}

Stop Fake::run(const Registers& registers, uint32_t until, std::chrono::milliseconds) {
  maybe_fail();
  ++runs_;
  if (behaviour_) return behaviour_(*this, registers, until);
  Stop stop;
  stop.registers = registers;
  stop.registers.r[15] = until;
  return stop;
}

Stop Fake::resume(std::chrono::milliseconds) {
  maybe_fail();
  Stop stop;
  stop.kind = Stop::Kind::kExit;
  return stop;
}

void Fake::program(uint32_t address, std::span<const std::byte> bytes) {
  sectors_around(board_, address, bytes.size());  // refuses what is not flash
  write(address, bytes);
}

}  // namespace mote::device
