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
  // Operators go by their numbers, whoever's code they use.
  const CommandResult by_number = run_mote({"annotate", library, "--board", "nucleo-f746zg", "--operator", "1"});
  EXPECT_EQ(by_number.exit_code, 0) << by_number.err;
  EXPECT_NE(by_number.out.find("digits_01_conv_2d: "), std::string::npos);
  EXPECT_EQ(by_number.out.find("digits_02_"), std::string::npos);
  expect_refused(run_mote({"annotate", library, "--board", "nucleo-f746zg", "--operator", "77"}), "no operator 77");
  expect_refused(run_mote({"annotate", library, "--board", "nucleo-f746zg", "--operator", "1", "--run"}), "--run");
  expect_refused(run_mote({"annotate", folder.path(), "--board", "nucleo-f746zg", "--function", "f"}), "no library");
}

/// Every instruction of every function in what --json printed.
std::vector<nlohmann::json> instructions_of(const nlohmann::json& document) {
  std::vector<nlohmann::json> lines;
  for (const nlohmann::json& function : document.at("functions")) {
    for (const nlohmann::json& block : function.at("blocks")) {
      lines.insert(lines.end(), block.at("instructions").begin(), block.at("instructions").end());
    }
  }
  return lines;
}

TEST(Annotate, SaysWhatARunOfTheModelHasShown) {
  if (!find_program("arm-none-eabi-gcc")) GTEST_SKIP() << "no arm-none-eabi-gcc";
  const std::vector<std::string> command = {"annotate", kModel, "--board", "nucleo-f746zg", "--operator", "1", "--run"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), command.begin(), command.end());
    return more;
  };
  const CommandResult text = run_mote(command);
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("measured: "), std::string::npos);
  EXPECT_NE(text.out.find(" x "), std::string::npos);

  const nlohmann::json zero_wait = json_of(run_mote(with({"--json"})));
  const nlohmann::json flash = json_of(run_mote(with({"--json", "--memory", "flash"})));
  double total = 0, memory = 0, mispredict = 0;
  for (const nlohmann::json& function : zero_wait.at("functions")) {
    total += function.at("measured").at("cycles").get<double>();
  }
  for (const nlohmann::json& line : instructions_of(zero_wait)) {
    if (!line.contains("measured")) continue;
    total -= line.at("measured").at("cycles").get<double>();
    mispredict += line.at("measured").at("stalls").value("mispredict", 0.0);
    EXPECT_GE(line.at("measured").at("executions"), 1);
  }
  for (const nlohmann::json& line : instructions_of(flash)) {
    if (line.contains("measured")) memory += line.at("measured").at("stalls").value("memory", 0.0);
  }
  expect_refused(
      run_mote({"annotate", kModel, "--board", "nrf52840-dk", "--operator", "1", "--run", "--memory", "flash"}),
      "no figures for the flash memory profile");
  EXPECT_NEAR(total, 0, 1e-6) << "the function's cycles are those of its instructions";
  EXPECT_GT(mispredict, 0) << "loops end some time";
  EXPECT_GT(memory, 0) << "the weights are in flash";
}

// Hand-written assembly: a function that does not say how long it is, and a label that does not say it is a function.
TEST(Annotate, ShowsWhatARunOfAssemblyHasShown) {
  if (!find_program("arm-none-eabi-gcc")) GTEST_SKIP() << "no arm-none-eabi-gcc";
  const TemporaryFolder folder;
  const std::string source = folder.path() / "f.S", elf = folder.path() / "f.elf", profile = folder.path() / "f.json";
  write_file(source, std::string_view(R"(
    .syntax unified
    .cpu cortex-m4
    .thumb
    .word 0x20001000, start + 1
    .thumb_func
  start: movs r0, #7
    bl count
    bl plain
    movs r0, #0x18
    ldr r1, =0x20026
    bkpt 0xab
    .ltorg
    .thumb_func
  count: subs r0, #1
    bne count
    bx lr
    .thumb_func
  last: nop
  plain: mov r2, sp
    ldr r1, [r2, #-4]
    adds r1, #1
    bx lr
)"));
  Command compile;
  compile.arguments = {"arm-none-eabi-gcc",
                       "-mcpu=cortex-m4",
                       "-mthumb",
                       "-nostdlib",
                       "-Wl,-Ttext=0x08000000,-e,start",
                       source,
                       "-o",
                       elf};
  ASSERT_TRUE(run_command(compile).ok());
  const std::vector<std::string> command = {"annotate", elf,          "--board", "nucleo-l4r5zi", "--function",
                                            "count",    "--function", "plain",   "--json"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), command.begin(), command.end());
    return more;
  };
  const nlohmann::json run = json_of(run_mote(with({"--run"})));
  const std::vector<nlohmann::json> lines = instructions_of(run);
  ASSERT_EQ(lines.size(), 7u) << "count ends where last begins";
  EXPECT_EQ(run.at("functions")[0].at("bytes"), 6);
  EXPECT_EQ(lines[0].at("measured").at("executions"), 7);
  EXPECT_EQ(lines[1].at("measured").at("cycles"), 7 + 6) << "a taken branch takes another cycle";
  EXPECT_EQ(lines[5].at("measured").at("stalls").at("dependency"), 1) << "the user of the load";

  Command board;
  board.arguments = {find_own_program("mote-board").value_or("mote-board"),
                     "--board",
                     "nucleo-l4r5zi",
                     "--elf",
                     elf,
                     "--profile",
                     profile};
  ASSERT_TRUE(run_command(board).ok());
  EXPECT_EQ(json_of(run_mote(with({"--profile", profile}))), run);
  write_file(profile, std::string_view("{\"code\": 1}"));
  expect_refused(run_mote(with({"--profile", profile})), "f.json");
  expect_refused(run_mote({"annotate", kModel, "--board", "nucleo-l4r5zi", "--operator", "1", "--profile", profile}),
                 "--profile");
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
