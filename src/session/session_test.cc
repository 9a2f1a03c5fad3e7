#include "session/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "device/test_peers.h"
#include "support/random.h"

namespace mote::session {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

/// Everything a session does, over every kind of connection that can be had here.
class AnySession : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    device::PeerResult result = device::start_peer(GetParam());
    if (!result.peer) GTEST_SKIP() << result.missing;
    peer_.emplace(std::move(*result.peer));
    toolchain_.emplace(peer_->board);
    session_.emplace(*peer_->device, peer_->board, *toolchain_);
  }
  bool cortex_m() const { return peer_->board.target.cortex_m(); }
  toolchain::Object compile(const std::string& text) {
    const toolchain::CompileResult result = toolchain_->compile({"kernel.c", text}, {"-O2", "-g1", "-fno-builtin"});
    EXPECT_TRUE(result.ok()) << result.messages;
    return result.object.value_or(toolchain::Object());
  }
  Module load(const std::string& text) {
    LoadResult result = session_->load({compile(text)});
    if (const LoadFailure* failure = std::get_if<LoadFailure>(&result)) throw JobError(failure->text);
    return std::move(std::get<Module>(result));
  }
  /// Calls `f` of a module made of `text`, which must fail, and shows that the session goes on.
  Fault fault_of(const std::string& text, milliseconds limit = milliseconds(60'000)) {
    const uint64_t generation = session_->generation();
    CallResult result;
    {
      const Module bad = load(text);
      result = session_->call(bad, "f", {1}, 1, limit);
    }
    EXPECT_FALSE(result.ok());
    EXPECT_GT(session_->generation(), generation);
    expect_working();
    return result.fault.value_or(Fault());
  }
  void expect_working() {
    const Module good = load("void g(int* a) { *a = 42; }");
    const uint32_t word = session_->allocate(4);
    const CallResult result = session_->call(good, "g", {word});
    EXPECT_TRUE(result.ok()) << result.fault->text();
    EXPECT_EQ(to_values<uint32_t>(session_->read(word, 4))[0], 42u);
    session_->free(word);
  }

  std::optional<device::Peer> peer_;
  std::optional<toolchain::Toolchain> toolchain_;
  std::optional<Session> session_;
};

TEST_P(AnySession, PassesEightArguments) {
  const Module module = load(
      "#include <stdint.h>\nvoid f(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e, uintptr_t g, "
      "uintptr_t h, uint32_t* out) {\n"
      "  out[0] = a; out[1] = b; out[2] = c; out[3] = d; out[4] = e; out[5] = g; out[6] = h; }");
  const uint32_t out = session_->allocate(28);
  ASSERT_TRUE(session_->call(module, "f", {1, 2, 3, 4, 5, 6, 7, out}).ok());
  EXPECT_EQ(to_values<uint32_t>(session_->read(out, 28)), (std::vector<uint32_t>{1, 2, 3, 4, 5, 6, 7}));
}

TEST_P(AnySession, ModulesHaveConstantsAndVariables) {
  const Module module = load(
      "static const int table[4] = {10, 20, 30, 40}; static int calls = 7; static int zero[8];\n"
      "void f(int* out) { out[0] = table[2]; out[1] = ++calls; out[2] = ++zero[5]; }");
  const uint32_t out = session_->allocate(12);
  ASSERT_TRUE(session_->call(module, "f", {out}, 5).ok());
  EXPECT_EQ(to_values<int32_t>(session_->read(out, 12)), (std::vector<int32_t>{30, 12, 5}));
}

TEST_P(AnySession, CyclesGrowWithWork) {
  const Module module = load("void f(int n) { for (volatile int i = 0; i < n; ++i); }");
  const CallResult small = session_->call(module, "f", {10'000}, 3), large = session_->call(module, "f", {200'000}, 3);
  ASSERT_TRUE(small.ok() && large.ok());
  EXPECT_GT(small.least, 1000u);
  EXPECT_GT(large.least, 4 * small.least);
  EXPECT_LE(large.least, large.most);
  EXPECT_GE(large.cycles, 3 * large.least);
  EXPECT_LE(large.cycles, 3 * large.most);
}

