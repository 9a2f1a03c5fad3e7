#include "deploy/package.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "deploy/firmware.h"
#include "ir/random_model.h"
#include "support/files.h"
#include "support/subprocess.h"

namespace mote::deploy {
namespace {

using testing::HasSubstr;

target::Board board_of_packages() {
  return target::load_board("nucleo-f746zg");
}

Library library_for(const std::string& board) {
  return make_library(ir::random_model(2), "model.tflite", "net", target::load_board(board));
}

std::vector<File> package(const std::string& name, const std::string& board = "nucleo-f746zg") {
  return package_of(library_for(board), name, target::load_board(board), std::nullopt);
}

/// The same with the weights as an object.
std::vector<File> package_with_object(const std::string& name, const std::string& board_name) {
  const target::Board board = target::load_board(board_name);
  const Library library = library_for(board_name);
  toolchain::Toolchain toolchain(board);
  return package_of(library, name, board, std::nullopt, weights_object(library, toolchain));
}

std::string text_of(const std::vector<File>& files, const std::string& path) {
  for (const File& file : files) {
    if (file.path == path) return file.text;
  }
  ADD_FAILURE() << "there is no " << path;
  return "";
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
  ASSERT_THAT(package_names(), testing::ElementsAre("arduino", "cmake", "cmsis-pack", "cubeide", "esp-idf", "firmware",
                                                    "firmware-uart", "make", "platformio", "zephyr"));
  for (const std::string& name : package_names()) {
    SCOPED_TRACE(name);
    const std::vector<File> files = package_of(library, name, board_of_packages(), std::nullopt);
    std::set<std::string> paths;
    size_t sources = 0, examples = 0;
    for (const File& file : files) {
      EXPECT_TRUE(paths.insert(file.path).second) << file.path;
      EXPECT_THAT(file.text, testing::Not(HasSubstr("{{"))) << file.path;
      EXPECT_THAT(file.path, testing::Not(HasSubstr("{{")));
      const std::string base = std::filesystem::path(file.path).filename();
      sources += base.starts_with("net_") && base.ends_with(".c") ? 1 : 0;
      for (const char* word : {"example", "sample", "main.c"}) examples += file.path.find(word) != std::string::npos;
    }
    EXPECT_EQ(sources + 2, library.sources.size());  // and net.c, net.h
    EXPECT_GT(examples, 0u);
    EXPECT_EQ(paths.count("README.md"), 1u);
  }
  EXPECT_THROW(package_of(library, "tarball", board_of_packages(), std::nullopt), InputError);
}

TEST(Package, ItsReadmeNamesFilesThatAreThere) {
  const target::Board board = board_of_packages();
  const Library library = library_for(board.name);
  toolchain::Toolchain toolchain(board);
  const Measured measured = measure(library, board, toolchain);
  for (const std::string& name : package_names()) {
    SCOPED_TRACE(name);
    const std::vector<File> files = package_of(library, name, board, measured);
    const std::string readme = text_of(files, "README.md");
    EXPECT_THAT(readme, testing::Not(testing::ContainsRegex("\\| [0-9]+ \\|\n\n\\| [RF]"))) << "a table in two";
    std::istringstream lines(readme.substr(readme.find("## Files")));
    size_t named = 0;
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("| `") || line.find('*') != std::string::npos) continue;
      text_of(files, line.substr(3, line.find('`', 3) - 3));
      ++named;
    }
    EXPECT_GE(named, 3u);
  }
}

TEST(Package, FormsThatAreLinkedTakeWeightsAsAnObject) {
  const Library library = library_for("nucleo-f746zg");
  const File weights{"net_weights.o", "an object"};
  const std::map<std::string, std::pair<std::string, std::string>> takers = {{"cmake", {"CMakeLists.txt", "src/"}},
                                                                             {"make", {"Makefile", "src/"}},
                                                                             {"firmware", {"Makefile", "model/"}},
                                                                             {"firmware-uart", {"Makefile", "model/"}}};
  for (const std::string& name : package_names()) {
    SCOPED_TRACE(name);
    if (!takers.contains(name)) {
      EXPECT_THROW(package_of(library, name, board_of_packages(), std::nullopt, weights), InputError);
      continue;
    }
    const auto& [build_file, folder] = takers.at(name);
    const std::vector<File> files = package_of(library, name, board_of_packages(), std::nullopt, weights);
    EXPECT_EQ(text_of(files, folder + weights.path), weights.text);
    EXPECT_THAT(text_of(files, build_file), HasSubstr(folder + weights.path));
    for (const File& file : files) EXPECT_FALSE(file.path.ends_with("_data.c")) << file.path;
  }
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
    const std::vector<File> files = package_of(library, name, board_of_packages(), std::nullopt);
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
  std::vector<std::string> printed;
  for (const std::vector<File>& files : {package("make", "host"), package_with_object("make", "host")}) {
    const TemporaryFolder folder;
    write_all(folder.path(), files);
    const CommandResult built = run_in(folder.path(), {"make", "-j2", "example"});
    ASSERT_TRUE(built.ok()) << built.err.substr(0, 2000);
    const CommandResult ran = run_in(folder.path(), {(folder.path() / "net_example").string()});
    EXPECT_TRUE(ran.ok());
    EXPECT_FALSE(ran.out.empty());
    printed.push_back(ran.out);
  }
  EXPECT_EQ(printed[0], printed[1]) << "weights as arrays and as an object";
}

