// mote bench: figures of models, and what is refused.
#include "e2e/mote.h"
#include "gmock/gmock.h"
#include "support/files.h"

namespace mote::tests {

namespace {

using testing::HasSubstr;

const char* const kDigits = "examples/digits/digits.tflite";

TEST(Bench, GivesTheFiguresOfProfileUntunedAndTuned) {
  const nlohmann::json bench = json_of(run_mote({"bench", "digits", "--board", "nucleo-f746zg", "--json"}));
  ASSERT_EQ(bench.at("results").size(), 1u);
  const nlohmann::json& result = bench.at("results").at(0);
  EXPECT_TRUE(result.at("untuned").at("bit_exact").get<bool>());
  EXPECT_TRUE(result.at("tuned").at("bit_exact").get<bool>());
  const std::string model = source_file(kDigits);
  const nlohmann::json untuned = json_of(run_mote({"profile", model, "--board", "nucleo-f746zg", "--json"}));
  const nlohmann::json tuned = json_of(run_mote(
      {"profile", model, "--board", "nucleo-f746zg", "--records", source_file("benchmarks/records.db"), "--json"}));
  EXPECT_EQ(result.at("untuned").at("cycles"), untuned.at("total_cycles"));
  EXPECT_EQ(result.at("tuned").at("cycles"), tuned.at("total_cycles"));
  EXPECT_EQ(result.at("tuned").at("flash_bytes"), tuned.at("flash_bytes"));
}

TEST(Bench, HoldsModelsAgainstPublishedFigures) {
  const CommandResult result =
      run_mote({"bench", "article_cnn", "--board", "nucleo-f746zg", "--markdown", "--operators"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("| article_cnn | mote, tuned | bit-exact |"));
  EXPECT_THAT(result.out, HasSubstr("| microTVM, tuned (2020) | hardware | 33,900,000 |"));
  EXPECT_THAT(result.out, HasSubstr("### article_cnn on cortex-m7"));
}

TEST(Bench, MemoryThatIsNotFreeCostsCycles) {
  const auto cycles = [](const char* memory) {
    const nlohmann::json document =
        json_of(run_mote({"bench", source_file(kDigits), "--board", "nucleo-l4r5zi", "--memory", memory, "--json"}));
    return document.at("results").at(0).at("untuned").at("cycles").get<int64_t>();
  };
  EXPECT_LT(cycles("zero-wait"), cycles("flash"));
}

TEST(Bench, LeavesOutModelsThatAreElsewhereAndSaysSo) {
  const TemporaryFolder empty;
  const CommandResult result = run_mote({"bench", "kws", "--models", empty.path(), "--json"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("kws is left out"));
  EXPECT_THAT(result.out, HasSubstr("mlcommons/tiny"));
}

TEST(Bench, RefusesWhatItDoesNotKnow) {
  const TemporaryFolder folder;
  expect_refused(run_mote({"bench", "no_such_model"}), "article_cnn");
  expect_refused(run_mote({"bench", "digits", "--memory", "slow"}), "zero-wait");
  const std::string suite = folder.path() / "suite.toml";
  write_file(suite, std::string_view("boards = []\n[[published]]\nby = \"x\"\non = \"y\"\nsource = \"z\"\n"
                                     "models = [\"nobody\"]\n"));
  expect_refused(run_mote({"bench", "--suite", suite}), "nobody");
  write_file(suite, std::string_view("[[model]]\nname = \"a\"\ntitle = \"b\"\nfile = \"c\"\nexternal = true\n"));
  expect_refused(run_mote({"bench", "--suite", suite}), "suite.toml:");
}

}  // namespace

}  // namespace mote::tests