TEST_P(AnySession, LazyCallsRunInOrder) {
  const Module module = load("void f(unsigned* sum, unsigned value) { *sum = *sum * 31 + value; }");
  const uint32_t sum = session_->allocate(4);
  session_->fill(sum, 4, std::byte{0});
  uint32_t expected = 0;
  constexpr uint32_t kCalls = 10'000;
  for (uint32_t i = 0; i < kCalls; ++i) {
    session_->enqueue({module.address_of("f"), {sum, i}, 1});
    expected = expected * 31 + i;
  }
  EXPECT_EQ(to_values<uint32_t>(session_->read(sum, 4))[0], expected);
  const std::vector<CallResult> results = session_->sync();
  EXPECT_EQ(results.size(), kCalls);
  EXPECT_TRUE(std::all_of(results.begin(), results.end(), [](const CallResult& r) { return r.ok(); }));
  EXPECT_TRUE(session_->sync().empty());
}

TEST_P(AnySession, RandomBytesAreTheHosts) {
  for (const uint32_t size : {1u, 7u, 1000u}) {
    const uint32_t address = session_->allocate(size, 1);
    session_->fill_random(address, size, 0x123456789ABCDEFu + size);
    Bytes expected(size);
    Random(0x123456789ABCDEFu + size).fill(expected);
    EXPECT_EQ(session_->read(address, size), expected);
    session_->free(address);
  }
}

TEST_P(AnySession, TransfersOfEverySizeAndAlignment) {
  const uint32_t base = session_->allocate(5000);
  const uint64_t seed = 3;
  Random random(seed);
  Bytes mirror(5000);
  session_->write(base, mirror);
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << " round " << round);
    const uint32_t at = static_cast<uint32_t>(random.below(4999)),
                   size = static_cast<uint32_t>(random.below(5000 - at)) + 1;
    Bytes bytes(round % 3 == 0 ? 1 : size);
    random.fill(bytes);
    session_->write(base + at, bytes);
    std::copy(bytes.begin(), bytes.end(), mirror.begin() + at);
    const uint32_t from = static_cast<uint32_t>(random.below(4999));
    const Bytes got = session_->read(base + from, 5000 - from);
    ASSERT_TRUE(std::equal(got.begin(), got.end(), mirror.begin() + from));
  }
}

TEST_P(AnySession, TheLargestFreeBlockIsUsable) {
  const uint32_t size = session_->largest_free();
  EXPECT_GT(size, 60'000u);
  const uint32_t address = session_->allocate(size);
  EXPECT_THROW(session_->allocate(size), JobError);
  Bytes bytes(size);
  Random(5).fill(bytes);
  session_->write(address, bytes);
  EXPECT_EQ(session_->read(address, size), bytes);
  session_->free(address);
  expect_working();
}

// Modules of all sizes, loaded and dropped: each keeps its code, its constants and its variables.
TEST_P(AnySession, ModulesDoNotDisturbEachOther) {
  const uint64_t seed = 11;
  Random random(seed);
  const uint32_t out = session_->allocate(4);
  std::vector<std::pair<uint32_t, Module>> loaded;
  for (uint32_t i = 0; i < 12; ++i) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << " module " << i);
    const uint64_t words = 1 + random.below(600);
    std::string table;
    for (uint64_t k = 0; k < words; ++k) table += std::to_string(i * 1000 + k) + ", ";
    loaded.emplace_back(i * 1000 + words - 1,
                        load("static const int table[" + std::to_string(words) + "] = {" + table +
                             "}; static int at = " + std::to_string(words - 1) +
                             "; void f(volatile int* out) { *out = ((volatile const int*)table)[at]; }"));
    if (random.below(3) == 0) loaded.erase(loaded.begin() + static_cast<ptrdiff_t>(random.below(loaded.size())));
    for (const auto& [expected, module] : loaded) {
      const CallResult result = session_->call(module, "f", {out});
      ASSERT_TRUE(result.ok()) << result.fault->text();
      ASSERT_EQ(to_values<uint32_t>(session_->read(out, 4))[0], expected);
    }
  }
}

TEST_P(AnySession, CodeIsReloadedAtTheSameAddress) {
  const uint32_t out = session_->allocate(4);
  uint32_t address = 0;
  for (uint32_t i = 0; i < 20; ++i) {
    const Module module = load("void f(unsigned* out) { *out = " + std::to_string(i * 1000) + "; }");
    if (i > 0) {
      EXPECT_EQ(module.address_of("f"), address);
    }
    address = module.address_of("f");
    ASSERT_TRUE(session_->call(module, "f", {out}).ok());
    EXPECT_EQ(to_values<uint32_t>(session_->read(out, 4))[0], i * 1000);
  }
}

