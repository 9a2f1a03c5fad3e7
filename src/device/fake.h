// A device for tests: memory that is only an array, and runs that do what the test says.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "device/device.h"

namespace mote::device {

class Fake : public Device {
 public:
  /// What a run does; it may use the fake's memory. By default the core reaches `until` at once.
  using Behaviour = std::function<Stop(Fake& fake, const Registers& registers, uint32_t until)>;

  explicit Fake(const target::Board& board);

  /// What runs do from now on.
  void behave(Behaviour behaviour) { behaviour_ = std::move(behaviour); }
  /// The next `count` calls of read, write, run, resume and program throw ConnectionError.
  void fail_next(int count) { failures_ = count; }
  /// As after a power cycle: RAM is lost.
  void lose_memory();
  int resets() const { return resets_; }
  int runs() const { return runs_; }

  std::string name() const override { return "fake"; }
  void read(uint32_t address, std::span<std::byte> out) override;
  void write(uint32_t address, std::span<const std::byte> bytes) override;
  Stop run(const Registers& registers, uint32_t until, std::chrono::milliseconds limit) override;
  Stop resume(std::chrono::milliseconds limit) override;
  void reset() override { ++resets_; }
  void program(uint32_t address, std::span<const std::byte> bytes) override;
  std::string take_output() override { return ""; }
  uint64_t incarnation() const override { return incarnation_; }

 private:
  struct Memory {
    target::MemoryRegion region;
    Bytes bytes;
  };
  std::byte* at(uint32_t address, size_t size);
  void maybe_fail();

  target::Board board_;
  std::vector<Memory> memory_;
  Behaviour behaviour_;
  int failures_ = 0, resets_ = 0, runs_ = 0;
  uint64_t incarnation_ = 0;
};

}  // namespace mote::device
