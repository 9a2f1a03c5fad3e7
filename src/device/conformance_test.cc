// What every driver must do, whatever it drives. A peer that cannot be had here is skipped, never passed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstring>

#include "device/fake.h"
#include "device/test_peers.h"
#include "support/random.h"

namespace mote::device {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLimit{60'000};

class Conformance : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    PeerResult result = start_peer(GetParam());
    if (!result.peer) GTEST_SKIP() << result.missing;
    peer_.emplace(std::move(*result.peer));
    peer_->device->reset();
  }
  Device& device() { return *peer_->device; }
  uint32_t ram() const { return peer_->board.ram().address; }
  uint32_t ram_size() const { return peer_->board.ram().size; }

  /// Runs Thumb instructions placed at the beginning of RAM until the one with index `until`.
  Stop run_code(const std::vector<uint16_t>& code, size_t until, milliseconds limit = kLimit) {
    device().write(ram(), to_bytes(code));
    Registers registers;
    registers.r[13] = ram() + ram_size();
    registers.r[14] = 0xFFFFFFFF;
    registers.r[15] = ram();
    registers.xpsr = 1u << 24;
    return device().run(registers, ram() + static_cast<uint32_t>(until) * 2, limit);
  }

  std::optional<Peer> peer_;
};

class StrictConformance : public Conformance {};  // peers that tell when there is no memory; QEMU does not
class FlashConformance : public Conformance {};   // peers with flash
class CoreConformance : public Conformance {};    // peers that run Thumb code

class LockupConformance : public Conformance {};   // peers that tell of a lockup; QEMU ends itself
class ConsoleConformance : public Conformance {};  // peers whose firmware can print by semihosting

constexpr uint16_t kMovs0x2A = 0x202A;  // movs r0, #42
constexpr uint16_t kNop = 0xBF00, kLoop = 0xE7FE;

TEST_P(Conformance, HasAName) {
  EXPECT_FALSE(device().name().empty());
}

TEST_P(Conformance, KeepsSingleBytes) {
  device().write(ram(), Bytes(16, std::byte{0}));
  for (uint32_t i = 0; i < 16; ++i) {
    const std::byte value = static_cast<std::byte>(0xF0 + i);
    device().write(ram() + i, std::span(&value, 1));
    std::byte back{};
    device().read(ram() + i, std::span(&back, 1));
    EXPECT_EQ(back, value);
  }
}

TEST_P(Conformance, UnalignedTransfersTouchNothingElse) {
  for (uint32_t offset = 0; offset < 5; ++offset) {
    for (const size_t size : {size_t{1}, size_t{2}, size_t{3}, size_t{4}, size_t{5}, size_t{7}, size_t{64}}) {
      device().write(ram(), Bytes(80, std::byte{0xEE}));
      Bytes bytes(size);
      Random(size * 8 + offset).fill(bytes);
      device().write(ram() + 3 + offset, bytes);
      Bytes all(80), expected(80, std::byte{0xEE});
      std::copy(bytes.begin(), bytes.end(), expected.begin() + 3 + offset);
      device().read(ram(), all);
      ASSERT_EQ(all, expected) << "offset " << offset << " size " << size;
    }
  }
}

TEST_P(Conformance, EmptyTransfersAreNothing) {
  device().write(ram(), {});
  device().read(ram(), {});
}

TEST_P(Conformance, ReadsAndWritesAllOfARegion) {
  Bytes bytes(std::min(ram_size(), 256u << 10)), back(bytes.size());
  Random(1).fill(bytes);
  const uint32_t address = ram() + ram_size() - static_cast<uint32_t>(bytes.size());
  device().write(address, bytes);
  device().read(address, back);
  EXPECT_EQ(back, bytes);
}

TEST_P(Conformance, EveryByteValueSurvives) {
  // Some have a meaning of their own on the wire: '#', '$', '}', '*', 0x03, 0x1a.
  Bytes bytes(256 * 5), back(bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i < 256 ? i : i % 7 < 5 ? '}' : i);
  device().write(ram() + 1, bytes);
  device().read(ram() + 1, back);
  EXPECT_EQ(back, bytes);
}

TEST_P(Conformance, WordsAreLittleEndian) {
  write_word(device(), ram(), 0x01020304);
  std::byte first{};
  device().read(ram(), std::span(&first, 1));
  EXPECT_EQ(first, std::byte{4});
  EXPECT_EQ(read_word(device(), ram()), 0x01020304u);
}

TEST_P(StrictConformance, RefusesWhatIsNotThere) {
  EXPECT_THROW(read_word(device(), 0xDEADBEE0), AccessError);
  write_word(device(), ram(), 7);
  EXPECT_EQ(read_word(device(), ram()), 7u) << "goes on after a refusal";
}

TEST_P(Conformance, RamSurvivesAReset) {
  write_word(device(), ram() + 64, 0x12345678);
  device().reset();
  EXPECT_EQ(read_word(device(), ram() + 64), 0x12345678u);
}