TEST_P(AnySession, LargeCodeIsReloadedAcrossRegions) {
  const uint32_t out = session_->allocate(4);
  for (uint32_t i = 1; i < 6; ++i) {
    // Both ends of 24 KiB of code, which on some boards lie in different memories, are called.
    const std::string value = std::to_string(i);
    const std::string padding =
        "__attribute__((naked)) void PAD(void) { __asm volatile(\".rept 6000\\n nop\\n nop\\n .endr\"); }\n";
    const Module module =
        load("__attribute__((noinline)) unsigned first(unsigned a) { return a * 10 + " + value + "; }\n" + padding +
             "__attribute__((noinline)) unsigned last(unsigned a) { return a * 10 + " + value +
             "; }\n"
             "void f(unsigned* out) { *out = last(first(" +
             value + ")); }");
    const CallResult result = session_->call(module, "f", {out});
    ASSERT_TRUE(result.ok()) << result.fault->text();
    EXPECT_EQ(to_values<uint32_t>(session_->read(out, 4))[0], i * 111);
  }
}

TEST_P(AnySession, AModuleMayBeTooLargeOrIncomplete) {
  const uint32_t size = session_->largest_free() + 4096;
  const LoadResult large =
      session_->load({compile("char big[" + std::to_string(size) + "]; void f(void) { big[0] = 1; }")});
  ASSERT_TRUE(std::holds_alternative<LoadFailure>(large));
  EXPECT_EQ(std::get<LoadFailure>(large).kind, LoadFailure::Kind::kTooLarge);
  const LoadResult incomplete = session_->load({compile("void missing(void); void f(void) { missing(); }")});
  ASSERT_TRUE(std::holds_alternative<LoadFailure>(incomplete));
  EXPECT_EQ(std::get<LoadFailure>(incomplete).kind, LoadFailure::Kind::kLink);
  EXPECT_THAT(std::get<LoadFailure>(incomplete).text, HasSubstr("missing"));
  expect_working();
}

TEST_P(AnySession, AModuleWithoutRoomForItsTensorsIsNotLoaded) {
  const toolchain::Object object = compile("void f(void) {}");
  const uint32_t most = session_->largest_free(), shown = std::min(most, 65536u) & ~3u;
  // The upper end of free memory, where a module that is loaded lies on most boards, holds a pattern.
  const uint32_t address = session_->allocate(most), pattern = address + (most - shown);
  session_->fill(pattern, shown, std::byte{0x5a});
  session_->free(address);
  const LoadResult none = session_->load({object}, std::vector<uint32_t>(64, most));
  ASSERT_TRUE(std::holds_alternative<LoadFailure>(none));
  EXPECT_EQ(std::get<LoadFailure>(none).kind, LoadFailure::Kind::kTooLarge);
  EXPECT_THAT(std::get<LoadFailure>(none).text, HasSubstr("no room for " + std::to_string(most)));
  EXPECT_EQ(session_->largest_free(), most);
  EXPECT_EQ(session_->read(pattern, shown), Bytes(shown, std::byte{0x5a}));

  const LoadResult loaded = session_->load({object}, {64, most / 2});
  ASSERT_TRUE(std::holds_alternative<Module>(loaded));
  const uint32_t small = session_->allocate(64);
  session_->free(session_->allocate(most / 2));
  session_->free(small);
}

TEST_P(AnySession, LibraryFunctionsAreThere) {
  const Module module = load(
      "#include <string.h>\nvoid f(char* to, const char* from, unsigned n) { memset(to, 1, n); memcpy(to + 1, from, n "
      "- 1); }");
  const uint32_t from = session_->allocate(100), to = session_->allocate(100);
  session_->fill_random(from, 100, 9);
  ASSERT_TRUE(session_->call(module, "f", {to, from, 100}).ok());
  const Bytes a = session_->read(from, 100), b = session_->read(to, 100);
  EXPECT_EQ(b[0], std::byte{1});
  EXPECT_TRUE(std::equal(b.begin() + 1, b.end(), a.begin()));
}

