// What each technique is worth: untuned models with one of them switched off at a time, as Markdown.
//   ablation_benchmark examples/models/resnet_8.tflite examples/models/ds_cnn.tflite
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>

#include "bench/run.h"
#include "import/tflite/reader.h"
#include "support/random.h"

namespace mote {

namespace {

/// A change to the config that a kernel would have, in its space; the same config where it does not apply.
using Change = std::function<space::Config(const space::Space&, const space::Config&)>;

struct Technique {
  std::string without;  // what is switched off
  Change change;
};

Change use_alternative(const std::string& instead_of, const std::string& name) {
  return [=](const space::Space& space, const space::Config& config) {
    const space::Alternative* other = space.alternative(name);
    return config.alternative == instead_of && other != nullptr ? other->at(0) : config;
  };
}

Change set_knob(const std::string& knob, int64_t value) {
  return [=](const space::Space&, const space::Config& config) {
    space::Config changed = config;
    for (auto& [name, at] : changed.values) at = name == knob ? value : at;
    return changed;
  };
}

/// Kernels from plain C, whatever the operator, with the knobs that suit most.
space::Config compiled(const space::Space& space, const space::Config& config) {
  for (const char* name : {"im2col", "loops"}) {
    const space::Alternative* plain = space.alternative(name);
    if (plain == nullptr) continue;
    space::Config chosen = plain->at(0);
    for (auto& [knob, value] : chosen.values) {
      const space::Knob& choices = *plain->knob(knob);
      for (const int64_t candidate : choices.values) {
        const bool tile = knob == "tile_co" || knob == "tile_p";
        if (candidate <= (tile ? 2 : 8)) value = std::max(value, candidate);
      }
    }
    if (!space.why_illegal(chosen)) return chosen;
    return plain->at(0);
  }
  return config;
}

std::vector<Technique> techniques() {
  return {
      {"(nothing: untuned, as it is)", [](const space::Space&, const space::Config& config) { return config; }},
      {"Winograd", use_alternative("winograd", "gemm")},
      {"two channels in one product", set_knob("weights", 1)},
      {"int8 weights: int16 ones instead", set_knob("weights", 2)},
      {"tiles of eight sums: of four (2x2)", set_knob("tile", 2)},
      {"unrolling beyond 512 bytes", set_knob("code_budget", 512)},
      {"the scheduled depthwise kernel", use_alternative("columns", "loops")},
      {"all scheduled kernels: compiled C", compiled},
  };
}

/// Gives every kernel its untuned config, changed.
deploy::Choose chooser(const target::Target& target, const Change& change) {
  return [&target, change](const kernels::Workload& workload, const space::Space& space) {
    return std::vector<deploy::Known>{{change(space, kernels::fallback_of(workload, target))}};
  };
}

std::vector<Bytes> random_inputs(const ir::Graph& graph) {
  Random random(1);
  std::vector<Bytes> inputs;
  for (const ir::TensorId id : graph.inputs) random.fill(inputs.emplace_back(graph.tensor(id).size_bytes()));
  return inputs;
}

void report(const std::string& file, const std::string& board_name) {
  const ir::Graph graph = import::read_tflite(file);
  const target::Board board = target::load_board(board_name, {});
  const std::unique_ptr<device::Device> device = device::open_device("sim", board);
  toolchain::Toolchain toolchain(board);
  fmt::print("### {} on {}\n\n| without | cycles | times | flash | RAM |\n|---|---:|---:|---:|---:|\n",
             std::filesystem::path(file).stem().string(), board.target.name);
  double base = 0;
  for (const Technique& technique : techniques()) {
    const bench::Build build = bench::build(graph, file, board, random_inputs(graph), *device, toolchain,
                                            chooser(board.target, technique.change));
    const double cycles = static_cast<double>(build.cycles);
    if (base == 0) base = cycles;
    fmt::print("| {}{} | {} | {:.2f} | {} | {} |\n", technique.without, build.exact ? "" : " (NOT BIT-EXACT)",
               build.cycles, cycles / base, build.flash_bytes, build.ram_bytes);
  }
  fmt::print("\n");
}

}  // namespace

}  // namespace mote

int main(int argc, char** argv) {
  CLI::App app("Measures untuned models with one technique switched off at a time.");
  std::vector<std::string> models, boards{"nucleo-f746zg", "nucleo-l4r5zi"};
  app.add_option("MODELS", models, "int8 models, .tflite files")->required();
  app.add_option("--board", boards, "A board, once for each");
  CLI11_PARSE(app, argc, argv);
  try {
    for (const std::string& model : models) {
      for (const std::string& board : boards) mote::report(model, board);
    }
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