TEST_P(CoreConformance, RunsToTheAddress) {
  for (int i = 0; i < 20; ++i) {
    const Stop stop = run_code({kMovs0x2A, kNop, kNop, kLoop}, 3);
    ASSERT_EQ(stop.kind, Stop::Kind::kBreakpoint) << stop.text;
    EXPECT_EQ(stop.registers.r[0], 42u);
    EXPECT_EQ(stop.registers.r[13], ram() + ram_size());
    EXPECT_EQ(stop.registers.r[15] & ~1u, ram() + 6);
  }
}

TEST_P(CoreConformance, RunsToAnotherAddress) {
  for (const size_t until : {1, 3, 2, 3}) {
    EXPECT_EQ(run_code({kMovs0x2A, kNop, kNop, kLoop}, until).registers.r[15] & ~1u, ram() + until * 2);
  }
}

TEST_P(CoreConformance, RunsNewCodeAtAnOldAddress) {
  for (uint16_t value = 0; value < 50; ++value) {
    const Stop stop = run_code({static_cast<uint16_t>(0x2000 + value), kNop, kLoop}, 2);
    ASSERT_EQ(stop.kind, Stop::Kind::kBreakpoint) << stop.text;
    ASSERT_EQ(stop.registers.r[0], value);
  }
}

TEST_P(CoreConformance, ALoopIsATimeoutAndCanBeLeft) {
  for (int i = 0; i < 3; ++i) {
    const Stop stop = run_code({kLoop, kNop, kNop}, 2, milliseconds(100));
    EXPECT_EQ(stop.kind, Stop::Kind::kTimeout);
    EXPECT_EQ(stop.registers.r[15] & ~1u, ram());
    EXPECT_EQ(run_code({kMovs0x2A, kLoop}, 1).kind, Stop::Kind::kBreakpoint);
  }
}

// A fault whose stacking faults, and a fault in the handler of a HardFault: nothing on the board goes on from there.
TEST_P(LockupConformance, ALockupIsSeenForWhatItIs) {
  constexpr uint16_t kUndefined = 0xDE00, kPush = 0xB401;  // udf #0; push {r0}
  constexpr uint32_t kVtor = 0xE000ED08, kHandler = 0x40, kTable = 0x200;
  for (const bool stack_is_bad : {true, false}) {
    SCOPED_TRACE(stack_is_bad ? "no stack" : "bad handler");
    device().write(ram(), to_bytes(std::vector<uint16_t>{kUndefined, kLoop, kLoop}));
    device().write(ram() + kHandler, to_bytes(std::vector<uint16_t>{stack_is_bad ? kPush : kUndefined, kLoop, kLoop}));
    device().write(ram() + kTable, to_bytes(std::vector<uint32_t>(16, ram() + kHandler + 1)));
    write_word(device(), kVtor, ram() + kTable);
    Registers registers;
    registers.r[13] = stack_is_bad ? 0xDEAD0000 : ram() + ram_size();
    registers.r[14] = 0xFFFFFFFF;
    registers.r[15] = ram();
    const Stop stop = device().run(registers, ram() + 4, kLimit);
    EXPECT_EQ(stop.kind, Stop::Kind::kLockup) << name_of(stop.kind) << ": " << stop.text;
    device().reset();
    EXPECT_EQ(run_code({kMovs0x2A, kLoop}, 1).kind, Stop::Kind::kBreakpoint);
  }
}

TEST_P(CoreConformance, AResetEndsAnything) {
  run_code({kLoop, kNop}, 1, milliseconds(50));
  device().reset();
  EXPECT_EQ(run_code({kMovs0x2A, kLoop}, 1).kind, Stop::Kind::kBreakpoint);
}

TEST_P(FlashConformance, ProgramsFlashAndKeepsItsNeighbours) {
  const target::MemoryRegion& flash = peer_->board.flash();
  Bytes first(3000), second(500), back(3000);
  Random(1).fill(first);
  Random(2).fill(second);
  device().program(flash.address, first);
  device().program(flash.address + 1000, second);
  std::copy(second.begin(), second.end(), first.begin() + 1000);
  device().read(flash.address, back);
  EXPECT_EQ(back, first);
  EXPECT_THROW(device().program(ram(), first), JobError);
}

TEST_P(CoreConformance, BootsWhatWasProgrammed) {
  // Vectors, then at 64: ldr r1, [pc, #8]; movs r0, #42; str r0, [r1]; b .; the address of RAM.
  const uint32_t flash = peer_->board.flash().address;
  std::vector<uint32_t> image(16, flash + 64 + 1);
  image[0] = ram() + ram_size();
  for (const uint32_t word : {0x202A4901u, 0xE7FE6008u, ram() + 128}) image.push_back(word);
  device().program(flash, to_bytes(image));
  write_word(device(), ram() + 128, 0);
  device().reset();
  for (int i = 0; i < 100 && read_word(device(), ram() + 128) != 42; ++i) {
    const Stop stop = device().resume(milliseconds(100));
    ASSERT_EQ(stop.kind, Stop::Kind::kTimeout) << stop.text;
  }
  EXPECT_EQ(read_word(device(), ram() + 128), 42u);
}

