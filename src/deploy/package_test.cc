#include "deploy/package.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <set>

#include "ir/random_model.h"
#include "support/files.h"
#include "support/subprocess.h"

namespace mote::deploy {
namespace {

using testing::HasSubstr;

Library library_for(const std::string& board) {
  return make_library(ir::random_model(2), "model.tflite", "net", target::load_board(board));
}

void write_all(const std::filesystem::path& folder, const std::vector<File>& files) {
  for (const File& file : files) {
    std::filesystem::create_directories((folder / file.path).parent_path());
    write_file(folder / file.path, file.text);
  }
}

CommandResult run_in(const std::filesystem::path& folder, std::vector<std::string> arguments) {
  Command command;
  command.arguments = std::move(arguments);
  command.folder = folder;
  return run_command(command);
}

TEST(Package, EveryFormIsCompleteAndSaysNothingTwice) {
  const Library library = library_for("nucleo-f746zg");
  ASSERT_THAT(package_names(), testing::ElementsAre("arduino", "cmake", "cmsis-pack", "cubeide", "esp-idf", "make",
                                                    "platformio", "zephyr"));
  for (const std::string& name : package_names()) {
    SCOPED_TRACE(name);
    const std::vector<File> files = package_of(library, name, std::nullopt);
    std::set<std::string> paths;
    size_t sources = 0, examples = 0;
    for (const File& file : files) {
      EXPECT_TRUE(paths.insert(file.path).second) << file.path;
      EXPECT_THAT(file.text, testing::Not(HasSubstr("{{"))) << file.path;
      EXPECT_THAT(file.path, testing::Not(HasSubstr("{{")));
      const std::string base = std::filesystem::path(file.path).filename();
      sources += base.starts_with("net_") && base.ends_with(".c") ? 1 : 0;
      examples +=
          file.path.find("example") != std::string::npos || file.path.find("sample") != std::string::npos ? 1 : 0;
    }
    EXPECT_EQ(sources + 2, library.sources.size());  // and net.c, net.h
    EXPECT_GT(examples, 0u);
    EXPECT_EQ(paths.count("README.md"), 1u);
  }
  EXPECT_THROW(package_of(library, "tarball", std::nullopt), InputError);
}

/// Every .c file of the library itself, by the cross compiler, with the folder of the header in the search path.
TEST(Package, SourcesOfEveryFormCompileForTheBoard) {
  const Library library = library_for("nucleo-f746zg");
  for (const std::string& name : package_names()) {
    SCOPED_TRACE(name);
    const TemporaryFolder folder;
    std::vector<std::string> arguments{"arm-none-eabi-gcc", "-std=c99", "-O1",          "-Wall",
                                       "-Wextra",           "-Werror",  "-fsyntax-only"};
    arguments.insert(arguments.end(), library.origin.cpu_flags.begin(), library.origin.cpu_flags.end());
    const std::vector<File> files = package_of(library, name, std::nullopt);
    write_all(folder.path(), files);
    for (const File& file : files) {
      const std::filesystem::path path = file.path;
      if (path.filename() == "net.h") arguments.push_back("-I" + path.parent_path().string());
      if (path.extension() == ".c" && path.filename().string().starts_with("net")) arguments.push_back(file.path);
    }
    const CommandResult result = run_in(folder.path(), arguments);
    EXPECT_TRUE(result.ok()) << result.err.substr(0, 2000);
  }
}

TEST(Package, MakeBuildsTheLibraryAndItsExample) {
  const TemporaryFolder folder;
  write_all(folder.path(), package_of(library_for("host"), "make", std::nullopt));
  const CommandResult built = run_in(folder.path(), {"make", "-j2", "example"});
  ASSERT_TRUE(built.ok()) << built.err.substr(0, 2000);
  const CommandResult ran = run_in(folder.path(), {(folder.path() / "net_example").string()});
  EXPECT_TRUE(ran.ok());
  EXPECT_FALSE(ran.out.empty());
}

TEST(Package, CMakeBuildsInstallsAndIsFound) {
  const TemporaryFolder folder;
  write_all(folder.path() / "net", package_of(library_for("host"), "cmake", std::nullopt));
  std::filesystem::create_directory(folder.path() / "user");
  write_file(folder.path() / "user/CMakeLists.txt",
             std::string_view("cmake_minimum_required(VERSION 3.13)\nproject(user C)\nfind_package(net REQUIRED)\n"
                              "add_executable(user ../net/example/main.c)\ntarget_link_libraries(user net::net)\n"));
  const std::vector<std::vector<std::string>> steps = {
      {"cmake", "-S", "net", "-B", "build"},
      {"cmake", "--build", "build"},
      {"cmake", "--install", "build", "--prefix", "installed"},
      {"cmake", "-S", "user", "-B", "user/build", "-DCMAKE_PREFIX_PATH=" + (folder.path() / "installed").string()},
      {"cmake", "--build", "user/build"},
      {(folder.path() / "user/build/user").string()}};
  for (const std::vector<std::string>& step : steps) {
    const CommandResult result = run_in(folder.path(), step);
    ASSERT_TRUE(result.ok()) << step.front() << step.back() << result.err.substr(0, 2000);
  }
}

/// What the pack index checker asks first: the named files exist, and attributes have values of the schema.
TEST(Package, CmsisPackNamesFilesThatAreThere) {
  const std::vector<File> files = package_of(library_for("nucleo-f746zg"), "cmsis-pack", std::nullopt);
  std::set<std::string> paths;
  std::string pdsc;
  for (const File& file : files) {
    paths.insert(file.path);
    if (file.path.ends_with(".pdsc")) pdsc = file.text;
  }
  const std::set<std::string> categories{"doc", "header", "sourceC"};
  size_t named = 0;
  for (size_t at = pdsc.find("<file "); at != std::string::npos; at = pdsc.find("<file ", at + 1)) {
    const auto attribute = [&](const std::string& key) {
      const size_t begin = pdsc.find(key + "=\"", at) + key.size() + 2;
      return pdsc.substr(begin, pdsc.find('"', begin) - begin);
    };
    EXPECT_EQ(paths.count(attribute("name")), 1u) << attribute("name");
    EXPECT_EQ(categories.count(attribute("category")), 1u);
    ++named;
  }
  EXPECT_GT(named, 3u);
  for (const char* element : {"<vendor>", "<name>", "<description>", "<url>", "<license>", "<release version="}) {
    EXPECT_THAT(pdsc, HasSubstr(element));
  }
}

}  // namespace
}  // namespace mote::deploy
