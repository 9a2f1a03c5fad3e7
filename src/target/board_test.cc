#include "target/board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/data_dir.h"
#include "support/error.h"
#include "support/files.h"
#include "support/random.h"
#include "support/subprocess.h"
#include "target/fast_memory.h"

namespace mote::target {
namespace {

using testing::HasSubstr;
using testing::IsSupersetOf;

constexpr const char* kGood = R"(description = "a board"
target = "cortex-m4"
clock_hz = 100_000_000

[[memory]]
name = "flash"
kind = "flash"
address = 0x08000000
size = "512K"
[[memory]]
name = "ram"
kind = "ram"
address = 0x20000000
size = 131072
)";

/// A board file with `text`, in a folder of its own that goes with the test.
class BoardFile : public testing::Test {
 protected:
  BoardFile()
      : folder_(testing::TempDir() + "mote_board_" + testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::create_directories(folder_);
  }
  ~BoardFile() override { std::filesystem::remove_all(folder_); }
  Board load(const std::string& text) {
    std::ofstream(folder_ + "/mine.toml") << text;
    return load_board(folder_ + "/mine.toml");
  }
  std::string error_of(const std::string& text) {
    try {
      load(text);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  }
  /// kGood with the first `from` replaced by `to`.
  static std::string with(const std::string& from, const std::string& to) {
    std::string text = kGood;
    text.replace(text.find(from), from.size(), to);
    return text;
  }
  std::string folder_;
};

TEST(ShippedBoards, AllLoad) {
  const std::vector<std::string> names = board_names();
  EXPECT_THAT(names,
              IsSupersetOf({"nucleo-f746zg", "stm32f746g-disco", "nucleo-l4r5zi", "nucleo-h743zi", "stm32f4-discovery",
                            "nrf52840-dk", "nucleo-u575zi", "mps2-an386", "mps2-an500", "host"}));
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    const Board board = load_board(name);
    EXPECT_EQ(board.name, name);
    EXPECT_FALSE(board.description.empty());
    EXPECT_GE(board.ram().size, 64u << 10);
    if (board.target.cortex_m()) {
      EXPECT_EQ(board.flash().kind, MemoryRegion::Kind::kFlash);
    }
  }
}

TEST(ShippedBoards, OpenOcdScriptsExist) {
  const std::filesystem::path scripts = "/usr/share/openocd/scripts";
  if (!std::filesystem::is_directory(scripts)) GTEST_SKIP() << "OpenOCD is not installed";
  for (const std::string& name : board_names()) {
    const Board board = load_board(name);
    if (!board.openocd) continue;
    EXPECT_TRUE(std::filesystem::exists(scripts / board.openocd->target_script)) << name;
    EXPECT_TRUE(std::filesystem::exists(scripts / board.openocd->interface_script)) << name;
  }
}

// Everything that is said to OpenOCD before it looks for an adapter.
TEST(ShippedBoards, OpenOcdTakesWhatTheySay) {
  if (!find_program("openocd")) GTEST_SKIP() << "OpenOCD is not installed";
  for (const std::string& name : board_names()) {
    const Board board = load_board(name);
    if (!board.openocd) continue;
    Command command;
    command.arguments = {"openocd", "-c", "gdb_port disabled; tcl_port disabled; telnet_port disabled", "-f",
                         board.openocd->interface_script};
    for (const std::string& line : board.openocd->commands) {
      command.arguments.insert(command.arguments.end(), {"-c", line});
    }
    const bool pin = board.openocd->reset == "srst";
    const std::string reset = pin ? "reset_config srst_only" : "cortex_m reset_config " + board.openocd->reset;
    command.arguments.insert(command.arguments.end(),
                             {"-f", board.openocd->target_script, "-c", reset, "-c", "shutdown"});
    command.limit = std::chrono::seconds(60);
    const CommandResult result = run_command(command);
    EXPECT_EQ(result.exit_code, 0) << name << ":\n" << result.err;
  }
}

TEST(ShippedTargets, AllLoad) {
  EXPECT_THAT(target_names(), IsSupersetOf({"cortex-m0", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "host"}));
  for (const std::string& name : target_names()) EXPECT_EQ(load_target(name).name, name);
}

TEST_F(BoardFile, ReadsEveryPart) {
  const Board board = load(std::string(kGood) + R"(alias = 0x10000000
[counter]
kind = "timer"
address = 0x40000024
counts = "down"
cycles_per_tick = 2
[data_cache]
size = "16K"
ways = 4
[openocd]
target = "target/x.cfg"
interface = "interface/y.cfg"
commands = ["adapter speed 1000"]
[gdb]
port = 2331
[limits]
reply = 0.5
run = 900
[toolchain]
flags = ["-DX"]
)");
  EXPECT_EQ(board.name, "mine");
  EXPECT_EQ(board.target.pipeline, "m4");
  ASSERT_EQ(board.regions.size(), 2u);
  EXPECT_EQ(board.flash().size, 512u << 10);
  EXPECT_EQ(board.ram().alias, 0x10000000u);
  EXPECT_EQ(board.counter.kind, CycleCounter::Kind::kTimer);
  EXPECT_EQ(board.counter.address, 0x40000024u);
  EXPECT_TRUE(board.counter.counts_down);
  EXPECT_TRUE(board.counts_cycles());
  EXPECT_EQ(board.gdb->host, "localhost");
  EXPECT_EQ(board.gdb->port, 2331);
  EXPECT_EQ(board.limits.reply, std::chrono::milliseconds(500));
  EXPECT_EQ(board.limits.run, std::chrono::seconds(900));
  EXPECT_EQ(board.limits.connect, Limits().connect);
  EXPECT_EQ(board.data_cache.size, 16u << 10);
  EXPECT_EQ(board.instruction_cache.size, 0u);
  EXPECT_EQ(board.openocd->commands, std::vector<std::string>{"adapter speed 1000"});
  EXPECT_EQ(board.flags, std::vector<std::string>{"-DX"});
  EXPECT_EQ(board.toolchain_prefix, "arm-none-eabi-");
}

// What docs/add-a-board.md shows is a board file.
TEST_F(BoardFile, TheDocumentedOneLoads) {
  const std::string page = read_text(source_dir() / "docs/add-a-board.md");
  const std::string fence = "```toml\n";
  const size_t begin = page.find(fence) + fence.size();
  ASSERT_GE(begin, fence.size());
  std::string text = page.substr(begin, page.find("```", begin) - begin);
  EXPECT_EQ(load(text).target.name, "cortex-m4");
  // Also with everything that is commented out there: lines such as "# lock = true" and "# [toolchain]".
  for (size_t at = 0; (at = text.find("\n# ", at)) != std::string::npos; ++at) {
    const std::string line = text.substr(at + 3, text.find('\n', at + 1) - at - 3);
    const bool code = line[0] == '[' || line.find(" = ") != std::string::npos;
    if (code && line.find("executable") == std::string::npos) text.erase(at + 1, 2);
  }
  const Board board = load(text);
  EXPECT_TRUE(board.counter.dwt_lock);
  EXPECT_EQ(board.gdb->port, 3333);
  EXPECT_EQ(board.limits.reply, std::chrono::seconds(5));
  EXPECT_EQ(board.flash_controller, "stm32l4");
  EXPECT_EQ(board.simulation.idcode, 0x469u);
}

TEST_F(BoardFile, ErrorsNameFileAndLine) {
  EXPECT_THAT(error_of(with("clock_hz = 100_000_000", "clock_hz = \"fast\"")),
              HasSubstr("mine.toml:3: 'clock_hz' must be"));
  EXPECT_THAT(error_of(with("0x08000000", "-1")), HasSubstr("mine.toml:8: 'memory.address' must be a 32-bit address"));
  EXPECT_THAT(error_of(with("512K", "5G")), HasSubstr("mine.toml:9: 'memory.size' must be a number of bytes"));
  EXPECT_THAT(error_of(with("kind = \"flash\"", "kind = \"rom\"")), HasSubstr("one of: flash, ram, itcm, dtcm"));
  EXPECT_THAT(error_of(with("0x20000000", "0x08010000")),
              HasSubstr("mine.toml:13: 'memory.address' overlaps the region 'flash'"));
  EXPECT_THAT(error_of(with("0x20000000", "0xFFFFFF00")), HasSubstr("end of the address space"));
  EXPECT_THAT(error_of(with("cortex-m4", "cortex-m9")),
              HasSubstr("mine.toml:2: 'target' cannot be loaded: cortex-m9: unknown"));
  EXPECT_THAT(error_of(with("clock_hz = 100_000_000", "")), HasSubstr("'clock_hz' is missing"));
  EXPECT_THAT(error_of(with("clock_hz", "speed = 1\nclock_hz")), HasSubstr("mine.toml:3: 'speed' is not a known key"));
  EXPECT_THAT(error_of(std::string(kGood) + "colour = 1\n"),
              HasSubstr("mine.toml:15: 'memory.colour' is not a known key"));
  EXPECT_THAT(error_of(with("kind = \"ram\"", "kind = \"flash\"")),
              HasSubstr("at least one region with kind = \"ram\""));
  EXPECT_THAT(error_of(std::string(kGood) + "[[memory\n"), HasSubstr("mine.toml:15: "));
  EXPECT_THAT(error_of(std::string(kGood) + "[data_cache]\nsize = 1000\n"), HasSubstr("ways times line"));
  EXPECT_THAT(error_of(std::string(kGood) + "[data_cache]\nsize = 960\nline = 24\n"), HasSubstr("power of two"));
  EXPECT_THAT(error_of(std::string(kGood) + "[data_cache]\nsize = \"12K\"\n"), HasSubstr("sets"));
}

TEST_F(BoardFile, ErrorsOfHowItIsReachedNameTheLineToo) {
  const std::string good = kGood;
  EXPECT_THAT(error_of(good + "[gdb]\n"), HasSubstr("mine.toml:15: 'gdb.port' is missing"));
  EXPECT_THAT(error_of(good + "[gdb]\nport = 0\n"), HasSubstr("mine.toml:16: 'gdb.port' is 0; it must be"));
  EXPECT_THAT(error_of(good + "[gdb]\nport = 1\nhost = \"\"\n"), HasSubstr("mine.toml:17: 'gdb.host' is empty"));
  EXPECT_THAT(error_of(good + "[limits]\nreply = 0\n"), HasSubstr("mine.toml:16: 'limits.reply' is 0; it must be"));
  EXPECT_THAT(error_of(good + "[limits]\nlunch = 1\n"), HasSubstr("mine.toml:16: 'limits.lunch' is not a known"));
  EXPECT_THAT(error_of(good + "[openocd]\ntarget = \"t\"\ninterface = \"i\"\nreset = \"kick\"\n"),
              HasSubstr("mine.toml:18: 'openocd.reset' is \"kick\"; it must be one of: sysresetreq, vectreset, srst"));
  EXPECT_THAT(error_of(good + "[counter]\nkind = \"timer\"\n"), HasSubstr("'counter.address' is missing"));
  EXPECT_THAT(error_of(good + "[counter]\nkind = \"timer\"\naddress = 4\ncounts = \"sideways\"\n"),
              HasSubstr("mine.toml:18: 'counter.counts' is"));
  EXPECT_THAT(error_of("init = \"\"\ninit_assembly = \"\"\n" + good),
              HasSubstr("mine.toml:2: 'init_assembly' cannot stand beside 'init'"));
}

TEST_F(BoardFile, InitIsCOrAssemblyAndKnowsItsLine) {
  const Init c = load("init = \"\"\"\nint a;\na = 1;\n\"\"\"\n" + std::string(kGood)).init;
  EXPECT_FALSE(c.assembly);
  EXPECT_EQ(c.line, 2);
  EXPECT_EQ(c_statements(c), "int a;\na = 1;\n");
  EXPECT_EQ(c_statements(c, "b.toml"), "#line 2 \"b.toml\"\nint a;\na = 1;\n");
  EXPECT_EQ(load("init = \"\"\"int a;\n\"\"\"\n" + std::string(kGood)).init.line, 1);
  const Init assembly = load("\ninit_assembly = \"\"\"\nnop @ 5 %\n.ascii \\\"x\\\"\"\"\"\n" + std::string(kGood)).init;
  EXPECT_EQ(assembly.line, 3);
  const std::string registers = "    ::: \"r0\", \"r1\", \"r2\", \"r3\", \"r12\", \"lr\", \"cc\", \"memory\");";
  const std::string lines = "    \"nop @ 5 %%\\n\"\n    \".ascii \\\"x\\\"\\n\"\n";
  EXPECT_EQ(c_statements(assembly), "__asm volatile(\n" + lines + registers);
  EXPECT_EQ(c_statements(assembly, "b.toml"),
            "__asm volatile(\n    \"\\n# 3 \\\"b.toml\\\"\\n\"\n" + lines + registers);
  EXPECT_EQ(c_statements(load(kGood).init), "");
}

TEST(Limits, AreSetByName) {
  Limits limits;
  set_limit(limits, "reply=20", "--limit");
  set_limit(limits, "run=0.5", "--limit");
  EXPECT_EQ(limits.reply, std::chrono::seconds(20));
  EXPECT_EQ(limits.run, std::chrono::milliseconds(500));
  EXPECT_EQ(limits.flash, Limits().flash);
  for (const char* bad :
       {"", "reply", "reply=", "=1", "reply=1s", "reply=0", "reply=-1", "reply=nan", "reply=1e9", "lunch=1"}) {
    EXPECT_THROW(set_limit(limits, bad, "--limit"), InputError) << bad;
  }
}

TEST_F(BoardFile, SectorsMustAddUp) {
  EXPECT_EQ(
      load(with("size = \"512K\"", "size = \"512K\"\nsectors = [{count = 4, size = \"128K\"}]")).flash().sectors.size(),
      1u);
  EXPECT_THAT(error_of(with("size = \"512K\"", "size = \"512K\"\nsectors = [{count = 3, size = \"128K\"}]")),
              HasSubstr("add up to 393216 bytes, the region has 524288"));
}

TEST_F(BoardFile, FoldersComeFirst) {
  std::ofstream(folder_ + "/nucleo-f746zg.toml") << kGood;
  EXPECT_EQ(load_board("nucleo-f746zg", {folder_}).description, "a board");
  EXPECT_NE(load_board("nucleo-f746zg").description, "a board");
  EXPECT_THROW(load_board("nucleo-f746zg", {folder_ + "/none"}), InputError);
  EXPECT_THROW(load_board("no-such-board"), InputError);
  EXPECT_THROW(load_board(folder_ + "/none.toml"), InputError);
  EXPECT_THROW(load_board(""), InputError);
}

// Whatever is done to a board file, it loads or is an InputError: never another exception, never a crash.
TEST_F(BoardFile, SurvivesMutation) {
  std::ifstream shipped(find_data_file("boards", "nucleo-f746zg"));
  const std::string original{std::istreambuf_iterator<char>(shipped), {}};
  const uint64_t seed = 7;
  Random random(seed);
  for (int round = 0; round < 500; ++round) {
    SCOPED_TRACE(testing::Message() << "seed " << seed << " round " << round);
    std::string text = original;
    for (uint64_t n = random.below(4) + 1; n > 0; --n) {
      const size_t at = random.below(text.size());
      if (random.below(2)) {
        text[at] = static_cast<char>(random.bits());
      } else {
        text.erase(at, random.below(40) + 1);
      }
    }
    try {
      load(text);
    } catch (const InputError&) {
    }
  }
}

TEST(FastMemoryOfBoards, IsTightlyCoupledOrOnTheCodeBus) {
  struct Case {
    const char* board;
    const char *code, *data;  // "": none
    uint32_t code_address;
  };
  for (const Case& c : {Case{"nucleo-f746zg", "itcm", "dtcm", 0}, Case{"nucleo-h743zi", "itcm", "dtcm", 0},
                        Case{"nucleo-l4r5zi", "sram2", "sram1", 0x10000000}, Case{"stm32f4-discovery", "", "sram1", 0},
                        Case{"nrf52840-dk", "", "ram", 0}}) {
    SCOPED_TRACE(c.board);
    const Board board = load_board(c.board);
    const FastMemory code = fast_code_memory(board), data = fast_data_memory(board);
    EXPECT_EQ(code.region == nullptr ? "" : code.region->name, c.code);
    EXPECT_EQ(data.region == nullptr ? "" : data.region->name, c.data);
    EXPECT_EQ(code.address, c.code_address);
    EXPECT_GT(flash_code_reads(board).miss, 0);
    EXPECT_GT(flash_data_reads(board).miss, 0);
  }
  EXPECT_EQ(flash_code_reads(load_board("mps2-an500")).miss, 0) << "as fast as the core";
}

TEST(FastMemoryOfBoards, BehindCachesThatNothingIsCoupledToThereIsNone) {
  Board board = load_board("nucleo-f746zg");
  std::erase_if(board.regions, [](const MemoryRegion& region) {
    return region.kind != MemoryRegion::Kind::kFlash && region.kind != MemoryRegion::Kind::kRam;
  });
  EXPECT_EQ(fast_code_memory(board).region, nullptr);
  EXPECT_EQ(fast_data_memory(board).region, nullptr);
}

}  // namespace
}  // namespace mote::target
