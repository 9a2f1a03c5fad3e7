#include "deploy/sharing.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>

#include "codegen/emit.h"
#include "ir/random_graph.h"
#include "ir/random_model.h"
#include "kernels/kernel.h"
#include "loop/access.h"
#include "loop/build.h"
#include "passes/pipeline.h"
#include "support/files.h"
#include "support/random.h"
#include "support/subprocess.h"
#include "target/target.h"

namespace mote::deploy {
namespace {

using loop::var;

loop::Lives lives_in(const loop::Program& program, const std::string& name) {
  return loop::lives_of(program).at(name);
}

TEST(Access, ElementsInOrderMayBeWrittenOverThoseRead) {
  loop::Program program;
  program.buffers = {loop::input("x", loop::Type::kI8, {10}), loop::output("y", loop::Type::kI8, {10})};
  program.body = {loop::loop("i", 10, {loop::store("y", {var("i")}, loop::load("x", {var("i")}))})};
  EXPECT_EQ(loop::safe_distance(lives_in(program, "x"), lives_in(program, "y")), 0);
  EXPECT_TRUE(loop::may_coincide(lives_in(program, "x"), lives_in(program, "y")));
  EXPECT_EQ(loop::safe_distance(lives_in(program, "y"), lives_in(program, "x")), 10);
}

TEST(Access, AWindowKeepsWhatItStillNeeds) {
  loop::Program program;
  program.buffers = {loop::input("x", loop::Type::kI8, {12}), loop::output("y", loop::Type::kI8, {10})};
  const auto sum_with = [](const loop::Affine& other) {
    return loop::Block{loop::loop(
        "i", 10, {loop::store("y", {var("i")}, loop::load("x", {other}) + loop::load("x", {var("i") + 1}))})};
  };
  program.body = sum_with(var("i"));
  EXPECT_EQ(loop::safe_distance(lives_in(program, "x"), lives_in(program, "y")), 0);
  program.body = sum_with(9);
  // x[9] is read to the end, so y[0 .. 8] must stay below it and y may only reach it with its last element.
  EXPECT_EQ(loop::safe_distance(lives_in(program, "x"), lives_in(program, "y")), 0);
  EXPECT_TRUE(loop::may_coincide(lives_in(program, "x"), lives_in(program, "y")));
  program.body = sum_with(0);
  EXPECT_EQ(loop::safe_distance(lives_in(program, "x"), lives_in(program, "y")), 9);
  EXPECT_FALSE(loop::may_coincide(lives_in(program, "x"), lives_in(program, "y")));
}

TEST(Access, WhatIsNotKnownDoesNotOverlap) {
  loop::Program program;
  program.buffers = {loop::input("x", loop::Type::kI8, {8}), loop::output("y", loop::Type::kI8, {8})};
  program.functions = {{"f", ""}};
  program.body = {loop::invoke("f", {loop::address("x", {0}), loop::address("y", {0})})};
  EXPECT_EQ(loop::safe_distance(lives_in(program, "x"), lives_in(program, "y")), 8);
  EXPECT_FALSE(sharing_of(program).in_place.at(0));
}

/// A kernel, and where its operands lie in one block of memory: as close as the analysis allows, or far apart.
struct Trial {
  loop::Program program;
  std::string what;
  std::map<int, int64_t> sizes;  // by operand
  Sharing::Pair pair;
};

constexpr int64_t kGuard = 64;

int64_t rounded(int64_t bytes) {
  return (bytes + 7) / 8 * 8;
}

/// Offsets of all operands: those of the pair at their least distance, everything else behind them.
std::map<int, int64_t> offsets_of(const Trial& trial, bool apart) {
  std::map<int, int64_t> offsets;
  int64_t top = kGuard;
  if (!apart) {
    offsets[trial.pair.lower] = top;
    offsets[trial.pair.upper] = top + (trial.pair.distance + 3) / 4 * 4;
    top = rounded(std::max(offsets[trial.pair.lower] + trial.sizes.at(trial.pair.lower),
                           offsets[trial.pair.upper] + trial.sizes.at(trial.pair.upper)) +
                  kGuard);
  }
  for (const auto& [operand, size] : trial.sizes) {
    if (offsets.count(operand) > 0) continue;
    offsets[operand] = top;
    top = rounded(top + size + kGuard);
  }
  offsets[kScratch - 1] = top;  // the end
  return offsets;
}

/// void entry(uint8_t *memory, const int64_t *offsets): calls the kernel with inputs, output, scratch in this order.
std::string entry_of(const Trial& trial, size_t number) {
  std::string arguments;
  size_t next = 0;
  for (const bool output : {false, true}) {
    for (const loop::Buffer& b : trial.program.buffers) {
      if (b.kind != (output ? loop::Buffer::Kind::kOutput : loop::Buffer::Kind::kInput)) continue;
      arguments += fmt::format("{}(void *)(memory + offsets[{}])", arguments.empty() ? "" : ", ", next++);
    }
  }
  if (trial.program.workspace_bytes() > 0) arguments += fmt::format(", memory + offsets[{}]", next);
  return fmt::format(
      "void entry_{0}(uint8_t *memory, const int64_t *offsets);\n"
      "void entry_{0}(uint8_t *memory, const int64_t *offsets)\n{{\n    {1}({2});\n}}\n",
      number, trial.program.name, arguments);
}

/// All pairs that gain something, of kernels with random knobs for the operators of random models.
std::vector<Trial> random_trials(size_t kernels, uint64_t seed) {
  const target::Target target = target::load_target("cortex-m7");
  Random random(seed);
  std::vector<Trial> trials;
  size_t made = 0;
  for (uint64_t model = seed; made < kernels; ++model) {
    const ir::DType dtype = model % 5 == 0 ? ir::DType::kFloat32 : ir::DType::kInt8;
    const ir::Graph graph = passes::run_passes(ir::random_model(model, {.dtype = dtype}));
    for (const ir::Operator& op : graph.operators) {
      const kernels::Workload workload = kernels::make_workload(graph, op);
      const space::Space space = kernels::space_of(workload, target);
      const space::Config config =
          random.below(3) == 0 ? kernels::fallback_of(workload, target) : space.at(random.below(space.size()));
      if (space.why_illegal(config)) continue;
      Trial trial;
      try {
        trial.program = kernels::lower(workload, config, target, fmt::format("kernel_{}", made));
      } catch (const loop::ScheduleError&) {
        continue;
      }
      ++made;
      trial.what = fmt::format("model {}: {}, {}", model, workload.title, space.text_of(config));
      const Sharing sharing = sharing_of(trial.program);
      int inputs = 0;
      for (const loop::Buffer& b : trial.program.buffers) {
        const int64_t size = static_cast<int64_t>(b.size_bytes());
        if (b.kind == loop::Buffer::Kind::kInput) trial.sizes[inputs++] = size;
        if (b.kind == loop::Buffer::Kind::kOutput) trial.sizes[kOutput] = size;
      }
      const int64_t scratch = static_cast<int64_t>(trial.program.workspace_bytes());
      if (scratch > 0) trial.sizes[kScratch] = scratch;
      trial.program.may_alias = true;
      for (const Sharing::Pair& pair : sharing.pairs) {
        trial.pair = pair;
        trials.push_back(trial);
      }
      for (size_t i = 0; i < sharing.in_place.size(); ++i) {
        trial.pair = {static_cast<int>(i), kOutput, 0};
        if (sharing.in_place[i]) trials.push_back(trial);
      }
    }
  }
  return trials;
}

/// What the kernel leaves in its output when its inputs hold random bytes.
Bytes run(void* library, const Trial& trial, size_t number, bool apart, uint64_t seed) {
  const std::map<int, int64_t> offsets = offsets_of(trial, apart);
  Bytes memory(static_cast<size_t>(offsets.at(kScratch - 1)), std::byte{0x5A});
  Random random(seed);
  std::vector<int64_t> arguments;
  for (const auto& [operand, size] : trial.sizes) {
    if (operand < 0) continue;
    arguments.push_back(offsets.at(operand));
    Bytes values(static_cast<size_t>(size));
    random.fill(values);
    if (trial.program.buffers.front().type == loop::Type::kF32) {
      std::vector<float> floats(values.size() / 4);
      for (float& value : floats) value = static_cast<float>(2 * random.unit() - 1);
      values = to_bytes(floats);
    }
    std::copy(values.begin(), values.end(), memory.begin() + offsets.at(operand));
  }
  arguments.push_back(offsets.at(kOutput));
  if (trial.sizes.count(kScratch) > 0) arguments.push_back(offsets.at(kScratch));
  void* const entry = dlsym(library, fmt::format("entry_{}", number).c_str());
  check(entry != nullptr, "an entry is missing");
  reinterpret_cast<void (*)(std::byte*, const int64_t*)>(entry)(memory.data(), arguments.data());
  const std::ptrdiff_t begin = offsets.at(kOutput);
  return Bytes(memory.begin() + begin, memory.begin() + begin + trial.sizes.at(kOutput));
}

TEST(SharingProperty, KernelsGiveTheSameBytesAtTheLeastDistances) {
  constexpr uint64_t kSeed = 1;
  const std::vector<Trial> trials = random_trials(150, kSeed);
  ASSERT_GT(trials.size(), 100u);
  const TemporaryFolder folder;
  Command command;
  command.arguments = {"cc", "-std=c99", "-O2", "-shared", "-fPIC", "-ffp-contract=off", "-w", "-o", "lib.so"};
  command.folder = folder.path();
  std::string previous;
  for (size_t i = 0; i < trials.size(); ++i) {
    std::string text = trials[i].program.name == previous
                           ? "#include <stdint.h>\n" + codegen::prototype(trials[i].program) + ";\n"
                           : codegen::emit_kernel(trials[i].program);
    previous = trials[i].program.name;
    const std::string file = fmt::format("trial_{}.c", i);
    write_file(folder.path() / file, text + entry_of(trials[i], i));
    command.arguments.push_back(file);
  }
  const CommandResult built = run_command(command);
  ASSERT_TRUE(built.ok()) << built.err.substr(0, 2000);
  void* const library = dlopen((folder.path() / "lib.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  for (size_t i = 0; i < trials.size(); ++i) {
    const Sharing::Pair& pair = trials[i].pair;
    SCOPED_TRACE(
        fmt::format("seed {}, {}: {} over {} by {}", kSeed, trials[i].what, pair.upper, pair.lower, pair.distance));
    ASSERT_EQ(run(library, trials[i], i, false, i), run(library, trials[i], i, true, i));
  }
  dlclose(library);
}

}  // namespace
}  // namespace mote::deploy
