#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "docs/matrix_vector.h"
#include "support/files.h"
#include "support/random.h"

namespace mote {
namespace {

using ::testing::HasSubstr;

TEST(AddATemplate, ThePageShowsTheProgramThatIsTested) {
  const std::string file = read_text(std::filesystem::path(MOTE_EXAMPLES) / "matrix_vector.cc");
  const size_t begin = file.find("// begin\n"), end = file.find("// end\n");
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const std::string program = file.substr(begin + 9, end - begin - 9);
  EXPECT_THAT(read_text(std::filesystem::path(MOTE_DOCS) / "add-a-template.md"),
              HasSubstr("```cpp\n" + program + "```\n"));
}

TEST(AddATemplate, TheProgramTunesAMatrixVectorProduct) {
  constexpr int kRows = 48, kColumns = 32;
  Random random(1);
  Bytes weights(kRows * kColumns), x(kColumns);
  random.fill(weights);
  random.fill(x);
  std::vector<int32_t> y(kRows);
  for (int i = 0; i < kRows; ++i) {
    for (int j = 0; j < kColumns; ++j) {
      y[i] += static_cast<int8_t>(weights[i * kColumns + j]) * static_cast<int8_t>(x[j]);
    }
  }
  const TemporaryFolder folder;
  records::Database records(folder.path() / "tuning.db", records::Database::Mode::kWrite);
  const std::optional<measure::Tuned> best = tune_matrix_vector(weights, kRows, kColumns, x, to_bytes(y), &records);
  ASSERT_TRUE(best.has_value());
  const std::vector<records::Trial> trials = records.trials({});
  ASSERT_EQ(trials.size(), 20u);
  uint64_t least = UINT64_MAX;
  for (const records::Trial& trial : trials) {
    EXPECT_EQ(trial.outcome.status, records::Status::kOk) << trial.knobs << ": " << trial.outcome.error;
    least = std::min(least, trial.outcome.cycles);
  }
  EXPECT_EQ(best->cycles, least);
  EXPECT_LT(best->cycles, trials.front().outcome.cycles * 7 / 10);  // the fallback does one product at a time
  EXPECT_GE(best->config.at("rows") * best->config.at("unroll"), 4);
}

}  // namespace
}  // namespace mote
