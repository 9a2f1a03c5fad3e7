#include "records/json_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "records/testing.h"
#include "support/error.h"

namespace mote::records {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(JsonLines, EveryTrialRoundTrips) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Trial trial = random_trial(random);
    trial.knobs += " order=ijk offset=-4 label=007 big=99999999999999999999";
    const std::string line = json_line(trial);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_EQ(parse_json_line(line, "x"), trial);
  }
}

TEST(JsonLines, HasAutoTvmsLayout) {
  Trial trial = ok_trial("order=ijk tile=2", 500);
  trial.outcome.build_seconds = 0.25;
  trial.outcome.run_seconds = 0.5;
  trial.time = 1'700'000'000'250;
  EXPECT_THAT(
      json_line(trial),
      StartsWith(R"({"input":["cortex-m7","w",[],{}],"config":{"index":null,"code_hash":null,)"
                 R"("entity":[["order","ot","ijk"],["tile","ot",2]]},"result":[[500,503],0,0.75,1700000000.25],)"
                 R"("version":0.2,)"));
  EXPECT_THAT(json_line(failed_trial("", Status::kWrongResult, "differs")),
              AllOf(HasSubstr(R"("entity":[])"), HasSubstr(R"("result":[[1000000000.0],5,)")));
}

TEST(JsonLines, ReadsAStreamAndNamesTheLineThatIsWrong) {
  std::stringstream good(json_line(ok_trial("a=1", 1)) + "\n\n" + json_line(ok_trial("b=1", 2)) + "\r\n");
  EXPECT_EQ(read_json_lines(good, "in").size(), 2u);
  std::stringstream bad(json_line(ok_trial("a=1", 1)) + "\n{}\n");
  try {
    read_json_lines(bad, "in.jsonl");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), StartsWith("in.jsonl:2: is no record that mote exported"));
  }
}

TEST(JsonLines, BytesThatAreNotUtf8AreReplaced) {
  Trial trial = failed_trial("a=1", Status::kBuild, "caf\xe9");
  EXPECT_EQ(parse_json_line(json_line(trial), "x").outcome.error, "caf\xef\xbf\xbd");
}

TEST(JsonLines, RefusesWhatNoTrialHolds) {
  const std::string good = json_line(ok_trial("tile=2", 500));
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string line = good;
    EXPECT_NE(line.find(from), std::string::npos) << from;
    return line.replace(line.find(from), from.size(), to);
  };
  for (const std::string& line :
       {std::string(""), std::string("[]"), std::string("7"), replaced("0.2", "0.1"), replaced("\"ok\"", "\"fine\""),
        replaced("\"cycles\":500", "\"cycles\":-1"), replaced("[500,503]", "[500,0.5]"),
        replaced("\"flash_bytes\":0", "\"flash_bytes\":4294967296"), replaced("\"board\"", "\"plank\""),
        replaced("[\"tile\",\"ot\",2]", "[\"tile\"]"), replaced("[\"tile\",\"ot\",2]", "7"),
        replaced("1700000000.0", "1e300"), good.substr(0, good.size() / 2), std::string(100000, '[')}) {
    EXPECT_THROW(parse_json_line(line, "x"), InputError) << line.substr(0, 200);
  }
}

TEST(JsonLines, MutatedLinesAreReadOrRefusedButNeverCrash) {
  const std::string good = json_line(ok_trial("tile=2 order=ijk", 500));
  const std::string alphabet = "{}[]\",:0123456789.eE-truefalsn\\";
  int refused = 0;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    Random random(seed);
    std::string line = good;
    for (uint64_t edits = random.between(1, 3); edits > 0; --edits) {
      line[random.below(line.size())] = alphabet[random.below(alphabet.size())];
    }
    try {
      parse_json_line(line, "x");
    } catch (const InputError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace mote::records
