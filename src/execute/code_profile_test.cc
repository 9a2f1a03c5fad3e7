#include "execute/code_profile.h"

#include <gtest/gtest.h>

#include "support/error.h"

namespace mote::execute {
namespace {

TEST(CodeProfile, IsReadAsTheVirtualBoardWritesIt) {
  const CodeProfile profile = parse_code_profile(
      R"({"board": "x", "code": [{"address": "0x08000400", "executions": 3, "cycles": 4.5, "stalls": {"memory": 1.5}},
          {"address": "0x00000002", "executions": 1, "cycles": 0}]})",
      "p.json");
  ASSERT_EQ(profile.size(), 2u);
  const InsnRuns& runs = profile.at(0x08000400);
  EXPECT_EQ(runs.executions, 3u);
  EXPECT_EQ(runs.cycles, 4.5);
  ASSERT_EQ(runs.stalls.size(), 1u);
  EXPECT_EQ(runs.stalls[0].first, "memory");
  EXPECT_EQ(runs.stalls[0].second, 1.5);
  EXPECT_TRUE(profile.at(2).stalls.empty());
}

TEST(CodeProfile, OtherTextsAreRefusedByTheNameOfTheirFile) {
  for (const char* text : {"", "[]", "{}", "{\"code\": 1}", "{\"code\": [1]}",
                           R"({"code": [{"address": "0x", "executions": 1, "cycles": 1}]})",
                           R"({"code": [{"address": "8", "executions": 1, "cycles": 1}]})",
                           R"({"code": [{"address": "0x123456789", "executions": 1, "cycles": 1}]})",
                           R"({"code": [{"address": "0x8", "executions": "1", "cycles": 1}]})",
                           R"({"code": [{"address": "0x8", "executions": 1, "cycles": 1, "stalls": [1, "a"]}]})"}) {
    try {
      parse_code_profile(text, "p.json");
      FAIL() << text;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find("p.json"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace mote::execute
