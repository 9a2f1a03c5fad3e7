#include "deploy/linked_library.h"

#include <gmock/gmock.h>

#include <regex>

#include "deploy/choose.h"
#include "deploy/firmware.h"
#include "import/tflite/reader.h"
#include "support/data_dir.h"
#include "support/error.h"

namespace mote::deploy {
namespace {

class FlashBudget : public testing::Test {
 protected:
  Library make(int64_t flash_bytes, bool linked) {
    const Goal goal{Goal::Optimize::kSpeed, {}, flash_bytes};
    return linked ? make_linked_library(graph_, "model", "net", board_, choose_, goal, toolchain_)
                  : make_library(graph_, "model", "net", board_, choose_, goal);
  }
  int64_t flash_of(const Library& library) { return measure(library, board_, toolchain_).flash_bytes(); }
  std::string refusal(int64_t flash_bytes, bool linked) {
    try {
      make(flash_bytes, linked);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  }

  const target::Board board_ = target::load_board("nucleo-l4r5zi");
  toolchain::Toolchain toolchain_{board_};
  const ir::Graph graph_ = import::read_tflite(source_dir() / "examples/models/auto_encoder.tflite");
  const records::Database records_{source_dir() / "benchmarks/records.db", records::Database::Mode::kRead};
  Choose choose_ = choose_from(records_, board_);
};

TEST_F(FlashBudget, IsKeptByTheLinkedFirmwareWhereTheSumOfItsKernelsOnlyPromisedTo) {
  constexpr int64_t kBudget = 295'000;
  EXPECT_GT(flash_of(make(kBudget, false)), kBudget) << "there is nothing to correct: another budget shows it";
  const int64_t flash = flash_of(make(kBudget, true));
  EXPECT_LE(flash, kBudget);
  EXPECT_GT(flash, kBudget - 4000) << "and little is left unused";
}

TEST_F(FlashBudget, ThatNoFirmwareKeepsIsRefusedWithTheFewestBytes) {
  choose_ = [honest = choose_](const kernels::Workload& workload, const space::Space& space) {
    std::vector<Known> known = honest(workload, space);
    for (Known& config : known) config.flash_bytes = 1;  // the sizes of another compiler, or a lie
    return known;
  };
  const std::string estimated = refusal(1, false);
  std::smatch words;
  ASSERT_TRUE(std::regex_search(estimated, words, std::regex("needs ([0-9]+) bytes"))) << estimated;
  const int64_t least = std::stoll(words[1]);
  ASSERT_EQ(refusal(least, false), "accepted") << "kernels and constants fit, so it says";
  const std::string linked = refusal(least, true);
  ASSERT_TRUE(std::regex_search(linked, words, std::regex("needs ([0-9]+) bytes of flash at least, start-up code")))
      << linked;
  EXPECT_GT(std::stoll(words[1]), least);
}

}  // namespace
}  // namespace mote::deploy