TEST_P(ConsoleConformance, HearsWhatTheFirmwarePrints) {
  // movs r0, #4; adr r1, text; bkpt 0xab; movs r0, #24; ldr r1, code; bkpt 0xab; code: .word 0x20026; text: "hello\n"
  const std::vector<uint16_t> code = {0x2004, 0xA103, 0xBEAB, 0x2018, 0x4900, 0xBEAB, 0, 0};
  const Bytes text = to_bytes(std::vector<char>{'h', 'e', 'l', 'l', 'o', '\n', 0, 0});
  Bytes bytes = to_bytes(code);
  const uint32_t exit_reason = 0x20026;
  std::memcpy(&bytes[12], &exit_reason, 4);
  bytes.insert(bytes.end(), text.begin(), text.end());
  device().take_output();
  for (int i = 0; i < 3; ++i) {
    device().write(ram(), bytes);
    Registers registers;
    registers.r[13] = ram() + ram_size();
    registers.r[15] = ram();
    const Stop stop = device().run(registers, ram() + 0x100, kLimit);
    EXPECT_EQ(stop.kind, Stop::Kind::kExit) << stop.text;
    EXPECT_EQ(stop.exit_code, 0);
    EXPECT_EQ(device().take_output(), "hello\n");
    EXPECT_EQ(device().take_output(), "") << "told once";
    device().reset();
  }
}

std::string name_of_peer(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
  return name;
}

constexpr const char* kCores[] = {"sim:nucleo-f746zg",        "sim:nucleo-l4r5zi",     "gdb:nucleo-f746zg",
                                  "qemu:mps2-an500",          "qemu:mps2-an386",       "jtag:nucleo-f746zg",
                                  "st-link:nucleo-f746zg",    "st-link:nucleo-l4r5zi", "openocd:nucleo-f746zg",
                                  "openocd-gdb:nucleo-f746zg"};
constexpr const char* kOthers[] = {"fake", "host"};
constexpr const char* kStrict[] = {"fake",
                                   "host",
                                   "sim:nucleo-f746zg",
                                   "gdb:nucleo-f746zg",
                                   "jtag:nucleo-f746zg",
                                   "st-link:nucleo-f746zg",
                                   "openocd:nucleo-f746zg",
                                   "openocd-gdb:nucleo-f746zg"};

INSTANTIATE_TEST_SUITE_P(Cores, Conformance, testing::ValuesIn(kCores), name_of_peer);
INSTANTIATE_TEST_SUITE_P(Others, Conformance, testing::ValuesIn(kOthers), name_of_peer);
INSTANTIATE_TEST_SUITE_P(All, StrictConformance, testing::ValuesIn(kStrict), name_of_peer);
INSTANTIATE_TEST_SUITE_P(Cores, FlashConformance, testing::ValuesIn(kCores), name_of_peer);
INSTANTIATE_TEST_SUITE_P(Fake, FlashConformance, testing::Values("fake"), name_of_peer);
INSTANTIATE_TEST_SUITE_P(Cores, CoreConformance, testing::ValuesIn(kCores), name_of_peer);
INSTANTIATE_TEST_SUITE_P(All, LockupConformance,
                         testing::Values("sim:nucleo-f746zg", "sim:nucleo-l4r5zi", "gdb:nucleo-f746zg",
                                         "jtag:nucleo-f746zg", "st-link:nucleo-f746zg", "st-link:nucleo-l4r5zi",
                                         "openocd:nucleo-f746zg", "openocd-gdb:nucleo-f746zg"),
                         name_of_peer);
INSTANTIATE_TEST_SUITE_P(All, ConsoleConformance,
                         testing::Values("sim:nucleo-f746zg", "gdb:nucleo-f746zg", "jtag:nucleo-f746zg",
                                         "st-link:nucleo-f746zg", "openocd:nucleo-f746zg", "openocd-gdb:nucleo-f746zg"),
                         name_of_peer);

INSTANTIATE_TEST_SUITE_P(User, Conformance, testing::ValuesIn(users_board()), name_of_peer);
INSTANTIATE_TEST_SUITE_P(User, FlashConformance, testing::ValuesIn(users_board()), name_of_peer);
INSTANTIATE_TEST_SUITE_P(User, LockupConformance, testing::ValuesIn(users_board()), name_of_peer);
INSTANTIATE_TEST_SUITE_P(User, CoreConformance, testing::ValuesIn(users_board()), name_of_peer);

}  // namespace
}  // namespace mote::device
