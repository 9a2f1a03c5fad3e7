// mote annotate: machine code with the cycle each instruction issues in, and what it waited for.
#include "schedule/annotate.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/command.h"
#include "cli/deployment.h"
#include "cli/describe.h"
#include "deploy/firmware.h"
#include "deploy/shared_code.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFileList = "mote_files.txt";  // every library has one

struct Options {
  DeploymentOptions deployment;  // its model may be an ELF file
  std::vector<std::string> functions;
  int operator_index = -1;
  bool json = false;
};

/// A function to annotate.
struct Function {
  std::string name;
  uint32_t address = 0;
  Bytes code;
};

bool is_elf(const Bytes& bytes) {
  constexpr std::string_view kMagic =
      "\x7f"
      "ELF";
  return bytes.size() >= kMagic.size() &&
         std::equal(kMagic.begin(), kMagic.end(), bytes.begin(), [](char a, std::byte b) { return std::byte(a) == b; });
}

Function function_of(const toolchain::Image& image, const toolchain::Symbol& symbol, const std::string& file) {
  for (const toolchain::Segment& segment : image.segments) {
    const uint32_t address = symbol.address();
    if (address < segment.address || address - segment.address >= segment.bytes.size()) continue;
    const size_t offset = address - segment.address;
    const size_t size = std::min<size_t>(symbol.size, segment.bytes.size() - offset);
    if (size == 0) break;
    const auto begin = segment.bytes.begin() + static_cast<ptrdiff_t>(offset);
    return {symbol.name, address, Bytes(begin, begin + static_cast<ptrdiff_t>(size))};
  }
  throw InputError(file, "has no code for function " + symbol.name);
}

/// The functions of `image` whose names `wanted` accepts, by address.
template <typename Wanted>
std::vector<Function> functions_of(const toolchain::Image& image, const std::string& file, Wanted wanted) {
  std::vector<Function> functions;
  for (const toolchain::Symbol& symbol : image.symbols) {
    if (symbol.function && symbol.size != 0 && wanted(symbol.name))
      functions.push_back(function_of(image, symbol, file));
  }
  return functions;
}

std::vector<Function> named_functions(const toolchain::Image& image, const std::string& file,
                                      const std::vector<std::string>& names) {
  std::vector<Function> functions =
      functions_of(image, file, [&](const std::string& name) { return std::ranges::find(names, name) != names.end(); });
  for (const std::string& name : names) {
    if (std::ranges::find(functions, name, &Function::name) == functions.end())
      throw InputError(file, "has no function " + name);
  }
  return functions;
}

/// Those of --function; without it, an error that names what there is.
std::vector<Function> chosen_functions(const toolchain::Image& image, const Options& options) {
  const std::string& file = options.deployment.model;
  if (!options.functions.empty()) return named_functions(image, file, options.functions);
  std::string names;
  for (const toolchain::Symbol& symbol : image.symbols) {
    if (symbol.function && symbol.size != 0) names += "\n  " + printable(symbol.name);
  }
  throw InputError(file, "choose functions with --function; it has" + names);
}

/// The operator of the library that the model's operator `index` became a part of.
size_t library_operator(const Deployment& deployment, int index) {
  const ir::Graph& graph = deployment.library.network.graph;
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const std::vector<int32_t>& source = graph.operators[i].source;
    if (std::ranges::find(source, index) == source.end()) continue;
    if (deployment.library.network.kernels[i]) return i;
    throw InputError("--operator", fmt::format("operator {} takes no code", index));
  }
  throw InputError("--operator", fmt::format("the model has no operator {}, or it was fused away", index));
}

std::vector<Function> functions_of_model(const Options& options, target::Target& target) {
  const Deployment deployment = make_deployment(options.deployment);
  target = deployment.board.target;
  toolchain::Toolchain toolchain(deployment.board, toolchain::Compiler::kGcc, cache_folder());
  const deploy::Library& library = deployment.library;
  const toolchain::Image image =
      deploy::build_firmware(library, deployment.board, toolchain, deploy::FirmwareKind::kPlain);
  const std::string& file = options.deployment.model;
  if (!options.functions.empty()) return named_functions(image, file, options.functions);
  if (options.operator_index < 0) throw InputError(file, "is a model: choose a part with --operator or --function");
  const size_t index = library_operator(deployment, options.operator_index);
  const deploy::SharedCode shared = deploy::share_code(library.network);
  return functions_of(image, file,
                      [&](const std::string& name) { return shared.runs_for(library.network, index, name); });
}

/// Files of a library folder that mote has written, with their paths.
std::vector<std::filesystem::path> files_of_library(const std::filesystem::path& folder) {
  const std::filesystem::path list = folder / kFileList;
  if (!std::filesystem::exists(list)) throw InputError(folder, "is no library that mote compile has written");
  std::vector<std::filesystem::path> files;
  std::istringstream lines(read_text(list));
  for (std::string line; std::getline(lines, line);) files.push_back(folder / line);
  return files;
}

