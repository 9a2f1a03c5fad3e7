// mote annotate on a model's kernel and on a firmware's function.
#include <gtest/gtest.h>

#include <filesystem>

#include "e2e/mote.h"
#include "support/files.h"

namespace mote::tests {

namespace {

const std::string kModel = source_file("examples/digits/digits.tflite");

TEST(Annotate, ShowsTheKernelOfAnOperator) {
  if (!find_program("arm-none-eabi-gcc")) GTEST_SKIP() << "no arm-none-eabi-gcc";
  const CommandResult text = run_mote({"annotate", kModel, "--board", "nucleo-f746zg", "--operator", "1"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("digits_01_conv_2d"), std::string::npos);
  EXPECT_NE(text.out.find("a loop"), std::string::npos);
  EXPECT_NE(text.out.find("dependency on "), std::string::npos);

  const nlohmann::json document =
      json_of(run_mote({"annotate", kModel, "--board", "nucleo-f746zg", "--operator", "1", "--json"}));
  ASSERT_FALSE(document.at("functions").empty());
  for (const nlohmann::json& function : document.at("functions")) {
    EXPECT_TRUE(function.at("name").get<std::string>().starts_with("digits_01_")) << function.at("name");
    for (const nlohmann::json& block : function.at("blocks")) {
      double last = 0;
      for (const nlohmann::json& line : block.at("instructions")) {
        EXPECT_GE(line.at("cycle"), last);
        last = line.at("cycle");
        EXPECT_EQ(line.contains("cause"), line.at("wait") > 0);
      }
      EXPECT_GE(block.at("cycles"), last);
    }
  }
}

TEST(Annotate, AndProfileSayThatThereIsNoTimingModel) {
  if (!find_program("arm-none-eabi-gcc")) GTEST_SKIP() << "no arm-none-eabi-gcc";
  const CommandResult result = run_mote({"profile", kModel, "--board", "nucleo-u575zi"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("no timing model for cortex-m33"), std::string::npos);
  EXPECT_EQ(json_of(run_mote({"profile", kModel, "--board", "nucleo-u575zi", "--json"})).at("timing_model"), false);
  expect_refused(run_mote({"annotate", kModel, "--board", "nucleo-u575zi", "--operator", "1"}), "no timing model");
}

TEST(Annotate, ShowsAFunctionOfALibraryFolder) {
  if (!find_program("arm-none-eabi-gcc")) GTEST_SKIP() << "no arm-none-eabi-gcc";
  const TemporaryFolder folder;
  const std::string library = folder.path() / "digits";
  const CommandResult compiled =
      run_mote({"compile", kModel, "--board", "nucleo-f746zg", "--package", "make", "-o", library});
  ASSERT_EQ(compiled.exit_code, 0) << compiled.err;
  const CommandResult result =
      run_mote({"annotate", library, "--board", "nucleo-f746zg", "--function", "digits_01_conv_2d"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("digits_01_conv_2d: "), std::string::npos);
  EXPECT_NE(result.out.find("a loop"), std::string::npos);

  expect_refused(run_mote({"annotate", library, "--board", "nucleo-f746zg"}), "digits_01_conv_2d");
  expect_refused(run_mote({"annotate", library, "--board", "nucleo-f746zg", "--operator", "1"}), "not with a library");
  expect_refused(run_mote({"annotate", folder.path(), "--board", "nucleo-f746zg", "--function", "f"}), "no library");
}

TEST(Annotate, ShowsAFunctionOfAFirmware) {
  if (!find_program("arm-none-eabi-gcc")) GTEST_SKIP() << "no arm-none-eabi-gcc";
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("mote-annotate-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const std::string source = folder / "f.c", elf = folder / "f.elf";
  write_file(source,
             "int dot(const int* a, const int* b, int n) {\n  int s = 0;\n  while (n--) s += *a++ * *b++;\n"
             "  return s;\n}\n");
  Command compile;
  compile.arguments = {
      "arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-O2", "-nostdlib", "-Wl,-edot", source, "-o", elf};
  ASSERT_TRUE(run_command(compile).ok());
  const CommandResult result = run_mote({"annotate", elf, "--board", "nucleo-l4r5zi", "--function", "dot"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("dot: "), std::string::npos);
  EXPECT_NE(result.out.find("mla"), std::string::npos);
  EXPECT_NE(result.out.find("a loop"), std::string::npos);

  expect_refused(run_mote({"annotate", elf, "--board", "nucleo-l4r5zi"}), "dot");
  expect_refused(run_mote({"annotate", elf, "--board", "nucleo-l4r5zi", "--function", "dash"}), "no function dash");
  expect_refused(run_mote({"annotate", elf, "--board", "nucleo-l4r5zi", "--operator", "0"}), "--operator");
  expect_refused(run_mote({"annotate", elf, "--board", "nucleo-u575zi", "--function", "dot"}), "no timing model");
  expect_refused(run_mote({"annotate", source, "--board", "nucleo-l4r5zi", "--function", "dot"}), "f.c");
  std::filesystem::remove_all(folder);
}

TEST(Annotate, RefusesOperatorsThatAreNotThere) {
  expect_refused(run_mote({"annotate", kModel, "--board", "nucleo-f746zg", "--operator", "77"}), "no operator 77");
  expect_refused(run_mote({"annotate", kModel, "--board", "nucleo-f746zg"}), "--operator");
}

}  // namespace

}  // namespace mote::tests
