// Two libraries in one firmware, with options that each move something: arenas, code, weights. They run in turns on the
// virtual board and must compute what the reference computes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "deploy/describe.h"
#include "deploy/linked_library.h"
#include "program.h"
#include "support/data_dir.h"
#include "support/files.h"
#include "support/subprocess.h"

namespace mote::tests {
namespace {

constexpr int kRuns = 3;

struct Combination {
  const char *name, *board;
  std::vector<const char*> memories;  // sizes of the board's RAM, in the order of its file; none: as they are
  deploy::Goal digits, auto_encoder;
  bool weights_object = false;  // of both
  bool shared_arena = false;    // no static ones: a block in each memory that serves both
  bool hook = false;
};

std::ostream& operator<<(std::ostream& out, const Combination& c) {
  return out << c.name;
}

/// The board with the memories of the combination, from a file of its own: the virtual board reads it, too.
target::Board board_of(const Combination& c, const std::filesystem::path& folder) {
  if (c.memories.empty()) return target::load_board(c.board);
  std::string text = read_text(source_dir() / "boards" / (std::string(c.board) + ".toml"));
  size_t next = 0, stack = text.find("stack = \"4K\"");
  text.replace(stack, 12, "stack = \"1K\"");
  for (size_t at = 0; (at = text.find("kind = \"", at)) != std::string::npos && next < c.memories.size(); ++at) {
    const std::string kind = text.substr(at + 8, text.find('"', at + 8) - at - 8);
    if (kind != "ram" && kind != "dtcm") continue;
    const size_t size = text.find("size = \"", at), end = text.find('\n', size);
    text.replace(size, end - size, fmt::format("size = \"{}\"", c.memories[next++]));
  }
  const std::filesystem::path file = folder / "small.toml";
  write_file(file, text);
  return target::load_board(file);
}

deploy::Library library_of(const Combination& c, const std::string& model, const deploy::Goal& goal,
                           const target::Board& board, toolchain::Toolchain& toolchain) {
  deploy::Library library =
      deploy::make_linked_library(model_of(model), model + ".tflite", model, board, {}, goal, toolchain);
  if (c.weights_object) {
    const deploy::File weights = deploy::weights_object(library, toolchain);
    std::erase_if(library.sources, [&](const deploy::File& file) { return deploy::holds_weights(library, file); });
    library.sources.push_back(weights);
  }
  return library;
}

/// The memories of a library's arena: of each the bytes, and the section that the linker puts there.
std::vector<deploy::ArenaPool> blocks_of(const deploy::Library& library) {
  if (!library.arena.pools.empty()) return library.arena.pools;
  return {{library.placement.arena ? library.placement.data_memory : "", "", library.arena.bytes()}};
}

/// Blocks that serve all libraries, and a context for each library.
std::string shared_blocks(const std::vector<deploy::Library>& libraries) {
  std::map<std::string, std::pair<int64_t, std::string>> blocks;  // bytes and section, by memory
  std::string contexts;
  for (const deploy::Library& library : libraries) {
    const std::string& prefix = library.network.prefix;
    std::vector<std::string> names;
    for (const deploy::ArenaPool& pool : blocks_of(library)) {
      auto& [bytes, section] = blocks[pool.memory];
      bytes = std::max(bytes, pool.bytes);
      section = deploy::arena_section(prefix, pool);
      names.push_back(fmt::format("block_{}", std::distance(blocks.begin(), blocks.find(pool.memory))));
    }
    contexts += fmt::format("static const {0}_context {0} = {{@{0}@}};\n", prefix);
  }
  std::string text;
  for (const auto& [memory, block] : blocks) {
    text += fmt::format("static uint64_t block_{}[{}] __attribute__((section(\"{}\")));\n", memory,
                        (block.first + 7) / 8, block.second);
  }
  for (const deploy::Library& library : libraries) {
    std::vector<std::string> names;
    for (const deploy::ArenaPool& pool : blocks_of(library)) names.push_back("block_" + pool.memory);
    const std::string mark = "@" + library.network.prefix + "@";
    contexts.replace(contexts.find(mark), mark.size(), fmt::format("{}", fmt::join(names, ", ")));
  }
  return text + contexts;
}

std::string main_of(const Combination& c, const std::vector<deploy::Library>& libraries) {
  std::string text;
  for (const deploy::Library& library : libraries) text += fmt::format("#include \"{}.h\"\n", library.network.prefix);
  text += R"(
volatile uint32_t example_hash = 2166136261u, example_hooks;
void example_done(void);
__attribute__((noinline)) void example_done(void) { __asm volatile("" ::: "memory"); }
static void fill(void *input, size_t bytes, uint32_t seed) {
  for (size_t i = 0; i < bytes; i++) {
    seed = seed * 1664525u + 1013904223u;
    ((uint8_t *)input)[i] = (uint8_t)(seed >> 24);
  }
}
static void add_to_hash(const void *output, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) example_hash = (example_hash ^ ((const uint8_t *)output)[i]) * 16777619u;
}
)";
  if (c.shared_arena) text += shared_blocks(libraries);
  std::string body;
  for (const deploy::Library& library : libraries) {
    const std::string& prefix = library.network.prefix;
    const std::string macro = deploy::macro_prefix(prefix);
    text += fmt::format("void {0}_hook(int i);\nvoid {0}_hook(int i) {{ (void)i; example_hooks++; }}\n", prefix);
    const std::string context = c.shared_arena ? fmt::format("_in(&{}", prefix) : "(";
    const std::string more = c.shared_arena ? context + ", " : context, none = c.shared_arena ? context + ")" : "()";
    body += fmt::format(
        "    fill({0}_input{2}0), {1}_INPUT_0_BYTES, run);\n    {0}_run{3};\n"
        "    add_to_hash({0}_output{2}0), {1}_OUTPUT_0_BYTES);\n",
        prefix, macro, more, none);
  }
  return text + fmt::format(
                    "int main(void) {{\n  for (uint32_t run = 0; run < {}; run++) {{\n{}  }}\n"
                    "  for (;;) example_done();\n}}\n",
                    kRuns, body);
}

