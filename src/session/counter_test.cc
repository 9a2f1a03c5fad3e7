// Every kind of cycle counter that a board file can name, on boards that have it.
#include <gtest/gtest.h>

#include "device/test_peers.h"
#include "session/session.h"
#include "support/files.h"

namespace mote::session {
namespace {

constexpr const char* kCounts = "void f(int n) { for (volatile int i = 0; i < n; ++i); }";

class Counter : public testing::Test {
 protected:
  /// The shipped board `name` with `top` before its tables and `counter` for its counter.
  std::string board_with(const std::string& name, const std::string& top, const std::string& counter) {
    std::string text = read_text(target::load_board(name).file);
    const size_t begin = text.find("[counter]"), end = text.find("\n[", begin);
    text.replace(begin, end - begin, "[counter]\n" + counter + "\n");
    text.insert(text.find("[[memory]]"), top + "\n");
    const std::filesystem::path file = folder_.path() / (name + ".toml");
    write_file(file, std::string_view(text));
    return file;
  }
  /// One call of f(n) in a session of its own.
  CallResult count(const std::string& peer, int n) {
    device::PeerResult result = device::start_peer(peer);
    if (!result.peer) {
      missing_ = result.missing;
      return {};
    }
    toolchain::Toolchain toolchain(result.peer->board);
    Session session(*result.peer->device, result.peer->board, toolchain);
    const toolchain::CompileResult object = toolchain.compile({"kernel.c", kCounts}, {"-O2"});
    EXPECT_TRUE(object.ok()) << object.messages;
    LoadResult loaded = session.load({*object.object});
    const Module module = std::move(std::get<Module>(loaded));
    const CallResult called = session.call(module, "f", {static_cast<uint32_t>(n)});
    EXPECT_TRUE(called.ok()) << called.fault->text();
    return called;
  }

  TemporaryFolder folder_;
  std::string missing_;
};

// The virtual board's two counters count the same cycles; these are more than SysTick's 24 bits hold.
TEST_F(Counter, SysTickCountsWhatTheDwtCounts) {
  constexpr int kLong = 4'500'000;
  const CallResult dwt = count("sim:nucleo-f746zg", kLong);
  if (!missing_.empty()) GTEST_SKIP() << missing_;
  const CallResult systick = count("sim:" + board_with("nucleo-f746zg", "", "kind = \"systick\""), kLong);
  EXPECT_GT(dwt.least, uint64_t{1} << 24);
  EXPECT_NEAR(static_cast<double>(systick.least), static_cast<double>(dwt.least),
              1e-4 * static_cast<double>(dwt.least));
}

TEST_F(Counter, ATickMayBeSeveralCycles) {
  const CallResult once = count("sim:nucleo-f746zg", 1000);
  if (!missing_.empty()) GTEST_SKIP() << missing_;
  const CallResult four =
      count("sim:" + board_with("nucleo-f746zg", "", "kind = \"dwt\"\nlock = true\ncycles_per_tick = 4"), 1000);
  EXPECT_EQ(four.least, 4 * once.least);
}

TEST_F(Counter, WithoutOneCallsRunAndCyclesAreNone) {
  const CallResult none = count("sim:" + board_with("nucleo-f746zg", "", "kind = \"none\""), 1000);
  if (!missing_.empty()) GTEST_SKIP() << missing_;
  EXPECT_EQ(none.cycles, 0u);
}

/// One that counts up and runs by itself, and one that counts down and is started by the board file: in C, and in
/// assembly.
struct Timer {
  const char *name, *init, *counter;
};
class MappedTimer : public Counter, public testing::WithParamInterface<Timer> {};

TEST_P(MappedTimer, CountsOnQemu) {
  const std::string peer =
      "qemu:" + board_with("mps2-an386", GetParam().init, std::string("kind = \"timer\"\n") + GetParam().counter);
  const CallResult small = count(peer, 10'000), large = count(peer, 80'000);
  if (!missing_.empty()) GTEST_SKIP() << missing_;
  EXPECT_GT(small.least, 100u);  // QEMU's time passes more slowly than a core's
  EXPECT_GT(large.least, 6 * small.least);
  EXPECT_LT(large.least, 10 * small.least);
}

INSTANTIATE_TEST_SUITE_P(
    All, MappedTimer,
    testing::Values(
        Timer{"Up", "", "address = 0x40028018"},
        Timer{"DownStartedInC",
              "init = \"\"\"\n*(volatile uint32_t*)0x40000008u = 0xFFFFFFFFu;\n"
              "*(volatile uint32_t*)0x40000004u = 0xFFFFFFFFu;\n*(volatile uint32_t*)0x40000000u = 1;\n\"\"\"",
              "address = 0x40000004\ncounts = \"down\""},
        Timer{"DownStartedInAssembly",
              "init_assembly = \"\"\"\n  ldr r0, =0x40000000  @ 100 % sure\n  mvn r1, #0\n"
              "  strd r1, r1, [r0, #4]\n  movs r1, #1\n  str r1, [r0]\n\"\"\"",
              "address = 0x40000004\ncounts = \"down\""}),
    [](const testing::TestParamInfo<Timer>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace mote::session