class CMakePackage : public testing::TestWithParam<bool> {};  // weights as an object

TEST_P(CMakePackage, BuildsInstallsAndIsFound) {
  const TemporaryFolder folder;
  write_all(folder.path() / "net", GetParam() ? package_with_object("cmake", "host") : package("cmake", "host"));
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

INSTANTIATE_TEST_SUITE_P(Weights, CMakePackage, testing::Bool());

/// Runs CMake on a package with stand-ins for the functions of its framework, which note what they are given.
void build_with_stand_ins(const std::filesystem::path& folder, const std::string& stand_ins) {
  write_file(folder / "outer/CMakeLists.txt",
             "cmake_minimum_required(VERSION 3.13)\nproject(outer C)\n" + stand_ins + "add_subdirectory(../net net)\n");
  for (const std::vector<std::string>& step : {std::vector<std::string>{"cmake", "-S", "outer", "-B", "build"},
                                               std::vector<std::string>{"cmake", "--build", "build"}}) {
    const CommandResult result = run_in(folder, step);
    ASSERT_TRUE(result.ok()) << result.out << result.err.substr(0, 2000);
  }
}

TEST(Package, EspIdfAndZephyrGiveTheirFrameworksFilesThatBuild) {
  const std::map<std::string, std::string> stand_ins = {
      {"esp-idf",
       "macro(idf_component_register)\n  cmake_parse_arguments(A \"\" \"\" \"SRCS;INCLUDE_DIRS\" ${ARGN})\n"
       "  if(A_UNPARSED_ARGUMENTS)\n    message(FATAL_ERROR \"${A_UNPARSED_ARGUMENTS}\")\n  endif()\n"
       "  add_library(component STATIC ${A_SRCS})\n  target_include_directories(component PUBLIC ${A_INCLUDE_DIRS})\n"
       "  set(COMPONENT_LIB component)\nendmacro()\n"},
      {"zephyr",
       "set(CONFIG_NET y)\nmacro(zephyr_library_named name)\n  set(lib ${name})\n  add_library(${name} "
       "STATIC)\nendmacro()\n"
       "macro(zephyr_library_sources)\n  target_sources(${lib} PRIVATE ${ARGN})\nendmacro()\n"
       "macro(zephyr_library_compile_options)\n  target_compile_options(${lib} PRIVATE ${ARGN})\nendmacro()\n"
       "macro(zephyr_include_directories)\n  target_include_directories(${lib} PRIVATE ${ARGN})\nendmacro()\n"}};
  for (const auto& [name, text] : stand_ins) {
    SCOPED_TRACE(name);
    const TemporaryFolder folder;
    std::filesystem::create_directory(folder.path() / "outer");
    write_all(folder.path() / "net", package(name, "host"));
    build_with_stand_ins(folder.path(), text);
  }
}

TEST(Package, ArduinoHasASketchThatCompiles) {
  const std::vector<File> files = package("arduino");
  const TemporaryFolder folder;
  write_all(folder.path(), files);
  write_file(folder.path() / "Arduino.h",
             std::string_view("struct Port {\n  void begin(long) {}\n  template <typename... T> void print(T...) {}\n"
                              "  template <typename... T> void println(T...) {}\n  operator bool() { return true; }\n"
                              "};\nextern Port Serial;\nvoid delay(unsigned long);\n"));
  for (const File& file : files) {
    if (!file.path.ends_with(".ino")) continue;
    const std::filesystem::path sketch = file.path;
    EXPECT_EQ(sketch.stem(), sketch.parent_path().filename()) << "a sketch is named after its folder";
    const CommandResult result = run_in(folder.path(), {"g++", "-std=c++11", "-Isrc", "-I.", "-include", "Arduino.h",
                                                        "-fsyntax-only", "-x", "c++", file.path});
    EXPECT_TRUE(result.ok()) << result.err.substr(0, 2000);
  }
}

class FirmwarePackage : public testing::TestWithParam<std::pair<std::string, std::string>> {};  // form, board

TEST_P(FirmwarePackage, IsBuiltByMakeAndByCMakeAndNeedsABoardThatBoots) {
  const auto& [form, board] = GetParam();
  EXPECT_TRUE(package_boots(form));
  EXPECT_THROW(package(form, "host"), InputError);
  const TemporaryFolder folder;
  write_all(folder.path(), package(form, board));
  const std::vector<std::vector<std::string>> steps = {
      {"make", "-j2", "CFLAGS=-Werror -Wconversion -Wpedantic"},
      {"rm", "net.elf"},
      {"cmake", "-B", "build", "-DCMAKE_TOOLCHAIN_FILE=arm-none-eabi.cmake"},
      {"cmake", "--build", "build"}};
  for (const std::vector<std::string>& step : steps) {
    const CommandResult result = run_in(folder.path(), step);
    ASSERT_TRUE(result.ok()) << step.front() << result.out << result.err.substr(0, 2000);
  }
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "net.elf"));
}

INSTANTIATE_TEST_SUITE_P(Forms, FirmwarePackage,
                         testing::Values(std::pair{"firmware", "nucleo-f746zg"},
                                         std::pair{"firmware-uart", "nucleo-l4r5zi"}));

TEST(Package, AFirmwareThatPrintsOnAUartNeedsABoardWithOne) {
  try {
    package("firmware-uart", "nrf52840-dk");
    ADD_FAILURE() << "accepted";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("nrf52840-dk.toml: says nothing about [console]"));
  }
}

}  // namespace
}  // namespace mote::deploy
