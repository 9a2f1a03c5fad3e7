#include "demo/digit_art.h"
#include "demo/profiles.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::examples {

namespace {

using ::testing::HasSubstr;

Profile profile_of(const std::string& text) {
  const TemporaryFolder folder;
  write_file(folder.path() / "profile.json", std::string_view(text));
  return read_profile(folder.path() / "profile.json");
}

std::string document(const std::string& total, const std::string& cycles) {
  return R"({"model": "m", "board": "b", "via": "sim", "total_cycles": )" + total +
         R"(, "macs": 1200000, "ram_bytes": 5, "flash_bytes": 6, "operators": [{"index": [0, 1], "name": "x", "kind": "conv_2d",)"
         R"( "cycles": )" +
         cycles + R"(, "macs": 1200000}]})";
}

TEST(Demo, ComparesProfilesOperatorByOperator) {
  const std::string text =
      comparison(profile_of(document("3000000", "2500000")), profile_of(document("1500000", "1000000")));
  EXPECT_THAT(text, HasSubstr("0+1  conv_2d              1,200,000       2,500,000     1,000,000   2.50x"));
  EXPECT_THAT(text, HasSubstr("total                1,200,000       3,000,000     1,500,000   2.00x"));
}

TEST(Demo, RefusesWhatIsNoProfile) {
  EXPECT_THROW(profile_of("no json"), InputError);
  EXPECT_THROW(profile_of("{}"), InputError);
}

TEST(Demo, DrawsDigits) {
  Digit digit;
  for (size_t y = 4; y < 24; ++y) digit.pixels[y * kDigitSize + 14] = 255;
  const std::vector<std::string> lines = art(digit);
  ASSERT_EQ(lines.size(), 13u);
  EXPECT_EQ(lines[0], std::string(24, ' '));
  EXPECT_EQ(lines[1], std::string(12, ' ') + "@" + std::string(11, ' '));
  EXPECT_THAT(art_gallery({digit, digit, digit, digit}, {"a", "b", "c", "d"}),
              HasSubstr("a                         b"));
}

}  // namespace

}  // namespace mote::examples
