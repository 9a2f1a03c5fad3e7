#include "session/runner.h"

#include <fmt/core.h>

#include "support/data_dir.h"
#include "support/error.h"

namespace mote::session {

using toolchain::CompileResult;
using toolchain::Object;

namespace {

constexpr uint32_t kRunnerAlignment = 128;  // of its vector table
constexpr uint32_t kStackAlignment = 32;

uint32_t address_of(const toolchain::Image& image, const char* name) {
  const toolchain::Symbol* symbol = image.find(name);
  check(symbol != nullptr, "the runner has all its symbols");
  return symbol->value;
}

uint32_t image_end(const toolchain::Image& image) {
  uint32_t end = 0;
  for (const toolchain::Segment& segment : image.segments) end = std::max(end, segment.address + segment.memory_size);
  return end;
}

std::vector<Object> compile_runner(const target::Board& board, toolchain::Toolchain& toolchain) {
  std::vector<std::string> flags = runtime_flags(board);
  for (const char* flag : {"-O2", "-ffreestanding", "-fno-builtin"}) flags.emplace_back(flag);
  flags.push_back("-I" + data_folder("runtime").string());
  std::vector<Object> objects;
  std::vector<std::string> names = {"runner.c"};
  if (!board.target.cortex_m()) names.emplace_back("memory.c");
  for (const std::string& name : names) {
    const CompileResult result = toolchain.compile(runtime_source(name), flags);
    if (!result.ok())
      throw JobError(fmt::format("the runner does not compile for {}:\n{}", board.name, result.messages));
    objects.push_back(*result.object);
  }
  const std::string file = std::filesystem::path(board.file).filename();
  const std::string init =
      fmt::format("#include <stdint.h>\nvoid mote_board_init(void);\nvoid mote_board_init(void) {{\n{}\n}}\n",
                  target::c_statements(board.init, file));
  const CompileResult result = toolchain.compile({"board_init.c", init}, flags);
  if (!result.ok()) throw InputError(board.file, "'init' does not compile:\n" + result.messages);
  objects.push_back(*result.object);
  return objects;
}

}  // namespace

std::vector<std::string> runtime_flags(const target::Board& board) {
  std::vector<std::string> flags;
  if (!board.target.cortex_m()) return {"-DMOTE_HOST"};
  switch (board.counter.kind) {
    case target::CycleCounter::Kind::kDwt:
      flags.emplace_back("-DMOTE_COUNTER_DWT");
      break;
    case target::CycleCounter::Kind::kSysTick:
      flags.emplace_back("-DMOTE_COUNTER_SYSTICK");
      break;
    case target::CycleCounter::Kind::kTimer:
      flags.emplace_back("-DMOTE_COUNTER_TIMER");
      flags.push_back(fmt::format("-DMOTE_TIMER_ADDRESS={:#x}u", board.counter.address));
      if (board.counter.counts_down) flags.emplace_back("-DMOTE_TIMER_DOWN");
      break;
    case target::CycleCounter::Kind::kNone:
      break;
  }
  if (board.counter.dwt_lock) flags.emplace_back("-DMOTE_DWT_LOCK");
  if (board.instruction_cache.size > 0) flags.emplace_back("-DMOTE_INSTRUCTION_CACHE");
  if (board.data_cache.size > 0) flags.emplace_back("-DMOTE_DATA_CACHE");
  return flags;
}

toolchain::Source runtime_source(const std::string& name) {
  return {name, read_text(data_folder("runtime") / name), toolchain::Source::Language::kC};
}

Runner build_runner(const target::Board& board, toolchain::Toolchain& toolchain, Arena& arena) {
  Runner runner;
  // At the very bottom, so that an overflow runs out of memory and faults where nothing lies below.
  const std::optional<Block> stack = arena.take(board.stack_bytes, kStackAlignment);
  if (!stack) throw JobError(fmt::format("{}: no room for a stack of {} bytes", board.name, board.stack_bytes));
  runner.stack = *stack;

  const std::vector<Object> objects = compile_runner(board, toolchain);
  // Linked once to learn its size, and again where it goes.
  for (const bool last : {false, true}) {
    toolchain::LinkResult linked = toolchain.link(objects, {last ? runner.code.address : board.ram().address, {}});
    if (!linked.ok()) throw JobError(fmt::format("the runner does not link for {}:\n{}", board.name, linked.messages));
    runner.image = std::move(*linked.image);
    if (last) break;
    const std::optional<Block> code = arena.take_code(image_end(runner.image) - board.ram().address, kRunnerAlignment);
    if (!code) throw JobError(board.name + ": no room for the runner in executable RAM");
    runner.code = *code;
  }
  runner.entry = address_of(runner.image, "mote_run");
  runner.stop = address_of(runner.image, "mote_stop") & ~1u;
  runner.state = address_of(runner.image, "mote_runner");
  runner.nothing = address_of(runner.image, "mote_nothing");
  runner.fill_random = address_of(runner.image, "mote_fill_random");
  runner.fill_bytes = address_of(runner.image, "mote_fill_bytes");
  return runner;
}

}  // namespace mote::session
