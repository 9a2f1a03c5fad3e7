// mote compile: a model becomes a folder with a C library.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/deployment.h"
#include "cli/terminal.h"
#include "deploy/firmware.h"
#include "deploy/fit.h"
#include "deploy/package.h"
#include "deploy/pools.h"
#include "import/tflite/labels.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  DeploymentOptions deployment;
  std::string folder, package, labels;
  bool weights_object = false;
  bool json = false;
};

/// The board's compiler; nothing, with a warning, when it is not installed.
std::unique_ptr<toolchain::Toolchain> find_toolchain(const target::Board& board) {
  try {
    return std::make_unique<toolchain::Toolchain>(board, toolchain::Compiler::kGcc, cache_folder());
  } catch (const JobError& missing) {
    print_warning(fmt::format("the size of the code is not known: {}", missing.what()));
    return nullptr;
  }
}

/// Sizes from a compiler.
std::optional<deploy::Measured> measure(const Deployment& deployment, const std::string& model,
                                        const deploy::Goal& goal, toolchain::Toolchain* toolchain) {
  if (toolchain == nullptr) return std::nullopt;
  const deploy::Library& library = deployment.library;
  const deploy::Measured measured = deploy::measure(library, deployment.board, *toolchain);
  std::string advice;
  for (const deploy::Excess& excess : deploy::check_fit(library, deployment.board, measured)) {
    const bool is_flash = excess.memory.starts_with("flash");
    const int64_t budget = is_flash ? excess.available : library.arena.bytes() - excess.over();
    if ((is_flash ? goal.flash_bytes : goal.ram_bytes).has_value() || budget <= 0) continue;
    advice +=
        fmt::format("; --{} {} takes the fastest kernels that fit, if any do", is_flash ? "flash" : "ram", budget);
  }
  deploy::require_fit(library, deployment.board, model, measured, advice);
  return measured;
}

/// Labels of a file, or those that are packed into the model when they are as many as output 0 has values.
void label(const Options& options, deploy::Library& library) {
  if (!options.labels.empty()) {
    deploy::set_labels(library, import::parse_labels(read_bytes(options.labels), options.labels), options.labels);
    return;
  }
  const std::string& model = options.deployment.model;
  std::vector<std::string> packed = import::packed_labels(read_bytes(model), model);
  if (packed.empty()) return;
  try {
    deploy::set_labels(library, std::move(packed), model);
  } catch (const InputError& misfit) {
    print_warning(fmt::format("its labels are left out: {}", misfit.what()));
  }
}

std::vector<deploy::File> files_of(const Options& options, const Deployment& deployment,
                                   const std::optional<deploy::Measured>& measured, toolchain::Toolchain* toolchain) {
  const deploy::Library& library = deployment.library;
  std::optional<deploy::File> weights;
  if (options.weights_object) {
    if (toolchain == nullptr) throw JobError("--weights object: there is no compiler to make it with");
    weights = deploy::weights_object(library, *toolchain);
  }
  if (options.package.empty()) return deploy::files_of(library, measured, weights);
  std::vector<deploy::File> files = deploy::package_of(library, options.package, deployment.board, measured, weights);
  if (deploy::package_boots(options.package) && toolchain != nullptr) {
    const Bytes elf = deploy::build_package(files, *toolchain, library.origin.flags).elf;
    files.push_back(
        {library.network.prefix + ".elf", std::string(reinterpret_cast<const char*>(elf.data()), elf.size())});
  }
  return files;
}

Json json_of(const std::vector<deploy::Copy>& copies, const ir::Graph& graph) {
  Json list = Json::array();
  for (const deploy::Copy& copy : copies) {
    list.push_back({{"index", source_of(graph.operators[copy.index])},
                    {"kernel", copy.name},
                    {"bytes", copy.bytes},
                    {"estimated_cycles_saved", copy.saves}});
  }
  return list;
}

Json json_of(const deploy::Library& library) {
  const deploy::Placement& placement = library.placement;
  const ir::Graph& graph = library.network.graph;
  return {{"code_memory", placement.code_memory},
          {"data_memory", placement.data_memory},
          {"arena_in_data_memory", placement.arena},
          {"code", json_of(placement.code, graph)},
          {"data", json_of(placement.data, graph)}};
}

Json json_of(const Options& options, const Deployment& deployment, const std::optional<deploy::Measured>& measured,
             const std::vector<deploy::File>& files) {
  const deploy::Network& network = deployment.library.network;
  const deploy::Arena& arena = deployment.library.arena;
  Json document{{"model", options.deployment.model},
                {"board", deployment.board.name},
                {"name", network.prefix},
                {"folder", options.folder},
                {"ram_bytes", nullptr},
                {"flash_bytes", nullptr},
                {"code_bytes", nullptr},
                {"stack_bytes", nullptr},
                {"arena_bytes", arena.bytes()},
                {"arena_lower_bound_bytes", arena.plan.lower_bound_bytes},
                {"arena_optimal", arena.plan.optimal},
                {"constant_bytes", deploy::constant_bytes(network)},
                {"operators", Json::array()},
                {"files", Json::array()}};
  if (measured) {
    document["ram_bytes"] = measured->ram_bytes();
    document["flash_bytes"] = measured->flash_bytes();
    document["code_bytes"] = measured->code_bytes;
    if (measured->stack_bytes) document["stack_bytes"] = *measured->stack_bytes;
    document["copied_bytes"] = measured->copied_bytes;
  }
  document["pools"] = Json::array();
  for (const deploy::ArenaPool& pool : deploy::pools_of(deployment.library, deployment.board)) {
    document["pools"].push_back({{"memory", pool.memory}, {"bytes", pool.bytes}});
  }
  add_costs(deployment, document);
  if (options.deployment.goal.fast_bytes) document["placement"] = json_of(deployment.library);
  for (size_t i = 0; i < network.kernels.size(); ++i) {
    const ir::Operator& op = network.graph.operators[i];
    const std::optional<deploy::Kernel>& kernel = network.kernels[i];
    document["operators"].push_back({{"index", source_of(op)},
                                     {"kind", ir::kind_of(op.attributes)},
                                     {"code_bytes", measured ? Json(code_bytes_of(network, i, *measured)) : Json()},
                                     {"constant_bytes", kernel ? kernel->program.constant_bytes() : 0},
                                     {"scratch_bytes", kernel ? kernel->program.workspace_bytes() : 0},
                                     {"knobs", kernel ? kernel->knobs : ""},
                                     {"tuned", kernel && kernel->tuned}});
  }
  for (const deploy::File& file : files) document["files"].push_back(file.path);
  return document;
}

