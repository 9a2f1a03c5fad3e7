#include "support/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error.h"

namespace mote {
namespace {

namespace fs = std::filesystem;

TEST(Files, RoundTrip) {
  const TemporaryFolder folder;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{65536}, size_t{1'000'000}}) {
    Bytes bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7);
    write_file(folder.path() / "file", bytes);
    EXPECT_EQ(read_bytes(folder.path() / "file"), bytes);
  }
  write_file(folder.path() / "file", "text\n");
  EXPECT_EQ(read_text(folder.path() / "file"), "text\n");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1) << "temporary files were left behind";
}

TEST(Files, ReadsFilesThatClaimToBeEmpty) {
  EXPECT_FALSE(read_text("/proc/self/status").empty());
}

TEST(Files, ErrorsNameTheFile) {
  EXPECT_THROW(read_bytes("/no/such/file"), InputError);
  EXPECT_THROW(read_bytes("/tmp"), InputError);
  try {
    write_file("/no/such/folder/file", "x");
    FAIL() << "no exception";
  } catch (const JobError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("/no/such/folder/file: cannot be written: No such file"));
  }
}

TEST(Files, AFailedWriteLeavesTheOldFile) {
  const TemporaryFolder folder;
  fs::create_directories(folder.path() / "taken/inside");
  EXPECT_THROW(write_file(folder.path() / "taken", "x"), JobError);  // a folder cannot be replaced
  EXPECT_TRUE(fs::exists(folder.path() / "taken/inside"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(TemporaryFolder, GoesWithItsContents) {
  fs::path path;
  {
    const TemporaryFolder folder;
    path = folder.path();
    write_file(path / "file", "x");
    fs::create_directory(path / "sub");
  }
  EXPECT_FALSE(fs::exists(path));
}

}  // namespace
}  // namespace mote
