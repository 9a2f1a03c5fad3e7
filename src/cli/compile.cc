// mote compile: a model becomes a folder with a C library.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/deployment.h"
#include "cli/terminal.h"
#include "deploy/firmware.h"
#include "deploy/fit.h"
#include "deploy/package.h"
#include "support/error.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  DeploymentOptions deployment;
  std::string folder, package;
  bool json = false;
};

/// Sizes from a compiler; nothing, with a warning, when there is none for this board.
std::optional<deploy::Measured> measure(const Deployment& deployment, const std::string& model) {
  std::optional<toolchain::Toolchain> toolchain;
  try {
    toolchain.emplace(deployment.board, toolchain::Compiler::kGcc, cache_folder());
  } catch (const JobError& missing) {
    print_warning(fmt::format("the size of the code is not known: {}", missing.what()));
    return std::nullopt;
  }
  const deploy::Library& library = deployment.library;
  const deploy::Measured measured =
      deploy::measure(library.sources, library.network.prefix, deployment.board, *toolchain, library.origin.flags);
  deploy::require_fit(library.network, library.arena, deployment.board, model, measured.code_bytes);
  return measured;
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
                {"arena_bytes", arena.bytes()},
                {"arena_lower_bound_bytes", arena.plan.lower_bound_bytes},
                {"arena_optimal", arena.plan.optimal},
                {"constant_bytes", deploy::constant_bytes(network)},
                {"operators", Json::array()},
                {"files", Json::array()}};
  if (measured) {
    document["ram_bytes"] = measured->ram_bytes();
    document["flash_bytes"] = measured->flash_bytes();
  }
  for (size_t i = 0; i < network.kernels.size(); ++i) {
    const ir::Operator& op = network.graph.operators[i];
    const std::optional<deploy::Kernel>& kernel = network.kernels[i];
    document["operators"].push_back({{"index", source_of(op)},
                                     {"kind", ir::kind_of(op.attributes)},
                                     {"constant_bytes", kernel ? kernel->program.constant_bytes() : 0},
                                     {"scratch_bytes", kernel ? kernel->program.workspace_bytes() : 0},
                                     {"knobs", kernel ? kernel->knobs : ""},
                                     {"tuned", kernel && kernel->tuned}});
  }
  for (const deploy::File& file : files) document["files"].push_back(file.path);
  return document;
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
}

int compile(const Options& options) {
  const Deployment deployment = make_deployment(options.deployment);
  const std::optional<deploy::Measured> measured = measure(deployment, options.deployment.model);
  const std::vector<deploy::File> files = options.package.empty()
                                              ? deploy::files_of(deployment.library, measured)
                                              : deploy::package_of(deployment.library, options.package, measured);
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
          "The form of the folder: arduino, cmake, cmsis-pack, cubeide, esp-idf, make, platformio, zephyr; without "
          "it all files lie side by side")
      ->type_name("FORM");
  add_json_flag(command, options->json);
  command.callback([&run, options] { run = [options] { return compile(*options); }; });
}

}  // namespace mote::cli