class Combinations : public testing::TestWithParam<Combination> {};

TEST_P(Combinations, ComputeWhatTheReferenceComputes) {
  if (!find_own_program("mote-board")) GTEST_SKIP() << "mote-board is not built";
  const Combination& c = GetParam();
  const TemporaryFolder folder;
  const target::Board board = board_of(c, folder.path());
  toolchain::Toolchain toolchain(board);
  const std::vector<deploy::Library> libraries = {library_of(c, "digits", c.digits, board, toolchain),
                                                  library_of(c, "auto_encoder", c.auto_encoder, board, toolchain)};
  const bool is_divided = libraries[0].arena.pools.size() > 1;
  EXPECT_EQ(is_divided, !c.memories.empty()) << "the combination is not the one it is meant to be";
  std::vector<std::string> defines;
  for (const char* const macro : {"DIGITS", "AUTO_ENCODER"}) {
    if (c.shared_arena) defines.push_back(fmt::format("-D{}_NO_STATIC_ARENA", macro));
    if (c.hook) defines.push_back(fmt::format("-D{}_HOOK", macro));
  }
  Program program(main_of(c, libraries), libraries, board, defines);
  program.run();
  uint32_t hash = hashed({});
  size_t hooks = 0;
  for (uint32_t run = 0; run < kRuns; ++run) {
    for (const deploy::Library& library : libraries) {
      const ir::Graph graph = model_of(library.network.prefix);
      hash = hashed(reference_output(graph, filled(graph.tensor(graph.inputs.front()).size_bytes(), run)), hash);
      hooks += library.network.graph.operators.size() + 1;
    }
  }
  EXPECT_EQ(program.word("example_hash"), hash);
  if (c.hook) {
    EXPECT_EQ(program.word("example_hooks"), hooks);
  }
}

using deploy::Goal;
constexpr Goal::Optimize kSpeed = Goal::Optimize::kSpeed, kRam = Goal::Optimize::kRam;

INSTANTIATE_TEST_SUITE_P(
    Libraries, Combinations,
    testing::Values(
        Combination{"both_in_fast_memory_of_an_m7", "nucleo-f746zg", {}, {kSpeed, {}, {}, 6000}, {kRam, {}, {}, 6000}},
        Combination{"fast_ram_with_little_ram_and_hooks_on_an_m4",
                    "nucleo-l4r5zi",
                    {},
                    {kSpeed, 3000, {}, 8192},
                    {kSpeed, {}, {}, 8192},
                    true,
                    true,
                    true},
        Combination{"one_copied_and_one_not", "nucleo-f746zg", {}, {kSpeed, {}, {}, 4096}, {}, true},
        Combination{"divided_on_an_m7", "nucleo-f746zg", {"7K", "6K", "7K"}, {}, {kRam, {}, {}}},
        Combination{"divided_and_copied_on_an_m7",
                    "nucleo-f746zg",
                    {"7K", "6K", "7K"},
                    {kSpeed, {}, {}, 3000},
                    {kRam, {}, {}, 1000},
                    true,
                    true,
                    true},
        Combination{"divided_and_copied_on_an_m4",
                    "nucleo-l4r5zi",
                    {"6K", "7K", "7K"},
                    {kSpeed, {}, {}, 1000},
                    {},
                    false,
                    true}),
    [](const testing::TestParamInfo<Combination>& info) { return info.param.name; });

}  // namespace
}  // namespace mote::tests
