#include "support/golden.h"

#include <fstream>
#include <iterator>
#include <string_view>

#include "gtest/gtest.h"
#include "support/files.h"

namespace mote::tests {

namespace {
bool update = false;
}

void expect_golden(const std::filesystem::path& path, const std::string& text) {
  if (update) {
    write_file(path, std::string_view(text));
    return;
  }
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path << " does not exist; run this test with --update";
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, golden) << path << ": if this is meant, run this test with --update and review the difference";
}

}  // namespace mote::tests

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) mote::tests::update |= std::string_view(argv[i]) == "--update";
  return RUN_ALL_TESTS();
}
