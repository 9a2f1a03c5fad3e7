#include "toolchain/toolchain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "support/error.h"
#include "support/random.h"
#include "support/subprocess.h"
#include "toolchain/constants.h"

namespace mote::toolchain {
namespace {

using testing::HasSubstr;

struct Case {
  const char* board;
  Compiler compiler;
};

class AnyToolchain : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    board_ = target::load_board(GetParam().board);
    try {
      toolchain_.emplace(board_, GetParam().compiler);
    } catch (const JobError& error) {
      GTEST_SKIP() << error.what();
    }
  }
  Object compile(const std::string& text, const std::vector<std::string>& flags = {"-O2"}) {
    const CompileResult result = toolchain_->compile({"test.c", text}, flags);
    EXPECT_TRUE(result.ok()) << result.messages;
    return result.ok() ? *result.object : Object();
  }
  target::Board board_;
  std::optional<Toolchain> toolchain_;
};

constexpr const char* kKernel = R"(
const int table[100] = {1, 2, 3};
int variable = 5;
int zeroed[50];
int kernel(int i) { return table[i] + variable + zeroed[i]; }
)";

TEST_P(AnyToolchain, MeasuresSections) {
  const Sizes sizes = compile(kKernel).sizes;
  EXPECT_EQ(sizes.rodata, 400u);
  EXPECT_EQ(sizes.data, 4u);
  EXPECT_EQ(sizes.bss, 200u);
  EXPECT_GT(sizes.text, 8u);
  EXPECT_LT(sizes.text, 200u);
}

TEST_P(AnyToolchain, LinksConstantsThatNoCompilerSaw) {
  const Object code = compile(
      "extern const int table[3];\nextern const signed char odd[1];\n"
      "int kernel(int i) { return table[i] + odd[0]; }\n");
  const Bytes odd = to_bytes(std::vector<int8_t>{-7}), table = to_bytes(std::vector<int32_t>{1, -2, 1 << 20});
  const Object constants = constants_object("constants", {{"odd", 1, odd}, {"table", 4, table}}, code);
  EXPECT_EQ(constants.sizes.rodata, 16u);
  EXPECT_EQ(constants.sizes.flash(), 16u);
  const LinkResult result = toolchain_->link({code, constants}, {0x20001000, {}});
  ASSERT_TRUE(result.ok()) << result.messages;
  for (const auto& [name, bytes] : {std::pair("odd", odd), std::pair("table", table)}) {
    const Symbol* symbol = result.image->find(name);
    ASSERT_NE(symbol, nullptr) << name;
    EXPECT_EQ(symbol->size, bytes.size());
    bool found = false;
    for (const Segment& segment : result.image->segments) {
      if (symbol->value < segment.address || symbol->value + bytes.size() > segment.address + segment.bytes.size()) {
        continue;
      }
      found = std::equal(bytes.begin(), bytes.end(), segment.bytes.begin() + (symbol->value - segment.address));
    }
    EXPECT_TRUE(found) << name;
  }
  EXPECT_EQ(result.image->find("table")->value % 4, 0u);
}

TEST(Constants, ForNoMachineAreRefused) {
  EXPECT_THROW(constants_object("constants", {}, {"text.o", to_bytes(std::vector<int8_t>(100)), {}}), InputError);
}

TEST_P(AnyToolchain, LinksWhereItIsTold) {
  const Object object = compile(kKernel);
  for (const std::optional<uint32_t> data : {std::optional<uint32_t>(), std::optional<uint32_t>(0x20008000)}) {
    const LinkResult result = toolchain_->link({object}, {0x20001000, data});
    ASSERT_TRUE(result.ok()) << result.messages;
    const Symbol* kernel = result.image->find("kernel");
    ASSERT_NE(kernel, nullptr);
    EXPECT_TRUE(kernel->function);
    EXPECT_EQ(kernel->address(), 0x20001000u);
    EXPECT_EQ(kernel->value & 1, board_.target.cortex_m() ? 1u : 0u);
    EXPECT_EQ(result.image->describe(kernel->address() + 2), "kernel+0x2");
    const Symbol* variable = result.image->find("variable");
    ASSERT_NE(variable, nullptr);
    if (data) {
      EXPECT_GE(variable->address(), *data);
    }
    EXPECT_LT(variable->address(), 0x20009000u);
    bool found = false;
    for (const Segment& segment : result.image->segments) {
      const uint32_t offset = variable->address() - segment.address;
      if (variable->address() < segment.address || offset + 4 > segment.bytes.size()) continue;
      EXPECT_EQ(segment.bytes[offset], std::byte{5});
      found = true;
    }
    EXPECT_TRUE(found);
  }
}

// Not the file's own headers, which a linker likes to put before code that is not at the beginning of a page.
TEST_P(AnyToolchain, AnImageHoldsNothingBelowItsCode) {
  const LinkResult result = toolchain_->link({compile("int kernel(int a) { return a * 3; }")}, {0x20001FA0, {}});
  ASSERT_TRUE(result.ok()) << result.messages;
  ASSERT_FALSE(result.image->segments.empty());
  for (const Segment& segment : result.image->segments) EXPECT_GE(segment.address, 0x20001FA0u);
  EXPECT_EQ(result.image->find("kernel")->address(), 0x20001FA0u);
}

