// How much stack a library takes: what mote states, what gcc states, and what a run on the virtual board leaves of a
// pattern in memory.
//
// A few libraries by default. MOTE_SWEEP=1 takes every model of the examples and of MOTE_MODELS.
#include "deploy/stack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <sstream>

#include "deploy/choose.h"
#include "deploy/firmware.h"
#include "device/device.h"
#include "execute/painted_stack.h"
#include "import/tflite/reader.h"
#include "records/database.h"
#include "schedule/stack_use.h"
#include "support/data_dir.h"
#include "support/files.h"
#include "support/models.h"
#include "support/subprocess.h"

namespace mote {
namespace {

using Optimize = deploy::Goal::Optimize;

struct Case {
  std::string model, board;
  Optimize optimize = Optimize::kSpeed;
  bool tuned = false;
  std::optional<int64_t> fast_bytes = {};
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  const char* const goals[] = {"speed", "ram", "flash"};
  return out << std::filesystem::path(c.model).stem().string() << " for " << c.board << ", "
             << goals[static_cast<int>(c.optimize)] << (c.tuned ? ", tuned" : "") << (c.fast_bytes ? ", divided" : "");
}

std::string example(const std::string& name) {
  return source_dir() / "examples" / name;
}

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const char* const board : {"nucleo-f746zg", "nucleo-l4r5zi"}) {
    if (std::getenv("MOTE_SWEEP") == nullptr) {
      list.push_back({example("digits/digits.tflite"), board, Optimize::kSpeed});
      list.push_back({example("digits/digits.tflite"), board, Optimize::kRam});
      list.push_back({example("models/ds_cnn.tflite"), board, Optimize::kSpeed});
      continue;
    }
    for (const std::string& model : tests::all_models()) {
      for (const Optimize goal : {Optimize::kSpeed, Optimize::kRam, Optimize::kFlash}) {
        list.push_back({model, board, goal, true});
      }
    }
  }
  // More than tightly coupled memory holds.
  list.push_back({example("models/mobilenet_v1.tflite"), "nucleo-f746zg", Optimize::kSpeed, false, 48 * 1024});
  return list;
}

deploy::Library library_of(const Case& c, const target::Board& board) {
  std::optional<records::Database> records;
  deploy::Choose choose;
  if (c.tuned) {
    records.emplace(source_dir() / "benchmarks" / "records.db", records::Database::Mode::kRead);
    choose = deploy::choose_from(*records, board);
  }
  return deploy::make_library(import::read_tflite(c.model), c.model, "net", board, choose,
                              {c.optimize, {}, {}, c.fast_bytes});
}

class PaintedStack : public testing::TestWithParam<Case> {};

/// The bound of the machine code against what a pattern in memory shows: nothing is missed, and little is too much. All
/// RAM that is not the firmware's variables is looked at, so that arena, variables and stack are all the RAM there is.
TEST_P(PaintedStack, IsWithinTheStatedBoundAndNotFarFromIt) {
  if (!find_own_program("mote-board")) GTEST_SKIP() << "mote-board is not built";
  const target::Board board = target::load_board(GetParam().board);
  toolchain::Toolchain toolchain(board);
  const deploy::Library library = library_of(GetParam(), board);
  EXPECT_EQ(library.arena.pools.size() > 1, GetParam().fast_bytes.has_value());
  const deploy::Measured measured = deploy::measure(library, board, toolchain);
  ASSERT_TRUE(measured.stack_bytes.has_value());
  const std::unique_ptr<device::Device> device = device::open_device("sim", board);
  const uint32_t painted = execute::painted_stack(*device, board, library, toolchain, board.ram().size);
  std::printf("%u bytes of stack, stated %u; RAM %u, flash %u\n", painted, *measured.stack_bytes,
              measured.ram_bytes() + painted, measured.flash_bytes());
  EXPECT_LE(painted, *measured.stack_bytes);
  EXPECT_LE(*measured.stack_bytes, painted + 64);
}

INSTANTIATE_TEST_SUITE_P(Libraries, PaintedStack, testing::ValuesIn(cases()));