/// What lies in fast memory.
void print_placement(const deploy::Library& library) {
  const deploy::Placement& placement = library.placement;
  std::vector<std::string> parts;
  if (placement.arena) parts.push_back(fmt::format("activations in {}", placement.data_memory));
  if (!placement.code.empty()) {
    parts.push_back(fmt::format("code of {} kernels in {}", placement.code.size(), placement.code_memory));
  }
  if (!placement.data.empty()) {
    parts.push_back(fmt::format("weights of {} in {}", placement.data.size(), placement.data_memory));
  }
  if (parts.empty()) parts.emplace_back("none has room for anything that would be faster there");
  fmt::print("  fast memory: {}", fmt::join(parts, ", "));
  if (deploy::saved_by(placement) > 0) {
    fmt::print("; the {} bytes of copies save about {} cycles (estimated)",
               grouped(placement.code_bytes() + placement.data_bytes()),
               grouped(static_cast<int64_t>(deploy::saved_by(placement))));
  }
  fmt::print("\n");
}

void print_report(const Options& options, const Deployment& deployment,
                  const std::optional<deploy::Measured>& measured) {
  const deploy::Arena& arena = deployment.library.arena;
  fmt::print("{}: the library {} for {}\n", styled(options.folder, Style::kHeading), deployment.library.network.prefix,
             deployment.board.name);
  if (measured) {
    fmt::print("  flash {} bytes: code {}, weights and tables {}\n", grouped(measured->flash_bytes()),
               grouped(measured->code_bytes), grouped(measured->constant_bytes + measured->data_bytes));
    fmt::print("  RAM   {} bytes", grouped(measured->ram_bytes()));
  } else {
    fmt::print("  flash {} bytes of weights and tables, and code\n",
               grouped(static_cast<int64_t>(deploy::constant_bytes(deployment.library.network))));
    fmt::print("  RAM   {} bytes", grouped(arena.bytes()));
  }
  fmt::print(": activations and scratch {}{}\n", grouped(arena.bytes()),
             arena.plan.optimal ? " (proved to be the least)" : "");
  for (const deploy::ArenaPool& pool : arena.pools) {
    fmt::print("    of them {} bytes in {}\n", grouped(pool.bytes), pool.memory);
  }
  if (measured && measured->stack_bytes) fmt::print("  stack {} bytes at most\n", grouped(*measured->stack_bytes));
  const std::string costs = costs_text(deployment);
  if (!costs.empty()) fmt::print("  {}\n", costs);
  if (options.deployment.goal.fast_bytes) print_placement(deployment.library);
}

int compile(const Options& options) {
  Deployment deployment = make_deployment(options.deployment, true);
  label(options, deployment.library);
  const std::unique_ptr<toolchain::Toolchain> toolchain = find_toolchain(deployment.board);
  const std::optional<deploy::Measured> measured =
      measure(deployment, options.deployment.model, options.deployment.goal, toolchain.get());
  const std::vector<deploy::File> files = files_of(options, deployment, measured, toolchain.get());
  deploy::write_folder(options.folder, files);
  if (options.json)
    print_json(json_of(options, deployment, measured, files));
  else
    print_report(options, deployment, measured);
  return 0;
}

}  // namespace

void add_compile(CLI::App& app, Run& run) {
  CLI::App& command = add_command(app, "compile", "Write a model as a C library",
                                  "mote compile model.tflite --board nucleo-f746zg -o model/\n"
                                  "mote compile model.tflite --board nucleo-f746zg --records tuning.db -o model/");
  const std::shared_ptr<Options> options = std::make_shared<Options>();
  add_deployment_options(command, options->deployment);
  command.add_option("-o,--output", options->folder, "The folder to write; that of an earlier library is replaced")
      ->required()
      ->type_name("DIR");
  command
      .add_option(
          "--package", options->package,
          "The form of the folder: arduino, cmake, cmsis-pack, cubeide, esp-idf, firmware (a complete one, to be "
          "flashed; it prints by semihosting), firmware-uart (the same, on the board's serial port), make, platformio, "
          "zephyr; without it all files lie side by side")
      ->type_name("FORM");
  command.add_option("--weights", options->weights_object, "C arrays, or one object of the board's, to be linked")
      ->transform(CLI::CheckedTransformer(std::map<std::string, bool>{{"arrays", false}, {"object", true}}))
      ->option_text("arrays|object");
  command
      .add_option("--labels", options->labels,
                  "A text file with a name for each value of output 0, one a line; by default those in the model")
      ->type_name("FILE");
  add_json_flag(command, options->json);
  command.callback([&run, options] { run = [options] { return compile(*options); }; });
}

}  // namespace mote::cli
