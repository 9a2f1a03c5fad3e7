#include "deploy/placement.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "deploy/firmware.h"
#include "deploy/library.h"
#include "ir/build.h"
#include "support/error.h"
#include "support/files.h"
#include "target/fast_memory.h"

namespace mote::deploy {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Two convolutions, the second with as much to do as the first and far larger weights, and a dense layer.
ir::Graph model() {
  ir::GraphBuilder builder("net", 1);
  const ir::TensorId x = builder.input({1, 12, 12, 8});
  const ir::TensorId hot = builder.conv_2d(x, 16, {3, 3});
  const ir::TensorId wide = builder.conv_2d(hot, 48, {1, 1});
  builder.output(builder.dense(wide, 10));
  return builder.finish();
}

class Placing : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    static const TemporaryFolder objects;  // the tests compile the same sources again and again
    board_ = target::load_board(GetParam());
    try {
      toolchain_.emplace(board_, toolchain::Compiler::kGcc, objects.path());
    } catch (const JobError& missing) {
      GTEST_SKIP() << missing.what();
    }
    library_ = make_library(model(), "net.tflite", "net", board_);
  }
  uint32_t address_of(const toolchain::Image& image, const std::string& symbol) const {
    const toolchain::Symbol* const found = image.find(symbol);
    EXPECT_NE(found, nullptr) << symbol;
    return found == nullptr ? 0 : found->address();
  }
  bool holds(const target::FastMemory& memory, uint32_t address) const {
    return memory.region != nullptr && address - memory.address < memory.size();
  }

  target::Board board_;
  std::optional<toolchain::Toolchain> toolchain_;
  Library library_;
};

TEST_P(Placing, KeepsTheBudgetAndSavesMoreWithMore) {
  uint64_t saved = 0;
  for (const int64_t budget : {0, 1000, 3000, 10'000, 1'000'000}) {
    SCOPED_TRACE(budget);
    const Placement placement = place(library_, board_, *toolchain_, budget);
    EXPECT_LE(placement.code_bytes() + placement.data_bytes(), budget);
    EXPECT_LT(placement.code_bytes(), target::fast_code_memory(board_).size());
    EXPECT_GE(saved_by(placement), saved);
    saved = saved_by(placement);
  }
  EXPECT_GT(saved, 0u);
}

TEST_P(Placing, PutsSectionsWhereItSaysAndCountsThemTwice) {
  const toolchain::Sizes before = build_firmware(library_, board_, *toolchain_, FirmwareKind::kPlain).sizes;
  EXPECT_EQ(before.copied, 0u);
  library_.placement = place(library_, board_, *toolchain_, 1'000'000);
  const Placement& placement = library_.placement;
  ASSERT_THAT(placement.code, Not(IsEmpty()));
  ASSERT_THAT(placement.data, Not(IsEmpty()));
  const toolchain::Image image = build_firmware(library_, board_, *toolchain_, FirmwareKind::kPlain);

  const target::FastMemory code = target::fast_code_memory(board_), data = target::fast_data_memory(board_);
  for (size_t i = 0; i < library_.network.kernels.size(); ++i) {
    if (!library_.network.kernels[i]) continue;
    const std::string name = library_.network.kernels[i]->program.name;
    const auto is_it = [&](const Copy& copy) { return copy.index == i; };
    EXPECT_EQ(holds(code, address_of(image, name)), std::ranges::any_of(placement.code, is_it)) << name;
    for (const toolchain::Symbol& symbol : image.symbols) {
      if (!symbol.name.starts_with(name + "_") || symbol.name.starts_with("__")) continue;
      const bool fast = std::ranges::any_of(symbol.function ? placement.code : placement.data, is_it);
      EXPECT_EQ(holds(symbol.function ? code : data, symbol.address()), fast) << symbol.name;
    }
  }
  EXPECT_EQ(holds(data, address_of(image, "net_arena")), placement.arena || data.region == &board_.ram());
  EXPECT_EQ(address_of(image, "mote_vectors"), board_.flash().address);
  for (const toolchain::Segment& segment : image.segments) {
    if (segment.bytes.empty()) continue;
    EXPECT_TRUE(board_.flash().contains(segment.load_address, segment.bytes.size())) << segment.load_address;
  }
  const uint32_t copies = placement.code_bytes() + placement.data_bytes();
  EXPECT_GE(image.sizes.copied, copies);
  EXPECT_LE(image.sizes.copied, copies + 512) << "padding, and what calls from there to flash need";
  EXPECT_EQ(image.sizes.ram(), before.ram() + image.sizes.copied);
}

INSTANTIATE_TEST_SUITE_P(Boards, Placing, testing::Values("nucleo-f746zg", "nucleo-l4r5zi"),
                         [](const testing::TestParamInfo<const char*>& info) {
                           return std::string(info.param) == "nucleo-f746zg" ? "CortexM7" : "CortexM4";
                         });

// mps2: memory as fast as the core. stm32f4: no memory to fetch code from but flash and the data's own RAM.
TEST(Place, TakesNothingWhereNothingIsFaster) {
  for (const auto& [name, data] :
       std::vector<std::pair<const char*, bool>>{{"mps2-an386", false}, {"stm32f4-discovery", true}}) {
    const target::Board board = target::load_board(name);
    std::optional<toolchain::Toolchain> toolchain;
    try {
      toolchain.emplace(board);
    } catch (const JobError& missing) {
      GTEST_SKIP() << missing.what();
    }
    const Placement placement = place(make_library(model(), "m.tflite", "net", board), board, *toolchain, 1'000'000);
    EXPECT_THAT(placement.code, IsEmpty()) << name;
    EXPECT_EQ(!placement.data.empty(), data) << name;
    EXPECT_FALSE(placement.arena);
  }
}

TEST(LinkerFragments, SayWhatGoesWhereAndHow) {
  Placement placement;
  EXPECT_THAT(linker_fragments(placement, "net"), IsEmpty());
  placement.code_memory = "itcm";
  placement.data_memory = "dtcm";
  placement.code = {{0, "net_00_conv_2d", 900, 1}, {2, "net_02_dense", 100, 1}};
  const std::vector<File> files = linker_fragments(placement, "net");
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files.front().path, "net_fast_code.ld");
  EXPECT_EQ(files.front().text,
            "/* Code of net that a copy in itcm makes faster; without one all works, from flash.\n"
            " * Compile with -ffunction-sections -fdata-sections, put this into the linker script\n"
            " * before .text and .rodata, with the names that your memories have,\n"
            " *     .fast_code : { INCLUDE net_fast_code.ld } > itcm AT> FLASH\n"
            " * and copy that section at start-up as .data is copied. */\n"
            "*(.text.net_00_conv_2d .text.net_00_conv_2d_*)\n"
            "*(.text.net_02_dense .text.net_02_dense_*)\n");
}

}  // namespace
}  // namespace mote::deploy
