// mote flash: firmware in the flash of a virtual board, programmed through GDB, and through OpenOCD's own flash driver.
#include <fmt/format.h>

#include <map>

#include "codegen/emit.h"
#include "device/openocd_server.h"
#include "device/virtual_board.h"
#include "e2e/mote.h"
#include "gmock/gmock.h"
#include "import/tflite/reader.h"
#include "reference/interpret.h"
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

/// A virtual board that stays on its cable from one command to the next, and how it is reached.
class Cabled {
 public:
  Cabled(const std::string& board, const std::string& cable) : board_(target::load_board(board)) {
    board_.limits.connect = std::chrono::minutes(1);
    if (cable == "gdb") {
      virtual_board_ = device::start_virtual_board(board_, "gdb", {});
      via_ = gdb_via(virtual_board_);
      return;
    }
    openocd_ = std::make_unique<device::OpenOcdServer>(
        cable == "jtag" ? device::OpenOcdAdapter::kVirtualJtag : device::OpenOcdAdapter::kVirtualStLink, board_);
    via_ = fmt::format("openocd:127.0.0.1:{}", openocd_->start().port);
  }
  const std::string& via() const { return via_; }

 private:
  target::Board board_;
  device::VirtualBoard virtual_board_;
  std::unique_ptr<device::OpenOcdServer> openocd_;
  std::string via_;
};

struct CabledBoard {
  const char *cable, *board;
  std::vector<std::string> options, more_of_compile;
};

class OverCable : public testing::TestWithParam<CabledBoard> {
 protected:
  CommandResult mote(std::vector<std::string> command, const std::string& what, bool with_options) const {
    command.insert(command.begin() + 1, {what, "--board", GetParam().board});
    if (with_options) command.insert(command.end(), GetParam().options.begin(), GetParam().options.end());
    return run_mote(command);
  }
};

/// What `mote compile` wrote, in any form, is built, booted, and then fed by the same model's run and profile.
TEST_P(OverCable, ALibrarysFolderBecomesTheFirmwareThatRunAndProfileUse) {
  if (GetParam().cable != std::string("gdb") && !find_program("openocd")) GTEST_SKIP() << "openocd is not installed";
  const TemporaryFolder folder;
  const std::string model = source_file(kDigits), library = folder.path() / "library";
  std::vector<std::string> compile = {"compile", "-o", library};
  compile.insert(compile.end(), GetParam().more_of_compile.begin(), GetParam().more_of_compile.end());
  ASSERT_EQ(mote(compile, model, true).exit_code, 0);
  const Cabled cabled(GetParam().board, GetParam().cable);
  const CommandResult flashed =
      mote({"flash", "--via", cabled.via(), "--limit", "reply=60", "--watch", "0.1"}, library, false);
  EXPECT_EQ(flashed.exit_code, 0) << flashed.err;
  EXPECT_THAT(flashed.err, HasSubstr("is a library, so a firmware was built around it"));
  EXPECT_THAT(flashed.out, HasSubstr("booted, and it runs"));
  for (const char* const command : {"run", "profile"}) {
    const CommandResult used = mote({command, "--via", cabled.via(), "--limit", "reply=60"}, model, true);
    EXPECT_EQ(used.exit_code, 0) << used.err;
    EXPECT_THAT(used.err, HasSubstr("the board held this firmware already"));
    EXPECT_EQ(used.out, mote({command}, model, true).out) << "on a board of its own";
  }
  EXPECT_THAT(mote({"run", "--via", cabled.via(), "--limit", "reply=60", "--fast-ram", "2K"}, model, false).err,
              HasSubstr("the board held another firmware: this one was programmed"));
}

INSTANTIATE_TEST_SUITE_P(Cables, OverCable,
                         testing::Values(CabledBoard{"gdb", "nucleo-f746zg", {}, {"--package", "zephyr"}},
                                         CabledBoard{"jtag", "nucleo-f746zg", {}, {"--package", "arduino"}},
                                         CabledBoard{"st_link", "nucleo-l4r5zi", {"--fast-ram", "8K"}, {}}),
                         [](const testing::TestParamInfo<CabledBoard>& info) { return info.param.cable; });

TEST(Flash, RefusesALibraryForAnotherBoard) {
  const TemporaryFolder folder;
  const std::string library = folder.path() / "library";
  ASSERT_EQ(run_mote({"compile", source_file(kDigits), "--board", "nucleo-l4r5zi", "-o", library}).exit_code, 0);
  expect_refused(run_mote({"flash", library, "--board", kBoard}), "holds a library for nucleo-l4r5zi");
}

