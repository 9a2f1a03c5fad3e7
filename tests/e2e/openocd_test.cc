// Tuning through the real OpenOCD, as on hardware, ends where tuning by the shortest way ends.
#include <map>

#include "e2e/mote.h"
#include "gmock/gmock.h"
#include "support/files.h"

namespace mote::tests {

namespace {

const char* const kBoard = "nucleo-f746zg";

std::map<std::string, std::string> files_in(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files[entry.path().filename()] = read_text(entry.path());
  }
  return files;
}

TEST(OpenOcd, TuningThroughItGivesTheSameLibraryAndCycles) {
  if (!find_program("openocd")) GTEST_SKIP() << "openocd is not installed";
  const TemporaryFolder folder;
  const std::string model = source_file("examples/digits/digits.tflite");
  std::map<std::string, std::string> libraries[2];
  int64_t cycles[2] = {};
  const char* const ways[2] = {"sim", "sim:st-link"};
  for (int i = 0; i < 2; ++i) {
    const std::string records = folder.path() / ("records" + std::to_string(i));
    const std::filesystem::path place = folder.path() / std::to_string(i), library = place / "digits";
    std::filesystem::create_directory(place);
    const CommandResult tuned = run_mote({"tune", model, "--board", kBoard, "--records", records, "--trials", "24",
                                          "--seed", "5", "--via", ways[i], "--json"});
    ASSERT_EQ(tuned.exit_code, 0) << tuned.err;
    const CommandResult compiled = run_mote({"compile", model, "--board", kBoard, "--records", records, "-o", library});
    ASSERT_EQ(compiled.exit_code, 0) << compiled.err;
    libraries[i] = files_in(library);
    const nlohmann::json profile =
        json_of(run_mote({"profile", model, "--board", kBoard, "--records", records, "--via", ways[i], "--json"}));
    cycles[i] = profile.value("total_cycles", int64_t{-1});
  }
  EXPECT_FALSE(libraries[0].empty());
  EXPECT_EQ(libraries[0], libraries[1]);
  EXPECT_GT(cycles[0], 0);
  EXPECT_EQ(cycles[0], cycles[1]);
}

}  // namespace

}  // namespace mote::tests
