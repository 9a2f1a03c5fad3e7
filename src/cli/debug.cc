// mote debug: halts a board at the kernel of one operator and gives it to gdb, symbols loaded.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstring>
#include <iostream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/on_board.h"
#include "deploy/shared_code.h"
#include "device/device.h"
#include "execute/booted.h"
#include "support/error.h"
#include "support/files.h"
#include "support/subprocess.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kDebugger = "gdb-multiarch";

struct Options {
  DeploymentOptions deployment;
  DeviceOptions device;
  int32_t source_operator = 0;
  std::vector<std::string> debugger_arguments;
  bool json = false;
};

/// The operator of the library that the model's operator number `source` went into.
size_t find_operator(const Options& options, const Deployment& deployment) {
  const deploy::Network& network = deployment.library.network;
  for (size_t i = 0; i < network.graph.operators.size(); ++i) {
    const std::vector<int32_t>& source = network.graph.operators[i].source;
    const bool here = std::find(source.begin(), source.end(), options.source_operator) != source.end();
    if (here && network.kernels[i]) return i;
  }
  std::vector<std::string> known;
  for (size_t i = 0; i < network.graph.operators.size(); ++i) {
    if (network.kernels[i]) known.push_back(source_text(network.graph.operators[i].source));
  }
  throw InputError(options.deployment.model, fmt::format("operator {} has no kernel; those that have: {}",
                                                         options.source_operator, fmt::join(known, ", ")));
}

/// What a debugger wants to see: the firmware with its symbols, and the sources.
std::string write_program(const std::filesystem::path& folder, const deploy::Library& library, const Bytes& elf) {
  for (const deploy::File& file : library.sources) write_file(folder / file.path, file.text);
  const std::filesystem::path path = folder / (library.network.prefix + ".elf");
  write_file(path, elf);
  return path;
}

std::vector<std::string> debugger_command(const std::string& elf, const std::filesystem::path& folder,
                                          const std::string& server) {
  return {kDebugger, "-q", elf, "-ex", "directory " + folder.string(), "-ex", "target extended-remote " + server};
}

/// A command as one would type it.
std::string shell_text(const std::vector<std::string>& arguments) {
  std::vector<std::string> quoted;
  for (const std::string& argument : arguments) {
    const bool plain = argument.find_first_of(" '\"$\\") == std::string::npos;
    quoted.push_back(plain ? argument : "'" + argument + "'");
  }
  return fmt::format("{}", fmt::join(quoted, " "));
}

/// Runs a program on our own terminal, to its end. Ctrl-C is its affair meanwhile. Gives its exit code.
int run_here(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::cout.flush();
  std::fflush(stdout);
  void (*const old)(int) = std::signal(SIGINT, SIG_IGN);
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGINT, SIG_DFL);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  const bool waited = child > 0 && ::waitpid(child, &status, 0) == child;
  std::signal(SIGINT, old);
  if (!waited) throw JobError(fmt::format("{} cannot be started: {}", arguments[0], std::strerror(errno)));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int debug(const Options& options) {
  const Deployment deployment = make_deployment(options.deployment);
  must_boot(deployment.board);
  const size_t index = find_operator(options, deployment);
  const std::vector<Bytes> inputs = read_inputs(options.device, deployment.model);
  toolchain::Toolchain toolchain(deployment.board, toolchain::Compiler::kGcc, cache_folder());
  const std::unique_ptr<device::Device> device = device::open_device(options.device.via, deployment.board);
  execute::Booted booted(*device, deployment.board, deployment.library, toolchain, {"-g"});
  booted.halt_at(index, inputs);
  const std::optional<std::string> server = device->hand_over();
  if (!server) throw JobError(device->name() + ": no GDB server is there to debug through");

  const TemporaryFolder folder;
  const std::string elf = write_program(folder.path(), deployment.library, booted.image().elf);
  std::vector<std::string> command = debugger_command(elf, folder.path(), *server);
  const std::vector<std::string>& more = options.debugger_arguments;
  command.insert(command.end(), more.begin(), more.end());
  if (options.json) {
    Json document{{"kernel", deploy::called_by(deployment.library.network, index)},
                  {"server", *server},
                  {"elf", elf},
                  {"command", command}};
    print_json(document);
  } else {
    fmt::print("halted at {}\n{}\n", deploy::called_by(deployment.library.network, index), shell_text(command));
  }
  std::fflush(stdout);
  const bool interactive = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0 && !options.json;
  if (!interactive && more.empty()) {
    // The board stays as it is while somebody else debugs it.
    std::cin.ignore(std::numeric_limits<std::streamsize>::max());
    return 0;
  }
  if (!find_program(kDebugger)) throw JobError(std::string(kDebugger) + " not found: apt-get install gdb-multiarch");
  return run_here(command) == 0 ? 0 : 1;
}

}  // namespace

void add_debug(CLI::App& app, Run& run) {
  CLI::App& command =
      add_command(app, "debug", "Halt a board at an operator's kernel and debug it with gdb",
                  "mote debug model.tflite --board nucleo-f746zg --operator 3\n"
                  "mote debug model.tflite --board nucleo-f746zg --operator 3 -- -batch -ex bt -ex 'info registers'");
  const std::shared_ptr<Options> options = std::make_shared<Options>();
  add_deployment_options(command, options->deployment);
  add_device_options(command, options->device);
  add_limit_option(command, options->deployment.limits);
  command
      .add_option("--operator", options->source_operator, "The model's operator, by its number (mote inspect has them)")
      ->required();
  command.add_option(
      "GDB_ARGUMENTS", options->debugger_arguments,
      "Behind --: more arguments for gdb-multiarch, which is started then. Without them it is started on "
      "a terminal; elsewhere the board waits until standard input ends");
  add_json_flag(command, options->json);
  command.callback([&run, options] { run = [options] { return debug(*options); }; });
}

}  // namespace mote::cli
