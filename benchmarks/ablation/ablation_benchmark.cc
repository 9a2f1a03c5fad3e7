// What each technique is worth: models with one of them switched off at a time, untuned and tuned, as Markdown.
//   ablation_benchmark examples/models/resnet_8.tflite --records benchmarks/records.db
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>

#include "bench/run.h"
#include "deploy/choose.h"
#include "import/tflite/reader.h"
#include "support/random.h"

namespace mote {

namespace {

/// A change to the config that a kernel would have, in its space; the same config where it does not apply.
using Change = std::function<space::Config(const space::Space&, const space::Config&)>;

struct Technique {
  std::string without;  // what is switched off
  Change change = [](const space::Space&, const space::Config& config) { return config; };
  deploy::SwitchedOff off = {};
  bool scheduled = true;  // instructions in an order that suits the core; else as they are generated, for any core
};

/// Only for configs of the alternatives `of`: another one, with its first knobs.
Change use_alternative(const std::vector<std::string>& of, const std::string& name) {
  return [=](const space::Space& space, const space::Config& config) {
    const space::Alternative* other = space.alternative(name);
    const bool applies = std::find(of.begin(), of.end(), config.alternative) != of.end();
    return applies && other != nullptr ? other->at(0) : config;
  };
}

/// Another value for a knob, where it has `from` now (-1: whatever it has).
Change set_knob(const std::string& knob, int64_t value, int64_t from = -1) {
  return [=](const space::Space&, const space::Config& config) {
    space::Config changed = config;
    for (auto& [name, at] : changed.values) at = name == knob && (from == -1 || from == at) ? value : at;
    return changed;
  };
}

/// Convolutions in plain C that read the input where it lies and test every tap for padding, or only near the border.
Change direct(bool peeled) {
  return [peeled](const space::Space& space, const space::Config& config) {
    const space::Alternative* direct = space.alternative("direct");
    if (direct == nullptr || direct->knob("border") == nullptr) return config;
    const space::Config chosen = direct->with({{"border", peeled ? 1 : 0}});
    return space.why_illegal(chosen) ? config : chosen;
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
  constexpr int64_t kSummed = 0, kInt8 = 1, kInt16 = 2;  // of the knob "weights"
  return {
      {"(nothing)"},
      {"Winograd: direct", use_alternative({"winograd"}, "gemm")},
      {"two channels in one product: one", set_knob("weights", kInt8, kSummed)},
      {"int16 weights: int8", set_knob("weights", kSummed, kInt16)},
      {"int8 weights: int16", set_knob("weights", kInt16)},
      {"tiles of eight sums: four (2x2)", set_knob("tile", 2)},
      {"unrolling beyond 512 bytes", set_knob("code_budget", 512)},
      {.without = "requantisation by search: the reference's arithmetic", .off = {.search_requantisation = true}},
      {"rows copied with their padding: windows copied, every pixel tested", use_alternative({"gemm"}, "windows")},
      {"convolutions' windows in C where they lie, the border apart", direct(true)},
      {"convolutions' windows in C where they lie, every tap tested", direct(false)},
      {.without = "scheduling: instructions in the order of generation", .scheduled = false},
      {.without = "constant channels", .off = {.passes = {"remove_constant_channels"}}},
      {.without = "fused pads, tables and reshapes",
       .off = {.passes = {"fuse_pad", "fuse_lookup", "bypass_reshape", "lookup_before_reshape"}}},
      {.without = "int16 handed over", .off = {.int16_handed_over = true}},
      {"the scheduled depthwise kernel: compiled C", use_alternative({"columns", "bands"}, "loops")},
      {"all scheduled kernels: compiled C", compiled},
  };
}

/// The kernels of `choose`, or untuned ones without it, each changed.
deploy::Choose chooser(const target::Target& target, const deploy::Choose& choose, const Change& change) {
  return [&target, &choose, change](const kernels::Workload& workload, const space::Space& space) {
    std::vector<deploy::Known> known;
    if (choose) known = choose(workload, space);
    const space::Config best = known.empty() ? kernels::fallback_of(workload, target) : known.front().config;
    const space::Config other = change(space, best);
    if (other == best) return std::vector<deploy::Known>{{best}};
    return std::vector<deploy::Known>{{other}, {best}};
  };
}

std::vector<Bytes> random_inputs(const ir::Graph& graph) {
  Random random(1);
  std::vector<Bytes> inputs;
  for (const ir::TensorId id : graph.inputs) random.fill(inputs.emplace_back(graph.tensor(id).size_bytes()));
  return inputs;
}

void report(const std::string& file, const std::string& board_name, const records::Database* records) {
  const ir::Graph graph = import::read_tflite(file);
  const target::Board board = target::load_board(board_name, {});
  target::Board plain = board;
  plain.target.pipeline.clear();  // what is not known of a core cannot be scheduled for
  const std::unique_ptr<device::Device> device = device::open_device("sim", board);
  toolchain::Toolchain toolchain(board);
  const deploy::Choose choose = records != nullptr ? deploy::choose_from(*records, board) : deploy::Choose{};
  fmt::print("### {} on {}, {}\n\n| without | cycles | times | flash | RAM |\n|---|---:|---:|---:|---:|\n",
             std::filesystem::path(file).stem().string(), board.target.name, choose ? "tuned" : "untuned");
  double base = 0;
  for (const Technique& technique : techniques()) {
    const bench::Build build =
        bench::build(graph, file, technique.scheduled ? board : plain, random_inputs(graph), *device, toolchain,
                     chooser(board.target, choose, technique.change), technique.off);
    const double cycles = static_cast<double>(build.cycles);
    if (base == 0) base = cycles;
    fmt::print("| {}{} | {} | {:.2f} | {} | {} |\n", technique.without, build.exact ? "" : " (NOT BIT-EXACT)",
               build.cycles, cycles / base, build.flash_bytes, build.ram_bytes);
    std::fflush(stdout);
  }
  fmt::print("\n");
}

}  // namespace

}  // namespace mote

int main(int argc, char** argv) {
  CLI::App app("Measures models with one technique switched off at a time.");
  std::vector<std::string> models, boards{"nucleo-f746zg", "nucleo-l4r5zi"};
  app.add_option("MODELS", models, "int8 models, .tflite files")->required();
  app.add_option("--board", boards, "A board, once for each");
  std::string records_file;
  app.add_option("--records", records_file, "Tuned, too: the records of this file");
  CLI11_PARSE(app, argc, argv);
  try {
    std::optional<mote::records::Database> records;
    if (!records_file.empty()) records.emplace(records_file, mote::records::Database::Mode::kRead);
    for (const std::string& model : models) {
      for (const std::string& board : boards) {
        mote::report(model, board, nullptr);
        if (records) mote::report(model, board, &*records);
      }
    }
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
