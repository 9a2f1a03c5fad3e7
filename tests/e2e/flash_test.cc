// mote flash: firmware in the flash of a virtual board, programmed through GDB, and through OpenOCD's own flash driver.
#include <fmt/format.h>

#include "device/virtual_board.h"
#include "e2e/mote.h"
#include "gmock/gmock.h"
#include "support/files.h"

namespace mote::tests {

namespace {

using testing::HasSubstr;

const char* const kBoard = "nucleo-f746zg";
const char* const kDigits = "examples/digits/digits.tflite";

std::string gdb_via(const device::VirtualBoard& board) {
  return fmt::format("gdb:127.0.0.1:{}", board.endpoint.port);
}

TEST(Flash, WhatIsFlashedIsUsedAndStays) {
  const device::VirtualBoard board = device::start_virtual_board(target::load_board(kBoard), "gdb", {});
  const std::string via = gdb_via(board), model = source_file(kDigits);
  const nlohmann::json first = json_of(run_mote({"flash", model, "--board", kBoard, "--via", via, "--json"}));
  EXPECT_EQ(first.value("was_there", true), false);
  EXPECT_EQ(first.value("stop", ""), "timeout") << "it runs";
  EXPECT_GT(first.value("bytes", 0), 20'000);

  const CommandResult run = run_mote({"run", model, "--board", kBoard, "--via", via});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("the board held this firmware already"));
  EXPECT_EQ(run.out, run_mote({"run", model, "--board", kBoard}).out) << "on a board of its own";

  const std::string other = source_file("examples/models/auto_encoder.tflite");
  const CommandResult profile = run_mote({"profile", other, "--board", kBoard, "--via", via});
  EXPECT_EQ(profile.exit_code, 0) << profile.err;
  EXPECT_THAT(profile.err, HasSubstr("the board held another firmware"));
  EXPECT_EQ(json_of(run_mote({"flash", other, "--board", kBoard, "--via", via, "--json"})).value("was_there", false),
            true);
}

TEST(Flash, ThroughOpenOcdAndItsFlashDriver) {
  if (!find_program("openocd")) GTEST_SKIP() << "openocd is not installed";
  for (const char* const where : {"nucleo-f746zg", "nucleo-l4r5zi"}) {
    const CommandResult result =
        run_mote({"flash", source_file(kDigits), "--board", where, "--via", "sim:st-link", "--watch", "0.1"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("programmed into the flash of and read back from " + std::string(where)));
    EXPECT_THAT(result.out, HasSubstr("booted, and it runs"));
  }
}

/// A firmware for the flash of a Cortex-M, from assembly, in a folder.
void build(const std::filesystem::path& elf, const std::string& code, const std::string& address = "0x08000000") {
  const std::string source = elf.string() + ".s", object = elf.string() + ".o";
  write_file(source,
             to_bytes(std::span<const char>(".syntax unified\n.cpu cortex-m4\n.thumb\n.word 0x20008000, main+1\n"
                                            ".globl main\n.type main,%function\n.thumb_func\nmain:\n" +
                                            code + "\n.ltorg\ntext: .asciz \"hello from flash\\n\"\n")));
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"arm-none-eabi-as", "-o", object, source},
        std::vector<std::string>{"arm-none-eabi-ld", "-Ttext=" + address, "-e", "main", "-o", elf.string(), object}}) {
    Command command;
    command.arguments = arguments;
    const CommandResult result = run_command(command);
    ASSERT_TRUE(result.ok()) << result.err;
  }
}

TEST(Flash, TellsWhatAFirmwarePrintsAndHowItEnds) {
  if (!find_program("openocd")) GTEST_SKIP() << "openocd is not installed";
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "build");
  const std::filesystem::path elf = folder.path() / "build" / "app.elf";
  build(elf, "movs r0, #4\nadr r1, text\nbkpt 0xab\nmovs r0, #24\nldr r1, =0x20026\nbkpt 0xab");
  for (const char* const via : {"sim", "sim:st-link"}) {
    const CommandResult result = run_mote({"flash", folder.path(), "--board", kBoard, "--via", via});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("hello from flash\nbooted, exit with code 0")) << via;
  }
  build(folder.path() / "build" / "app.elf", "ldr r0, =0xDEADBEE0\nldr r1, [r0]\nb .");
  for (const char* const via : {"sim", "sim:st-link"}) {
    const CommandResult result = run_mote({"flash", folder.path(), "--board", kBoard, "--via", via});
    EXPECT_EQ(result.exit_code, 1) << via;
    EXPECT_THAT(result.err, HasSubstr("it was booted, and ")) << via;
  }
}

TEST(Flash, RefusesWhatIsNoFirmwareForTheBoard) {
  const TemporaryFolder folder;
  const auto flash = [&](const std::string& what) { return run_mote({"flash", what, "--board", kBoard}); };
  expect_refused(flash(folder.path()), "holds no .elf file");
  expect_refused(flash(folder.path() / "none.elf"), "none.elf");
  write_file(folder.path() / "bad.elf", to_bytes(std::span<const char>(std::string("\x7f"
                                                                                   "ELF, or so it says"))));
  expect_refused(flash(folder.path() / "bad.elf"), "bad.elf");
  build(folder.path() / "ram.elf", "b .", "0x20000000");
  expect_refused(flash(folder.path() / "ram.elf"), "are not within the flash of nucleo-f746zg");
  expect_refused(flash(folder.path()), "holds several firmwares");
  expect_refused(run_mote({"flash", folder.path(), "--board", "host"}), "no flash");
}

}  // namespace

}  // namespace mote::tests
