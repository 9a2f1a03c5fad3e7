// Records files and their exports on the command line.
#include <sstream>
#include <string_view>

#include "e2e/mote.h"
#include "gmock/gmock.h"
#include "support/files.h"

namespace mote::tests {

namespace {

using testing::HasSubstr;

/// One exported trial of a made-up workload.
std::string line_of(const std::string& workload, int tile, const std::string& status, int cycles) {
  const nlohmann::json line = {
      {"input", {"cortex-m7", workload, nlohmann::json::array(), nlohmann::json::object()}},
      {"config",
       {{"index", nullptr}, {"code_hash", nullptr}, {"entity", {{"tile", "ot", tile}, {"order", "ot", "ijk"}}}}},
      {"result", {{cycles}, status == "ok" ? 0 : 4, 0.5, 1700000000.25}},
      {"version", 0.2},
      {"tvm_version", "mote"},
      {"mote",
       {{"template_version", "made-up 1"},
        {"board", "a-board"},
        {"via", "sim"},
        {"compiler", "gcc 12"},
        {"flags", "-O2"},
        {"status", status},
        {"cycles", cycles},
        {"flash_bytes", 100},
        {"ram_bytes", 20},
        {"error", ""},
        {"build_seconds", 0.25},
        {"load_seconds", 0.125},
        {"run_seconds", 0.125}}}};
  return line.dump() + "\n";
}

class Records : public testing::Test {
 protected:
  Records() {
    write_file(export_, std::string_view(line_of("conv", 2, "ok", 300) + line_of("conv", 4, "ok", 200) + "\n" +
                                         line_of("conv", 8, "fault", 0) + line_of("dense", 2, "ok", 50)));
    EXPECT_EQ(json_of(run_mote({"records", "import", db_, export_, "--json"})).at("added"), 4);
  }

  TemporaryFolder folder_;
  std::string db_ = folder_.path() / "tuning.db";
  std::string export_ = folder_.path() / "in.jsonl";
};

TEST_F(Records, ListCountsTrials) {
  const nlohmann::json workloads = json_of(run_mote({"records", "list", db_, "--json"})).at("workloads");
  ASSERT_EQ(workloads.size(), 2u);
  EXPECT_EQ(workloads[0].at("workload"), "conv");
  EXPECT_EQ(workloads[0].at("trials"), 3);
  EXPECT_EQ(workloads[0].at("failed"), 1);
  EXPECT_EQ(workloads[0].at("best_cycles"), 200);
  EXPECT_THAT(run_mote({"records", "list", db_}).out, HasSubstr("conv"));
}

TEST_F(Records, BestPicksTheFastestOfWhatIsAskedFor) {
  const nlohmann::json best = json_of(run_mote({"records", "best", db_, "--workload", "conv", "--json"})).at("best");
  ASSERT_EQ(best.size(), 1u);
  EXPECT_EQ(best[0].at("knobs"), "tile=4 order=ijk");
  EXPECT_EQ(json_of(run_mote({"records", "best", db_, "--board", "other", "--json"})).at("best").size(), 0u);
}

TEST_F(Records, AnExportMadeIntoRecordsIsTheSameExport) {
  const std::string exported = run_mote({"records", "export", db_}).out;
  const std::string again = folder_.path() / "again.jsonl", copy = folder_.path() / "copy.db";
  EXPECT_EQ(run_mote({"records", "export", db_, "-o", again}).out, "");
  EXPECT_EQ(run_mote({"records", "import", copy, again}).exit_code, 0);
  EXPECT_EQ(run_mote({"records", "export", copy}).out, exported);
  EXPECT_EQ(json_of(run_mote({"records", "import", copy, again, "--json"})).at("added"), 0);
}

TEST_F(Records, MergeAddsWhatIsNew) {
  const std::string other = folder_.path() / "other.db", more = folder_.path() / "more.jsonl";
  write_file(more, std::string_view(line_of("conv", 4, "ok", 200) + line_of("conv", 16, "ok", 150)));
  EXPECT_EQ(run_mote({"records", "import", other, more}).exit_code, 0);
  const nlohmann::json merged = json_of(run_mote({"records", "merge", db_, other, "--json"}));
  EXPECT_EQ(merged.at("read"), 2);
  EXPECT_EQ(merged.at("added"), 1);
}

TEST_F(Records, PruneLeavesTheBest) {
  EXPECT_EQ(json_of(run_mote({"records", "prune", db_, "--keep", "1", "--json"})).at("removed"), 2);
  EXPECT_EQ(json_of(run_mote({"records", "best", db_, "--json"})).at("best").size(), 2u);
}

TEST_F(Records, ABadLineImportsNothing) {
  const std::string bad = folder_.path() / "bad.jsonl", none = folder_.path() / "none.db";
  write_file(bad, std::string_view(line_of("conv", 2, "ok", 300) + "{\"half\n"));
  expect_refused(run_mote({"records", "import", none, bad}), "bad.jsonl:2");
  expect_refused(run_mote({"records", "list", none}), "none.db");
}

TEST_F(Records, RefusesFilesThatAreNone) {
  const std::string text = folder_.path() / "text.db";
  write_file(text, std::string_view(std::string(3000, 'x')));
  for (const char* command : {"list", "best", "export", "prune"}) {
    expect_refused(run_mote({"records", command, text}), "text.db");
    expect_refused(run_mote({"records", command, folder_.path() / "missing.db"}), "missing.db");
    expect_refused(run_mote({"records", command, folder_.path()}), "is not a file");
  }
  expect_refused(run_mote({"records", "import", db_, folder_.path()}), "cannot be read");
  expect_refused(run_mote({"records", "export", db_, "-o", folder_.path() / "no/folder"}), "no/folder");
  expect_refused(run_mote({"records"}), "mote records --help");
}

}  // namespace

}  // namespace mote::tests