TEST_P(AnyToolchain, KnownSymbolsAndHelpers) {
  const Object object = compile("extern int elsewhere; long long kernel(long long a) { return a / elsewhere; }");
  const LinkResult missing = toolchain_->link({object}, {0x20001000, {}});
  EXPECT_FALSE(missing.ok());
  EXPECT_THAT(missing.messages, HasSubstr("elsewhere"));
  EXPECT_THAT(missing.messages, HasSubstr("test.c"));
  EXPECT_TRUE(toolchain_->link({object}, {0x20001000, {}}, {{"elsewhere", 0x20005000}}).ok());
}

TEST_P(AnyToolchain, ErrorsAndWarningsAreMessages) {
  const CompileResult bad = toolchain_->compile({"bad.c", "int f(void) {\n  return x;\n}\n"}, {"-O2"});
  EXPECT_FALSE(bad.ok());
  EXPECT_THAT(bad.messages, HasSubstr("bad.c:2:"));
  const CompileResult warned = toolchain_->compile({"warned.c", "int f(void) { int unused; return 1; }\n"}, {"-O2"});
  EXPECT_TRUE(warned.ok());
  EXPECT_THAT(warned.messages, HasSubstr("unused"));
}

TEST_P(AnyToolchain, FindsSourceLines) {
  const LinkResult result =
      toolchain_->link({compile("\n\nint kernel(int a) { return a * 3; }\n", {"-O2", "-g1"})}, {0x20001000, {}});
  ASSERT_TRUE(result.ok()) << result.messages;
  EXPECT_EQ(toolchain_->source_line(*result.image, result.image->find("kernel")->value), "test.c:3");
  EXPECT_EQ(toolchain_->source_line(*result.image, 0x1234), "");
}

TEST_P(AnyToolchain, TheCacheGivesTheSameObject) {
  const TemporaryFolder folder;
  Toolchain cached(board_, GetParam().compiler, folder.path() / "cache");
  const Source source{"test.c", kKernel};
  const CompileResult first = cached.compile(source, {"-O2"}), second = cached.compile(source, {"-O2"});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first.object->elf, second.object->elf);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path() / "cache"), {}), 1);
  EXPECT_NE(cached.compile(source, {"-O0"}).object->elf, first.object->elf);
}

INSTANTIATE_TEST_SUITE_P(All, AnyToolchain,
                         testing::Values(Case{"nucleo-f746zg", Compiler::kGcc}, Case{"nucleo-f746zg", Compiler::kClang},
                                         Case{"nucleo-l4r5zi", Compiler::kGcc}, Case{"nucleo-u575zi", Compiler::kClang},
                                         Case{"host", Compiler::kGcc}),
                         [](const testing::TestParamInfo<Case>& info) {
                           std::string name =
                               std::string(info.param.board) + "_" + std::string(name_of(info.param.compiler));
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Toolchain, SaysWhatToInstall) {
  target::Board board = target::load_board("nucleo-f746zg");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nowhere", 1);
  try {
    const Toolchain toolchain(board);
    ADD_FAILURE() << "no exception";
  } catch (const JobError& error) {
    EXPECT_STREQ(error.what(),
                 "arm-none-eabi-gcc not found: apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi");
  }
  ::setenv("PATH", path.c_str(), 1);
}

TEST(ObjectCache, DropsTheOldestBeyondItsLimit) {
  const TemporaryFolder folder;
  ObjectCache cache(folder.path(), 20'000);
  for (int i = 0; i < 50; ++i) cache.store(content_hash({std::to_string(i)}), Bytes(1000, std::byte(i)));
  uint64_t total = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) total += entry.file_size();
  EXPECT_LE(total, 25'000u);
  EXPECT_EQ(cache.find(content_hash({"49"})), Bytes(1000, std::byte(49)));
  EXPECT_EQ(cache.find(content_hash({"0"})), std::nullopt);
}

TEST(ObjectCache, SeesDamage) {
  const TemporaryFolder folder;
  ObjectCache cache(folder.path(), 20'000);
  cache.store("key", Bytes(1000, std::byte(1)));
  Bytes bytes = read_bytes(folder.path() / "key.o");
  bytes[500] ^= std::byte{1};
  write_file(folder.path() / "key.o", bytes);
  EXPECT_EQ(cache.find("key"), std::nullopt);
}

TEST(ContentHash, TellsPartsApart) {
  EXPECT_NE(content_hash({"ab", "c"}), content_hash({"a", "bc"}));
  EXPECT_EQ(content_hash({"ab", "c"}), content_hash({"ab", "c"}));
  EXPECT_EQ(content_hash({}).size(), 32u);
}

// Whatever is done to a program's bytes, reading it gives an image or an InputError.
TEST(ReadImage, SurvivesMutation) {
  target::Board board = target::load_board("host");
  Toolchain toolchain(board);
  const CompileResult object = toolchain.compile({"test.c", kKernel}, {"-O2"});
  ASSERT_TRUE(object.ok());
  const Bytes original = toolchain.link({*object.object}, {0x20001000, {}}).image->elf;
  const uint64_t seed = 11;
  Random random(seed);
  for (int round = 0; round < 20'000; ++round) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << " round " << round);
    Bytes bytes = original;
    // Half of the changes go to where the headers are.
    for (uint64_t n = random.below(6) + 1; n > 0; --n) {
      const size_t at = random.below(2) ? random.below(bytes.size()) : random.below(256);
      bytes[at] = static_cast<std::byte>(random.below(4) ? random.bits() : 0xFF);
    }
    if (random.below(4) == 0) bytes.resize(random.below(bytes.size()));
    try {
      read_image(bytes, "mutated");
    } catch (const InputError&) {
    }
  }
}

}  // namespace
}  // namespace mote::toolchain