/// The functions of a library, as the board's compiler makes them. They lie where the board's flash begins.
std::vector<Function> functions_of_library(const Options& options, target::Target& target) {
  const std::string& folder = options.deployment.model;
  const target::Board board = target::load_board(options.deployment.board, options.deployment.board_folders);
  target = board.target;
  if (options.operator_index >= 0) throw InputError("--operator", "goes with a model, not with a library");
  const std::vector<std::filesystem::path> files = files_of_library(folder);
  std::vector<std::string> flags = deploy::kKernelFlags;
  for (const std::filesystem::path& file : files) {
    if (file.extension() == ".h") flags.push_back("-I" + std::filesystem::absolute(file.parent_path()).string());
  }
  toolchain::Toolchain toolchain(board);
  std::vector<toolchain::Object> objects;
  for (const std::filesystem::path& file : files) {
    const bool example = file.filename().string().starts_with("example") || file.parent_path().filename() == "example";
    if (file.extension() != ".c" || example) continue;
    toolchain::CompileResult compiled = toolchain.compile({file.filename(), read_text(file)}, flags);
    if (!compiled.ok()) throw InputError(file, "does not compile\n" + compiled.messages);
    objects.push_back(std::move(*compiled.object));
  }
  const toolchain::LinkResult linked = toolchain.link(objects, {board.flash().address, board.ram().address});
  if (!linked.ok()) throw InputError(folder, "does not link\n" + linked.messages);
  return chosen_functions(*linked.image, options);
}

std::vector<Function> functions_of_elf(const Options& options, const Bytes& bytes, target::Target& target) {
  const std::string& file = options.deployment.model;
  target = target::load_board(options.deployment.board, options.deployment.board_folders).target;
  const toolchain::Image image = toolchain::read_image(bytes, file);
  if (options.operator_index >= 0) throw InputError("--operator", "goes with a model, not with an ELF file");
  return chosen_functions(image, options);
}

std::vector<Function> functions_of(const Options& options, target::Target& target) {
  if (std::filesystem::is_directory(options.deployment.model)) return functions_of_library(options, target);
  const Bytes bytes = read_bytes(options.deployment.model);
  return is_elf(bytes) ? functions_of_elf(options, bytes, target) : functions_of_model(options, target);
}

Json document_of(const schedule::AnnotatedBlock& block) {
  Json document{{"address", block.address},
                {"loop", block.loop},
                {"cycles", block.annotation.cycles},
                {"instructions", Json::array()}};
  for (const schedule::AnnotatedInsn& line : block.annotation.insns) {
    Json entry{{"address", line.insn.address},
               {"text", line.text},
               {"cycle", line.cycle},
               {"paired", line.paired},
               {"wait", line.wait}};
    if (line.wait > 0) entry["cause"] = schedule::name_of(line.cause);
    if (line.wait > 0 && line.cause == schedule::Wait::kDependency && line.blocker != schedule::kNoRegister)
      entry["register"] = schedule::name_of_register(line.blocker);
    document["instructions"].push_back(entry);
  }
  return document;
}

int annotate(const Options& options) {
  target::Target target;
  const std::vector<Function> functions = functions_of(options, target);
  if (target.pipeline.empty()) throw InputError(options.deployment.board, "there is no timing model of " + target.name);
  const schedule::PipelineModel model(target::load_pipeline(target.pipeline));
  Json document{{"target", target.name}, {"functions", Json::array()}};
  for (const Function& function : functions) {
    const std::vector<schedule::AnnotatedBlock> blocks =
        schedule::annotate_function(model, function.address, function.code);
    if (!options.json) {
      fmt::print("{}: {} bytes, {}\n\n", printable(function.name), function.code.size(), target.name);
      for (const schedule::AnnotatedBlock& block : blocks) fmt::print("{}\n", schedule::to_text(block));
      continue;
    }
    Json entry{{"name", function.name},
               {"address", function.address},
               {"bytes", function.code.size()},
               {"blocks", Json::array()}};
    for (const schedule::AnnotatedBlock& block : blocks) entry["blocks"].push_back(document_of(block));
    document["functions"].push_back(entry);
  }
  if (options.json) print_json(document);
  return 0;
}

}  // namespace

void add_annotate(CLI::App& app, Run& run) {
  CLI::App& command =
      add_command(app, "annotate", "Show machine code with its cycles, and what each instruction waits for",
                  "mote annotate model.tflite --board nucleo-f746zg --records tuning.db --operator 0\n"
                  "mote annotate model/ --board nucleo-f746zg --function model_00_conv_2d\n"
                  "mote annotate firmware.elf --board nucleo-f746zg --function my_kernel");
  const std::shared_ptr<Options> options = std::make_shared<Options>();
  add_deployment_options(command, options->deployment);
  command.get_option("MODEL")->description(
      "The model, a .tflite file; a library that mote compile has written, a folder; or a linked program, an ELF file");
  command.add_option("--function", options->functions, "A function by its name; may be given several times")
      ->allow_extra_args(false)
      ->type_name("NAME");
  command.add_option("--operator", options->operator_index, "The kernel of this operator (# of `mote profile`)")
      ->check(CLI::NonNegativeNumber)
      ->type_name("INDEX");
  add_json_flag(command, options->json);
  command.callback([&run, options] { run = [options] { return annotate(*options); }; });
}

}  // namespace mote::cli