/// With the weights as an object they lie in another order: the same library, and another image.
TEST(Flash, ALibraryWithItsWeightsAsAnObjectBootsToo) {
  const TemporaryFolder folder;
  const std::string library = folder.path() / "library";
  ASSERT_EQ(
      run_mote({"compile", source_file(kDigits), "--board", kBoard, "--weights", "object", "-o", library}).exit_code,
      0);
  const std::string via = find_program("openocd") ? "sim:jtag" : "sim";
  const CommandResult flashed = run_mote({"flash", library, "--board", kBoard, "--via", via, "--watch", "0.1"});
  EXPECT_EQ(flashed.exit_code, 0) << flashed.err;
  EXPECT_THAT(flashed.out, HasSubstr("booted, and it runs"));
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

/// What the `firmware` package prints: a line for each value of output 0, computed from the pattern its main fills in.
std::string expected_lines(const std::string& model) {
  const ir::Graph graph = import::read_tflite(model);
  const ir::Tensor &in = graph.tensor(graph.inputs[0]), &out = graph.tensor(graph.outputs[0]);
  std::vector<int8_t> input(in.size_bytes());
  for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<int8_t>(i % 17);
  const std::vector<Bytes> tensors = reference::interpret(graph, {to_bytes(input)});
  std::string lines;
  size_t i = 0;
  for (const int8_t value : to_values<int8_t>(tensors.at(static_cast<size_t>(graph.outputs[0])))) {
    lines += fmt::format("{}[{}] = {}\n", codegen::identifier(out.name), i++, value);
  }
  return lines;
}

TEST(Flash, ACompiledFirmwareBootsAndPrintsWhatTheReferenceTells) {
  const TemporaryFolder folder;
  const std::string model = source_file(kDigits), firmware = folder.path() / "firmware";
  // Plain, and with everything at once that moves code, weights and activations.
  const std::map<std::string, std::vector<std::string>> boards = {
      {"nucleo-f746zg", {}},
      {"nucleo-l4r5zi", {"--weights", "object", "--fast-ram", "16K", "--ram", "3K", "--flash", "24K"}}};
  for (const auto& [board, options] : boards) {
    std::vector<std::string> compile = {"compile", model, "--board", board, "--package", "firmware", "-o", firmware};
    compile.insert(compile.end(), options.begin(), options.end());
    const CommandResult compiled = run_mote(compile);
    ASSERT_EQ(compiled.exit_code, 0) << compiled.err;
    for (const char* const via : {"sim", "sim:st-link"}) {
      if (std::string(via) != "sim" && !find_program("openocd")) continue;
      const CommandResult result = run_mote({"flash", firmware, "--board", board, "--via", via, "--watch", "60"});
      EXPECT_EQ(result.exit_code, 0) << result.err;
      EXPECT_THAT(result.out, HasSubstr(expected_lines(model))) << board << ", " << via;
      EXPECT_THAT(result.out, HasSubstr("booted, exit with code 0")) << board << ", " << via;
    }
  }
}

/// More activations than tightly coupled memory holds: a part of them is in the main RAM, and start-up code clears
/// both.
TEST(Flash, ADividedArenaIsFlashedAsALibraryAndAsAFirmware) {
  const TemporaryFolder folder;
  const std::string model = source_file("examples/models/mobilenet_v1.tflite"), library = folder.path() / "library",
                    firmware = folder.path() / "firmware", board = "nucleo-f746zg";
  const std::vector<std::string> options = {"--board", board, "--fast-ram", "48K"};
  const auto mote = [&](std::vector<std::string> command) {
    command.insert(command.end(), options.begin(), options.end());
    return run_mote(command);
  };
  const nlohmann::json compiled = json_of(mote({"compile", model, "--json", "-o", library}));
  ASSERT_GT(compiled.at("pools").size(), 1u);
  const device::VirtualBoard kept = device::start_virtual_board(target::load_board(board), "gdb", {});
  const CommandResult flashed = run_mote({"flash", library, "--board", board, "--via", gdb_via(kept)});
  EXPECT_EQ(flashed.exit_code, 0) << flashed.err;
  const CommandResult run = mote({"run", model, "--via", gdb_via(kept)});
  EXPECT_THAT(run.err, HasSubstr("the board held this firmware already"));
  const auto values = [](const std::string& out) { return out.substr(std::min(out.find('\n'), out.size())); };
  EXPECT_EQ(values(run.out), values(run_mote({"run", model, "--board", board}).out)) << "in one memory";

  ASSERT_EQ(mote({"compile", model, "--package", "firmware", "-o", firmware}).exit_code, 0);
  const std::string via = find_program("openocd") ? "sim:st-link" : "sim";
  const CommandResult booted = run_mote({"flash", firmware, "--board", board, "--via", via, "--watch", "60"});
  EXPECT_EQ(booted.exit_code, 0) << booted.err;
  EXPECT_THAT(booted.out, HasSubstr(expected_lines(model)));
}

TEST(Flash, WithTheOptionsOfCompileIsWhatRunUses) {
  const device::VirtualBoard board = device::start_virtual_board(target::load_board(kBoard), "gdb", {});
  const std::string via = gdb_via(board), model = source_file(kDigits);
  const auto with = [&](std::vector<std::string> command, const char* optimize) {
    command.insert(command.end(), {model, "--board", kBoard, "--via", via, "--optimize", optimize});
    return run_mote(command);
  };
  EXPECT_EQ(with({"flash"}, "ram").exit_code, 0);
  EXPECT_THAT(with({"run"}, "ram").err, HasSubstr("the board held this firmware already"));
  EXPECT_THAT(with({"run"}, "speed").err, HasSubstr("the board held another firmware"));
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