/// Bytes that each function of a library takes by itself, from -fstack-usage.
std::map<std::string, uint32_t> stack_usage_of(const deploy::Library& library, const toolchain::Toolchain& toolchain) {
  const TemporaryFolder folder;
  Command command;
  command.folder = folder.path();
  command.arguments = {"arm-none-eabi-gcc"};
  for (const std::vector<std::string>& flags : {toolchain.base_flags(), library.origin.flags}) {
    command.arguments.insert(command.arguments.end(), flags.begin(), flags.end());
  }
  command.arguments.insert(command.arguments.end(), {"-fstack-usage", "-c"});
  for (const deploy::File& file : library.sources) {
    write_file(folder.path() / file.path, file.text);
    if (file.path.ends_with(".c")) command.arguments.push_back(file.path);
  }
  const CommandResult result = run_command(command);
  EXPECT_TRUE(result.ok()) << result.err;
  std::map<std::string, uint32_t> usage;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    if (entry.path().extension() != ".su") continue;
    std::istringstream lines(read_text(entry.path()));  // file.c:line:column:function <tab> bytes <tab> static
    for (std::string place, bytes, kind; lines >> place >> bytes >> kind;) {
      EXPECT_EQ(kind, "static");
      usage[place.substr(place.rfind(':') + 1)] = static_cast<uint32_t>(std::stoul(bytes));
    }
  }
  return usage;
}

TEST(Stack, OfEachFunctionIsWhatGccSays) {
  const target::Board board = target::load_board("nucleo-f746zg");
  toolchain::Toolchain toolchain(board);
  for (const Optimize optimize : {Optimize::kSpeed, Optimize::kRam}) {
    const deploy::Library library = deploy::make_library(import::read_tflite(example("digits/digits.tflite")), "digits",
                                                         "", board, {}, {optimize, {}, {}});
    const toolchain::Image image = deploy::build_firmware(library, board, toolchain, deploy::FirmwareKind::kPlain);
    size_t compared = 0;
    for (const auto& [function, bytes] : stack_usage_of(library, toolchain)) {
      const toolchain::Symbol* const symbol = image.find(function);
      if (symbol == nullptr) continue;  // not linked, because nothing calls it
      const toolchain::Segment& code = *std::find_if(image.segments.begin(), image.segments.end(), [&](const auto& s) {
        return s.executable && symbol->address() >= s.address && symbol->address() < s.address + s.bytes.size();
      });
      const std::optional<schedule::StackUse> use = schedule::stack_use(
          symbol->address(), std::span(code.bytes).subspan(symbol->address() - code.address, symbol->size));
      ASSERT_TRUE(use.has_value()) << function;
      EXPECT_EQ(use->bytes, bytes) << function;
      ++compared;
    }
    EXPECT_GT(compared, 5u);
  }
}

TEST(Stack, IsNotStatedWhenItCannotBeKnown) {
  const target::Board board = target::load_board("nucleo-f746zg");
  toolchain::Toolchain toolchain(board);
  const char* const kProgram =
      "int again(int n);\nint again(int n) { return n < 2 ? 1 : n * again(n - 1) + again(n - 2); }\n"
      "int (*volatile pointer)(int);\nint through(int n);\nint through(int n) { return pointer(n) + 1; }\n"
      "int fine(int n);\n__attribute__((noinline)) int fine(int n) { volatile int a[25]; a[n] = n; return a[3]; }\n"
      "volatile int x;\nint main(void) { x = again(x) + through(x) + fine(x); return 0; }\n";
  const toolchain::Image image = deploy::build_program({}, kProgram, board, toolchain, {"-O1"});
  EXPECT_FALSE(deploy::stack_bound(image, "again").has_value());
  EXPECT_FALSE(deploy::stack_bound(image, "through").has_value());
  EXPECT_FALSE(deploy::stack_bound(image, "main").has_value());
  EXPECT_FALSE(deploy::stack_bound(image, "nobody").has_value());
  EXPECT_EQ(deploy::stack_bound(image, "fine"), 104u);
}

}  // namespace
}  // namespace mote
