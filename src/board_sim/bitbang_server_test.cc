// The JTAG cable: by hand, by random bytes, and by Debian's OpenOCD with its own target scripts.
#include "board_sim/bitbang_server.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "board_sim/firmware_test.h"
#include "support/random.h"

namespace mote::board_sim {
namespace {

class Cable {
 public:
  explicit Cable(Machine& machine) : server_(machine) {}
  std::string send(std::string_view bytes) { return server_.handle(bytes, open_); }
  /// One clock with these pins; returns TDO before it.
  bool clock(bool tms, bool tdi) {
    const char low = static_cast<char>('0' + tms * 2 + tdi), high = static_cast<char>(low + 4);
    return send(std::string{low} + 'R' + high + low) == "1";
  }
  void go(std::string_view tms) {
    for (const char c : tms) clock(c == '1', false);
  }
  /// Shifts `count` bits and leaves the shift state.
  uint64_t shift(uint64_t bits, int count) {
    uint64_t out = 0;
    for (int i = 0; i < count; ++i) out |= uint64_t{clock(i == count - 1, bits >> i & 1)} << i;
    return out;
  }

 private:
  BitbangServer server_;
  bool open_ = true;
};

TEST(Bitbang, TheChainIdentifiesItself) {
  Rig rig;
  Cable cable(*rig.machine);
  cable.go("111110100");  // reset, idle, Shift-DR
  EXPECT_EQ(cable.shift(0, 64), 0x064490415BA00477u);
}

TEST(Bitbang, ReadsMemoryThroughTheAccessPort) {
  Rig rig;
  rig.write(0x20000010, 0xCAFEF00D);
  Cable cable(*rig.machine);
  const auto instruction = [&](uint32_t code) {
    cable.go("1100");
    cable.shift(code | 0x1F << 4, 9);
    cable.go("10");
  };
  // The boundary-scan TAP is in BYPASS: one bit more, shifted in last.
  const auto transfer = [&](uint32_t address, bool read, uint32_t value) {
    cable.go("100");
    const uint64_t out = cable.shift(uint64_t{value} << 3 | address >> 1 | (read ? 1 : 0), 36);
    cable.go("10");
    EXPECT_EQ(out & 7, 2u) << "OK";
    return static_cast<uint32_t>(out >> 3);
  };
  cable.go("111110");
  instruction(0xA);
  transfer(8, false, 0);  // SELECT
  instruction(0xB);
  transfer(0, false, 0x22000052);  // CSW: words
  transfer(4, false, 0x20000010);  // TAR
  transfer(0xC, true, 0);
  EXPECT_EQ(transfer(0xC, true, 0), 0xCAFEF00Du);
  transfer(4, false, 0x60000000);
  transfer(0xC, true, 0);
  instruction(0xA);
  transfer(4, true, 0);
  EXPECT_EQ(transfer(0xC, true, 0) & 0x20, 0x20u) << "the sticky error flag";
}

TEST(Bitbang, SurvivesAnyBytes) {
  Rig rig;
  BitbangServer server(*rig.machine);
  Random random(23);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes(random.below(200), '\0');
    for (char& c : bytes)
      c = random.below(20) == 0 ? static_cast<char>(random.bits()) : "01234567Rrstu"[random.below(13)];
    bool open = true;
    const std::string answers = server.handle(bytes, open);
    const size_t end = std::min(bytes.find('Q'), bytes.size());
    EXPECT_EQ(answers.size(),
              static_cast<size_t>(std::count(bytes.begin(), bytes.begin() + static_cast<long>(end), 'R')));
    EXPECT_EQ(open, end == bytes.size());
  }
}

class OpenOcd : public testing::TestWithParam<const char*> {};

// Attach, halt, load, verify by code that runs on the core, breakpoint, step, reset: with the stock target script.
TEST_P(OpenOcd, AttachesAndDebugs) {
  const std::string parameter = GetParam();
  const std::string board = parameter.substr(0, parameter.find(' ')),
                    script = parameter.substr(parameter.find(' ') + 1);
  const std::optional<std::filesystem::path> program = find_own_program("mote-board");
  if (!has_assembler() || !find_program("openocd") || !program) GTEST_SKIP() << "no openocd";
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / fmt::format("openocd-{}", getpid());
  std::filesystem::create_directories(folder);
  const std::string elf = folder / "a.elf", source = folder / "a.s", object = folder / "a.o",
                    data = folder / "data.bin";
  std::ofstream(source) << ".syntax unified\n.cpu cortex-m4\n.thumb\n.word 0x20008000, main+1\n.thumb_func\n"
                           "main: movs r0, #0\n1: adds r0, #1\n nop\n b 1b\n";
  std::string bytes(5000, '\0');
  Random random(3);
  for (char& c : bytes) c = static_cast<char>(random.bits());
  std::ofstream(data, std::ios::binary) << bytes;
  const auto run = [](std::vector<std::string> arguments) {
    Command command;
    command.arguments = std::move(arguments);
    command.limit = std::chrono::seconds(120);
    return run_command(command);
  };
  ASSERT_TRUE(run({"arm-none-eabi-as", "-o", object, source}).ok());
  ASSERT_TRUE(run({"arm-none-eabi-ld", "-Ttext=0x08000000", "-e", "0", "-o", elf, object}).ok());
  Command command;
  command.arguments = {program->string(), "--board", board, "--remote-bitbang", "0", "--once", "--elf", elf};
  BackgroundProcess server(command);
  const std::string announcement = "remote-bitbang: ";
  const std::optional<std::string> line = server.wait_for_line(
      [&](const std::string& text) { return text.starts_with(announcement); }, std::chrono::seconds(20));
  ASSERT_TRUE(line);
  const CommandResult result = run(
      {"openocd", "-c",
       "adapter driver remote_bitbang; remote_bitbang host 127.0.0.1; remote_bitbang port " +
           line->substr(announcement.size()),
       "-c", "bindto 127.0.0.1; tcl_port disabled; gdb_port disabled; telnet_port disabled", "-f", script, "-c",
       "init; halt; load_image " + data + " 0x20030000 bin; verify_image " + data +
           " 0x20030000 bin; bp 0x0800000c 2 hw; resume; wait_halt 5000; reg pc; step; reg pc; rbp all; resume; halt; "
           "mww 0x20000000 0x11223344; mdb 0x20000001 2; catch {reset halt}; reg pc; flash write_image erase " +
           data + " 0x08010000 bin; verify_image " + data + " 0x08010000 bin; shutdown"});
  std::filesystem::remove_all(folder);
  const std::string& text = result.err;  // OpenOCD prints everything there
  EXPECT_NE(text.find("processor detected"), std::string::npos) << text;
  EXPECT_NE(text.find("halted due to breakpoint, current mode: Thread"), std::string::npos) << text;
  EXPECT_NE(text.find("pc: 0x0800000c"), std::string::npos) << text;
  EXPECT_NE(text.find("pc: 0x0800000e"), std::string::npos) << text;
  EXPECT_NE(text.find("pc: 0x08000008"), std::string::npos) << "reset halt:\n" << text;
  EXPECT_NE(text.find("flash size"), std::string::npos) << text;
  EXPECT_EQ(text.find("error executing"), std::string::npos) << text;
  EXPECT_EQ(result.exit_code, 0) << text;
}

INSTANTIATE_TEST_SUITE_P(Boards, OpenOcd,
                         testing::Values("nucleo-f746zg target/stm32f7x.cfg", "nucleo-l4r5zi target/stm32l4x.cfg"));

}  // namespace
}  // namespace mote::board_sim