TEST_P(AnySession, AHangIsATimeout) {
  const char* const kHang = "void f(int a) {\n  while (a) __asm volatile(\"\");\n}";
  Fault fault = fault_of(kHang, milliseconds(300));
  EXPECT_EQ(fault.kind, Fault::Kind::kTimeout) << fault.text();
  if (fault.function.find("f+") == std::string::npos)
    fault = fault_of(kHang, milliseconds(10'000));  // had no time to begin
  if (cortex_m()) {
    EXPECT_THAT(fault.function, HasSubstr("f+"));
    EXPECT_THAT(fault.source_line, HasSubstr("kernel.c:2"));
  }
}

TEST_P(AnySession, ABadStoreIsAFault) {
  // Nothing is at this address on any of the boards, nor on the host.
  const Fault fault = fault_of("void f(int a) {\n  *(volatile int*)0xDEADBEE0 = a;\n}");
  EXPECT_THAT(fault.function, HasSubstr("f+")) << fault.text();
  EXPECT_THAT(fault.source_line, HasSubstr("kernel.c:2"));
  if (cortex_m()) {
    EXPECT_EQ(fault.kind, Fault::Kind::kBusFault) << fault.text();
  }
}

TEST_P(AnySession, AJumpToNowhereIsAFault) {
  const Fault fault = fault_of("void f(int a) { ((void (*)(int))0xDEADBEE1)(a); }");
  EXPECT_NE(fault.kind, Fault::Kind::kTimeout) << fault.text();
}

TEST_P(AnySession, ADivisionByZeroIsAFault) {
  const Fault fault = fault_of("volatile int z; void f(int a) { z = a / z; }");
  EXPECT_THAT(fault.function, HasSubstr("f+")) << fault.text();
  if (cortex_m()) {
    EXPECT_EQ(fault.kind, Fault::Kind::kUsageFault) << fault.text();
    EXPECT_THAT(fault.text(), HasSubstr("division by zero"));
  }
}

TEST_P(AnySession, AnUndefinedInstructionIsAFault) {
  const Fault fault = fault_of("void f(int a) { (void)a; __builtin_trap(); }");
  EXPECT_THAT(fault.function, HasSubstr("f+")) << fault.text();
}

TEST_P(AnySession, AStackOverflowIsAFault) {
  const Fault deep = fault_of(
      "int g(int n) { volatile char pad[256]; pad[n & 255] = n; return n ? g(n + 1) + pad[3] : 0; }\n"
      "void f(int a) { g(a); }");
  EXPECT_NE(deep.kind, Fault::Kind::kTimeout) << deep.text();
  // One that goes just beyond the end, hits the guard and returns in peace.
  const std::string bytes = std::to_string(peer_->board.stack_bytes - 32);
  const Fault shallow = fault_of("void f(int a) { volatile char pad[" + bytes + "]; for (int i = 0; i < " + bytes +
                                 "; ++i) pad[i] = a; }");
  EXPECT_EQ(shallow.kind, Fault::Kind::kStackOverflow) << shallow.text();
}

TEST_P(AnySession, CallsAfterAFaultAreNotRun) {
  const Module module = load("void f(int* a) { ++*a; } void bad(void) { *(volatile int*)0xDEADBEE0 = 1; }");
  const uint32_t word = session_->allocate(4);
  session_->fill(word, 4, std::byte{0});
  session_->enqueue({module.address_of("f"), {word}, 1});
  session_->enqueue({module.address_of("bad"), {}, 1});
  session_->enqueue({module.address_of("f"), {word}, 1});
  const std::vector<CallResult> results = session_->sync();
  ASSERT_EQ(results.size(), 3u);
  EXPECT_TRUE(results[0].ok());
  ASSERT_FALSE(results[1].ok());
  EXPECT_NE(results[1].fault->kind, Fault::Kind::kNotRun);
  ASSERT_FALSE(results[2].ok());
  EXPECT_EQ(results[2].fault->kind, Fault::Kind::kNotRun);
  // The module is still there, and works.
  EXPECT_TRUE(session_->call(module, "f", {word}).ok());
}

// As while tuning: candidate after candidate, one in twenty of them machine code that hangs, jumps to nowhere, stores
// to a bad address or ends its stack. Every one is seen for what it is, and none spoils the next.
TEST_P(AnySession, AStreamOfCandidates) {
  const char* const kBad =
      "void hang(void) { for (;;) __asm volatile(\"\"); }\n"
      "void nowhere(void) { ((void (*)(void))0xDEADBEE1)(); }\n"
      "void store(void) { *(volatile int*)0xDEADBEE0 = 1; }\n"
      "int deep(int n) { volatile char pad[256]; pad[n & 255] = n; return deep(n + 1) + pad[3]; }\n"
      "void overflow(void) { deep(1); }\n";
  const char* const kKinds[] = {"hang", "nowhere", "store", "overflow"};
  const toolchain::Object good = compile("void good(int* a, int b) { *a = b * 3; }"), bad = compile(kBad);
  const int count = std::getenv("MOTE_TEST_TRIALS") ? std::atoi(std::getenv("MOTE_TEST_TRIALS")) : 80;
  const uint32_t word = session_->allocate(4);
  for (int i = 0; i < count; ++i) {
    SCOPED_TRACE(i);
    LoadResult loaded = session_->load({i % 20 == 7 ? bad : good});
    ASSERT_TRUE(std::holds_alternative<Module>(loaded));
    const Module module = std::move(std::get<Module>(loaded));
    if (i % 20 == 7) {
      const std::string kind = kKinds[i / 20 % 4];
      const milliseconds limit(kind == "hang" ? 250 : 60'000);  // only a hang takes as long as it may
      const CallResult result = session_->call(module, kind, {}, 1, limit);
      ASSERT_FALSE(result.ok()) << kind;
      EXPECT_EQ(result.fault->kind == Fault::Kind::kTimeout, kind == "hang") << result.fault->text();
    } else {
      const CallResult result = session_->call(module, "good", {word, static_cast<uint32_t>(i)}, 3);
      ASSERT_TRUE(result.ok()) << result.fault->text();
      EXPECT_EQ(to_values<int32_t>(session_->read(word, 4))[0], i * 3);
    }
  }
}

// Not over QEMU, which ends itself when its core locks up.
class DurableSession : public AnySession {};

TEST_P(DurableSession, ARunnerThatWasOverwrittenComesBack) {
  // Code is placed from the top down: what lies right above a module is the runner.
  const Fault fault = fault_of(
      "void f(int a) { (void)a; volatile char* p = (volatile char*)(__UINTPTR_TYPE__)f;\n"
      "for (int i = 512; i < 6000; ++i) p[i] = 0xFF; }",
      milliseconds(3000));
  EXPECT_FALSE(fault.text().empty());
}

TEST(Runner, BuildsForEveryShippedBoard) {
  for (const std::string& name : target::board_names()) {
    SCOPED_TRACE(name);
    const target::Board board = target::load_board(name);
    toolchain::Toolchain toolchain(board);
    Arena arena(board);
    const uint64_t before = arena.free_bytes();
    const Runner runner = build_runner(board, toolchain, arena);
    EXPECT_LT(before - arena.free_bytes(), board.stack_bytes + 8192u);
    EXPECT_EQ(runner.image.sizes.data, 0u);
    EXPECT_LT(runner.image.sizes.text, 1500u);
  }
}

std::string name_of_peer(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
  return name;
}

constexpr const char* kDurable[] = {"sim:nucleo-f746zg",     "sim:nucleo-l4r5zi",        "host",
                                    "gdb:nucleo-f746zg",     "st-link:nucleo-f746zg",    "jtag:nucleo-f746zg",
                                    "openocd:nucleo-l4r5zi", "openocd-gdb:nucleo-f746zg"};
constexpr const char* kQemu[] = {"qemu:mps2-an500", "qemu:mps2-an386"};

INSTANTIATE_TEST_SUITE_P(All, AnySession, testing::ValuesIn(kDurable), name_of_peer);
INSTANTIATE_TEST_SUITE_P(Qemu, AnySession, testing::ValuesIn(kQemu), name_of_peer);
INSTANTIATE_TEST_SUITE_P(All, DurableSession, testing::ValuesIn(kDurable), name_of_peer);

INSTANTIATE_TEST_SUITE_P(User, AnySession, testing::ValuesIn(device::users_board()), name_of_peer);
INSTANTIATE_TEST_SUITE_P(User, DurableSession, testing::ValuesIn(device::users_board()), name_of_peer);

}  // namespace
}  // namespace mote::session
