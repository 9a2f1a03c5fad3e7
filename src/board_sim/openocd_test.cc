// Debian's OpenOCD at the board's probes, with its own target scripts and flash drivers, and GDB in front of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "board_sim/elf_file.h"
#include "board_sim/firmware_test.h"
#include "support/random.h"

namespace mote::board_sim {
namespace {

using testing::HasSubstr;

struct Setup {
  const char* board;
  const char* script;
  bool st_link;
};

/// Counts in r0, and keeps the count in memory.
constexpr const char* kProgram =
    ".syntax unified\n.cpu cortex-m4\n.thumb\n.word 0x20008000, main+1\n"
    ".globl main\n.type main,%function\n.thumb_func\n"
    "main: movs r0, #0\n ldr r2, =0x20001000\n"
    "1: adds r0, #1\n nop\n str r0, [r2]\n ldr r3, [r2, #4]\n b 1b\n .ltorg\n";
// main is at 0x08000008, the loop at 0x0800000c.

/// Counts the cycles of a loop with CYCCNT and leaves them at 0x20001000.
constexpr const char* kCountingProgram =
    ".syntax unified\n.cpu cortex-m4\n.thumb\n.word 0x20008000, main+1\n"
    ".globl main, done\n.type main,%function\n.type done,%function\n.thumb_func\n"
    "main: ldr r0, =0xE000EDFC\n mov r1, #0x01000000\n str r1, [r0]\n ldr r0, =0xE0001000\n ldr r1, =0xC5ACCE55\n"
    "str r1, [r0, #0xFB0]\n movs r1, #1\n str r1, [r0]\n ldr r5, =0x20001000\n movw r4, #20000\n ldr r6, [r0, #4]\n"
    "1: ldr r1, [r5, #8]\n mla r1, r1, r4, r4\n str r1, [r5, #8]\n tst r1, #12\n beq 2f\n adds r2, r2, r1, lsl #3\n"
    "2: subs r4, #1\n bne 1b\n ldr r7, [r0, #4]\n subs r7, r6\n str r7, [r5]\n"
    ".thumb_func\ndone: b done\n .ltorg\n";

/// OpenOCD prints "at 0x0800000e r0 0x1" for [where].
constexpr const char* kWhere =
    "proc where {} {set r [get_reg {pc r0}]; return \"at [dict get $r pc] r0 [format %#x [dict get $r r0]]\"}";

CommandResult run(std::vector<std::string> arguments) {
  Command command;
  command.arguments = std::move(arguments);
  command.limit = std::chrono::seconds(120);
  return run_command(command);
}

class OpenOcd : public testing::TestWithParam<Setup> {
 protected:
  void SetUp() override {
    const std::optional<std::filesystem::path> program = find_own_program("mote-board");
    if (!has_assembler() || !find_program("openocd") || !program) GTEST_SKIP() << "no openocd";
    folder_ = std::filesystem::temp_directory_path() / fmt::format("openocd-{}", getpid());
    std::filesystem::create_directories(folder_);
    elf_ = folder_ / "a.elf";
    data_ = folder_ / "data.bin";
    ASSERT_TRUE(link(kProgram, elf_));
    std::string bytes(5000, '\0');
    Random random(3);
    for (char& c : bytes) c = static_cast<char>(random.bits());
    std::ofstream(data_, std::ios::binary) << bytes;

    const std::string option = GetParam().st_link ? "--st-link" : "--remote-bitbang";
    const std::string announcement = option.substr(2) + ": ";
    Command command;
    command.arguments = {program->string(), "--board", GetParam().board, option, "0", "--elf", elf_};
    board_.emplace(command);
    const std::optional<std::string> line = board_->wait_for_line(
        [&](const std::string& text) { return text.starts_with(announcement); }, std::chrono::seconds(20));
    ASSERT_TRUE(line) << board_->output();
    const std::string port = line->substr(announcement.size());
    adapter_ = GetParam().st_link
                   ? "adapter driver st-link; st-link vid_pid 0x0483 0x374f; st-link backend tcp " + port +
                         "; transport select dapdirect_swd"
                   : "adapter driver remote_bitbang; remote_bitbang host 127.0.0.1; remote_bitbang port " + port;
  }
  bool link(const std::string& text, const std::string& elf) const {
    const std::string source = folder_ / "a.s", object = folder_ / "a.o";
    std::ofstream(source) << text;
    return run({"arm-none-eabi-as", "-o", object, source}).ok() &&
           run({"arm-none-eabi-ld", "-Ttext=0x08000000", "-e", "0", "-o", elf, object}).ok();
  }
  void TearDown() override {
    board_.reset();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  std::vector<std::string> openocd(const std::string& ports, const std::string& commands) const {
    return {"openocd",
            "-c",
            adapter_,
            "-c",
            "bindto 127.0.0.1; tcl_port disabled; telnet_port disabled; " + ports,
            "-f",
            GetParam().script,
            "-c",
            kWhere,
            "-c",
            commands};
  }

  std::filesystem::path folder_;
  std::string elf_, data_, adapter_;
  std::optional<BackgroundProcess> board_;
};

TEST_P(OpenOcd, AttachesAndDebugs) {
  const CommandResult result = run(openocd(
      "gdb_port disabled", "init; halt; load_image " + data_ + " 0x20030000 bin; verify_image " + data_ +
                               " 0x20030000 bin; bp 0x0800000e 2 hw; resume; wait_halt 5000; echo \"[where]\"; step; "
                               "echo \"[where]\"; rbp all; resume; halt; mww 0x20000000 0x11223344; "
                               "echo \"[mdb 0x20000001 2]\"; catch {reset halt}; echo \"reset: [where]\"; shutdown"));
  const std::string& text = result.err;  // OpenOCD prints everything there
  EXPECT_THAT(text, HasSubstr("processor detected"));
  EXPECT_THAT(text, HasSubstr("8 breakpoints, 4 watchpoints"));
  EXPECT_THAT(text, HasSubstr("halted due to breakpoint, current mode: Thread"));
  EXPECT_THAT(text, HasSubstr("at 0x0800000e"));
  EXPECT_THAT(text, HasSubstr("at 0x08000010"));
  EXPECT_THAT(text, HasSubstr("0x20000001: 33 22"));
  EXPECT_THAT(text, HasSubstr("reset: at 0x08000008"));
  EXPECT_EQ(result.exit_code, 0) << text;
}

TEST_P(OpenOcd, StopsWhereMemoryIsTouched) {
  const CommandResult result =
      run(openocd("gdb_port disabled",
                  "init; catch {reset halt}; wp 0x20001000 4 w; resume; wait_halt 5000; echo \"written: [where]\"; "
                  "resume; wait_halt 5000; echo \"again: [where]\"; rwp 0x20001000; wp 0x20001006 1 r; resume; "
                  "wait_halt 5000; echo \"read: [where]\"; rwp 0x20001006; resume; echo \"runs: [catch {wait_halt "
                  "100}]\"; shutdown"));
  const std::string& text = result.err;
  EXPECT_THAT(text, HasSubstr("halted due to watchpoint"));
  EXPECT_THAT(text, HasSubstr("written: at 0x08000012 r0 0x1"));
  EXPECT_THAT(text, HasSubstr("again: at 0x08000012 r0 0x2"));
  EXPECT_THAT(text, HasSubstr("read: at 0x08000014"));
  EXPECT_THAT(text, testing::ContainsRegex("runs: -?[1-9]")) << "nothing stops it any more";
  EXPECT_EQ(result.exit_code, 0) << text;
}

TEST_P(OpenOcd, ProgramsFlashWithItsOwnDriver) {
  const CommandResult result = run(
      openocd("gdb_port disabled", "init; halt; flash write_image erase " + data_ + " 0x08010000 bin; verify_image " +
                                       data_ + " 0x08010000 bin; echo \"[mdw 0x08000000]\"; shutdown"));
  EXPECT_THAT(result.err, HasSubstr("flash size"));
  EXPECT_THAT(result.err, HasSubstr("0x08000000: 20008000")) << "another sector is left alone";
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_P(OpenOcd, GdbDebugsThroughIt) {
  if (!find_program("gdb-multiarch")) GTEST_SKIP() << "no gdb-multiarch";
  Command server;
  server.arguments = openocd("gdb_port 0", "init; halt");
  BackgroundProcess process(server);
  const std::string before = "Listening on port ", after = " for gdb connections";
  const std::optional<std::string> line = process.wait_for_line(
      [&](const std::string& text) { return text.find(before) != std::string::npos && text.ends_with(after); },
      std::chrono::seconds(20));
  ASSERT_TRUE(line) << process.output();
  const size_t begin = line->find(before) + before.size();
  std::vector<std::string> arguments = {"gdb-multiarch", "-nx", "-batch", elf_};
  for (const std::string& command :
       {std::string("set confirm off"),
        "target extended-remote 127.0.0.1:" + line->substr(begin, line->size() - after.size() - begin),
        std::string("load"), std::string("monitor reset halt"), std::string("flushregs"),
        std::string("hbreak *0x0800000e"), std::string("continue"), std::string("stepi"),
        std::string("printf \"stepped to %x, r0 %d\\n\", $pc, $r0"), std::string("delete"),
        std::string("watch *(int*)0x20001000"), std::string("continue"),
        std::string("printf \"wrote %d\\n\", *(int*)0x20001000"), std::string("compare-sections"),
        std::string("set var *(int*)0x20002000 = 77"), std::string("x/wd 0x20002000"), std::string("detach")}) {
    arguments.insert(arguments.end() - 1, {"-ex", command});
  }
  const CommandResult result = run(arguments);
  const std::string text = result.out + result.err + process.output();
  EXPECT_THAT(text, HasSubstr("stepped to 8000010, r0 1"));
  EXPECT_THAT(text, HasSubstr("wrote 1"));
  EXPECT_THAT(text, HasSubstr("Section .text, range 0x8000000 -- 0x800001c: matched"));
  EXPECT_THAT(text, HasSubstr("77"));
}

// What a program counts does not depend on who started it, nor on how often a probe looks meanwhile.
TEST_P(OpenOcd, CountsTheSameCyclesOnEveryPort) {
  if (!find_program("gdb-multiarch")) GTEST_SKIP() << "no gdb-multiarch";
  const std::string elf = folder_ / "counting.elf";
  ASSERT_TRUE(link(kCountingProgram, elf));
  const ElfFile image = read_elf(elf);
  const auto done = std::ranges::find(image.symbols, "done", &ElfSymbol::name);
  ASSERT_NE(done, image.symbols.end());

  Rig alone(GetParam().board);
  for (const ElfSegment& segment : image.segments) ASSERT_TRUE(alone.machine->write(segment.address, segment.bytes));
  alone.machine->reset();
  alone.machine->add_breakpoint(done->address);
  ASSERT_EQ(alone.machine->run().reason, Halt::Reason::kBreakpoint);
  const uint32_t cycles = alone.read(0x20001000);
  EXPECT_GT(cycles, 20'000u * 4);

  const std::string commands = fmt::format(
      "init; halt; flash write_image erase {}; catch {{reset halt}}; bp {:#x} 2 hw; resume; wait_halt 60000; "
      "echo \"[mdw 0x20001000]\"; shutdown",
      elf, done->address);
  EXPECT_THAT(run(openocd("gdb_port disabled", commands)).err, HasSubstr(fmt::format("0x20001000: {:08x}", cycles)));

  const std::string socket = folder_ / "gdb";
  Command command;
  command.arguments = {
      find_own_program("mote-board")->string(), "--board", GetParam().board, "--gdb", socket, "--once"};
  BackgroundProcess board(command);
  ASSERT_TRUE(
      board.wait_for_line([](const std::string& text) { return text.starts_with("gdb: "); }, std::chrono::seconds(20)));
  const CommandResult gdb =
      run({"gdb-multiarch", "-nx", "-batch", "-ex", "target remote " + socket, "-ex", "load", "-ex", "monitor reset",
           "-ex", "flushregs", "-ex", "break done", "-ex", "continue", "-ex", "x/wx 0x20001000", elf});
  EXPECT_THAT(gdb.out, HasSubstr(fmt::format("0x20001000:\t0x{:08x}", cycles))) << gdb.err;
}

std::string name_of_setup(const testing::TestParamInfo<Setup>& info) {
  return std::string(info.param.st_link ? "StLink" : "Jtag") +
         (std::string(info.param.board) == "nucleo-f746zg" ? "F7" : "L4");
}

INSTANTIATE_TEST_SUITE_P(Boards, OpenOcd,
                         testing::Values(Setup{"nucleo-f746zg", "target/stm32f7x.cfg", false},
                                         Setup{"nucleo-f746zg", "target/stm32f7x.cfg", true},
                                         Setup{"nucleo-l4r5zi", "target/stm32l4x.cfg", false},
                                         Setup{"nucleo-l4r5zi", "target/stm32l4x.cfg", true}),
                         name_of_setup);

}  // namespace
}  // namespace mote::board_sim
