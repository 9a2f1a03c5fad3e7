// All the RAM and flash that models take as firmware, and the cycles, for each --optimize or within budgets, as
// Markdown.
//   memory_benchmark examples/models/resnet_8.tflite --records benchmarks/records.db
//   memory_benchmark examples/models/resnet_8.tflite --records benchmarks/records.db --ram 34816 --flash 107520
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>

#include "deploy/choose.h"
#include "deploy/firmware.h"
#include "execute/booted.h"
#include "execute/painted_stack.h"
#include "import/tflite/reader.h"
#include "records/database.h"
#include "reference/interpret.h"
#include "support/random.h"

namespace mote {

namespace {

using Optimize = deploy::Goal::Optimize;

std::vector<Bytes> random_inputs(const ir::Graph& graph) {
  Random random(1);
  std::vector<Bytes> inputs;
  for (const ir::TensorId id : graph.inputs) random.fill(inputs.emplace_back(graph.tensor(id).size_bytes()));
  return inputs;
}

std::string name_of(const deploy::Goal& goal) {
  if (goal.is_speed_alone()) return "speed";
  if (goal.optimize != Optimize::kSpeed) return goal.optimize == Optimize::kRam ? "ram" : "flash";
  std::string budgets;
  if (goal.ram_bytes) budgets += fmt::format("--ram {}", *goal.ram_bytes);
  if (goal.flash_bytes) budgets += fmt::format("{}--flash {}", budgets.empty() ? "" : " ", *goal.flash_bytes);
  return budgets;
}

/// One row of the table.
void report(const ir::Graph& graph, const std::string& file, const target::Board& board, const deploy::Choose& choose,
            const deploy::Goal& goal, device::Device& device, toolchain::Toolchain& toolchain) {
  const deploy::Library library = deploy::make_library(graph, file, "", board, choose, goal);
  const deploy::Measured sizes = deploy::measure(library, board, toolchain);
  const uint32_t stack = execute::painted_stack(device, board, library, toolchain, board.stack_bytes);
  const std::vector<Bytes> inputs = random_inputs(graph), tensors = reference::interpret(graph, inputs);
  execute::Booted booted(device, board, library, toolchain);
  const execute::Inference inference = booted.run(inputs);
  bool exact = true;
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    exact = exact && inference.outputs[i] == tensors.at(static_cast<size_t>(graph.outputs[i]));
  }
  fmt::print("| {} | {} | {}{} | {} | {} | {} | {} | {} | {} | {} |\n", std::filesystem::path(file).stem().string(),
             board.target.name, name_of(goal), exact ? "" : " (NOT BIT-EXACT)", sizes.ram_bytes(), stack,
             sizes.stack_bytes ? std::to_string(*sizes.stack_bytes) : "unknown", sizes.ram_bytes() + stack,
             sizes.flash_bytes(), sizes.code_bytes, inference.total_cycles());
  std::fflush(stdout);
}

void report_all(const std::vector<std::string>& models, const std::vector<std::string>& boards,
                const std::string& records_file, const std::vector<deploy::Goal>& goals) {
  fmt::print(
      "| model | target | --optimize | RAM without stack | stack, painted | stack, stated | RAM | flash | of it code | "
      "cycles |\n|---|---|---|---:|---:|---:|---:|---:|---:|---:|\n");
  std::optional<records::Database> records;
  if (!records_file.empty()) records.emplace(records_file, records::Database::Mode::kRead);
  for (const std::string& file : models) {
    const ir::Graph graph = import::read_tflite(file);
    for (const std::string& name : boards) {
      const target::Board board = target::load_board(name);
      const deploy::Choose choose = records ? deploy::choose_from(*records, board) : deploy::Choose();
      const std::unique_ptr<device::Device> device = device::open_device("sim", board);
      toolchain::Toolchain toolchain(board);
      for (const deploy::Goal& goal : goals) report(graph, file, board, choose, goal, *device, toolchain);
    }
  }
}

}  // namespace

}  // namespace mote

int main(int argc, char** argv) {
  CLI::App app("Measures the RAM and flash of models as firmware on the virtual board.");
  std::vector<std::string> models, boards{"nucleo-f746zg", "nucleo-l4r5zi"};
  std::string records;
  app.add_option("MODELS", models, "int8 models, .tflite files")->required();
  app.add_option("--board", boards, "A board, once for each");
  app.add_option("--records", records, "What `mote tune` has measured");
  mote::deploy::Goal budgets;
  app.add_option("--ram", budgets.ram_bytes, "Instead of all goals: at most so many bytes of activations and scratch");
  app.add_option("--flash", budgets.flash_bytes,
                 "Instead of all goals: at most so many bytes of kernels and constants");
  CLI11_PARSE(app, argc, argv);
  using mote::Optimize;
  std::vector<mote::deploy::Goal> goals = {
      {Optimize::kSpeed, {}, {}}, {Optimize::kRam, {}, {}}, {Optimize::kFlash, {}, {}}};
  if (!budgets.is_speed_alone()) goals = {budgets};
  try {
    mote::report_all(models, boards, records, goals);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
