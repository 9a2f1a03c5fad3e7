#include "cli/annotate_functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "cli/describe.h"
#include "deploy/firmware.h"
#include "deploy/shared_code.h"
#include "execute/code_profile.h"
#include "schedule/basic_blocks.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::cli {

namespace {

constexpr const char* kFileList = "mote_files.txt";  // every library has one

bool is_elf(const Bytes& bytes) {
  constexpr std::string_view kMagic =
      "\x7f"
      "ELF";
  return bytes.size() >= kMagic.size() &&
         std::equal(kMagic.begin(), kMagic.end(), bytes.begin(), [](char a, std::byte b) { return std::byte(a) == b; });
}

/// Where `symbol` ends: assembly often does not say its size. Then the next function begins there, or its memory ends.
uint32_t end_of(const toolchain::Image& image, const toolchain::Symbol& symbol) {
  if (symbol.size != 0) return symbol.address() + symbol.size;
  for (const toolchain::Symbol& other : image.symbols) {
    if (other.function && other.address() > symbol.address()) return other.address();
  }
  return ~0u;
}

MachineFunction function_of(const toolchain::Image& image, const toolchain::Symbol& symbol, const std::string& file) {
  for (const toolchain::Segment& segment : image.segments) {
    const uint32_t address = symbol.address();
    if (address < segment.address || address - segment.address >= segment.bytes.size()) continue;
    const size_t offset = address - segment.address;
    const size_t size = std::min<size_t>(end_of(image, symbol) - address, segment.bytes.size() - offset);
    const auto begin = segment.bytes.begin() + static_cast<ptrdiff_t>(offset);
    return {symbol.name, address, Bytes(begin, begin + static_cast<ptrdiff_t>(size))};
  }
  throw InputError(file, "has no code for function " + printable(symbol.name));
}

/// Whether `symbol` may be given as a function's name: assembly does not always say that a label is one.
bool names_code(const toolchain::Image& image, const toolchain::Symbol& symbol) {
  if (symbol.function) return true;
  return std::ranges::any_of(image.segments, [&](const toolchain::Segment& segment) {
    return segment.executable && symbol.size == 0 && symbol.address() % 2 == 0 && symbol.address() >= segment.address &&
           symbol.address() - segment.address < segment.bytes.size();
  });
}

/// The functions of `image` whose names `wanted` accepts.
template <typename Wanted>
std::vector<MachineFunction> functions_of(const toolchain::Image& image, const std::string& file, Wanted wanted) {
  std::vector<MachineFunction> functions;
  for (const toolchain::Symbol& symbol : image.symbols) {
    if (wanted(symbol.name) && names_code(image, symbol)) functions.push_back(function_of(image, symbol, file));
  }
  return functions;
}

std::vector<MachineFunction> named_functions(const toolchain::Image& image, const std::string& file,
                                             const std::vector<std::string>& names) {
  std::vector<MachineFunction> functions =
      functions_of(image, file, [&](const std::string& name) { return std::ranges::find(names, name) != names.end(); });
  for (const std::string& name : names) {
    if (std::ranges::find(functions, name, &MachineFunction::name) == functions.end())
      throw InputError(file, "has no function " + name);
  }
  return functions;
}

/// Those of --function; without it, an error that names what there is.
std::vector<MachineFunction> chosen_functions(const toolchain::Image& image, const AnnotateOptions& options) {
  const std::string& file = options.deployment.model;
  if (!options.functions.empty()) return named_functions(image, file, options.functions);
  std::string names;
  for (const toolchain::Symbol& symbol : image.symbols) {
    if (symbol.function) names += "\n  " + printable(symbol.name);
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

AnnotatedProgram functions_of_model(const AnnotateOptions& options) {
  const Deployment deployment = make_deployment(options.deployment);
  toolchain::Toolchain toolchain(deployment.board, toolchain::Compiler::kGcc, cache_folder());
  const deploy::Library& library = deployment.library;
  const toolchain::Image image =
      options.run ? deploy::build_program(
                        {library}, execute::main_of_one_run(library, read_inputs(DeviceOptions(), deployment.model)),
                        deployment.board, toolchain, {})
                  : deploy::build_firmware(library, deployment.board, toolchain, deploy::FirmwareKind::kPlain);
  const std::string& file = options.deployment.model;
  if (!options.functions.empty()) {
    return {deployment.board, named_functions(image, file, options.functions), image.elf};
  }
  if (options.operator_index < 0) throw InputError(file, "is a model: choose a part with --operator or --function");
  const size_t index = library_operator(deployment, options.operator_index);
  const deploy::SharedCode shared = deploy::share_code(library.network);
  const auto runs = [&](const std::string& name) { return shared.runs_for(library.network, index, name); };
  return {deployment.board, functions_of(image, file, runs), image.elf};
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

/// The function that does a library's operator, and what the names of all the library's functions begin with.
struct OperatorCode {
  std::string function, prefix;
};

/// The file that calls all operators is asked: a comment there says "2: conv_2d ...", and the call stands below it.
OperatorCode code_of_operator(const std::vector<std::filesystem::path>& files, const std::string& folder, int index) {
  const std::string comment = fmt::format("    /* {}: ", index), any_comment = "    /* ";
  for (const std::filesystem::path& file : files) {
    if (file.extension() != ".c") continue;
    const std::string prefix = file.stem().string() + "_";
    std::istringstream lines(read_text(file));
    bool inside = false;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(any_comment)) inside = line.starts_with(comment);
      const size_t call = line.find_first_not_of(' '), end = line.find('(');
      if (inside && call != std::string::npos && end != std::string::npos && line.substr(call).starts_with(prefix)) {
        return {line.substr(call, end - call), prefix};
      }
    }
  }
  throw InputError("--operator", fmt::format("library {} has no operator {} that calls a kernel", folder, index));
}

/// The operator's function and those that it goes to, whichever operator they are named after, by address.
std::vector<MachineFunction> called_functions(const toolchain::Image& image, const std::string& folder,
                                              const OperatorCode& operator_code) {
  std::vector<MachineFunction> functions = named_functions(image, folder, {operator_code.function});
  for (size_t i = 0; i < functions.size(); ++i) {
    const MachineFunction caller = functions[i];
    for (const schedule::BasicBlock& block : schedule::basic_blocks(caller.address, caller.code)) {
      const toolchain::Symbol* callee = image.function_at(block.back().branch_target);
      if (callee == nullptr || !callee->name.starts_with(operator_code.prefix)) continue;
      if (std::ranges::find(functions, callee->name, &MachineFunction::name) != functions.end()) continue;
      functions.push_back(function_of(image, *callee, folder));
    }
  }
  std::ranges::sort(functions, {}, &MachineFunction::address);
  return functions;
}

/// The functions of a library, as the board's compiler makes them. They lie where the board's flash begins.
AnnotatedProgram functions_of_library(const AnnotateOptions& options) {
  const std::string& folder = options.deployment.model;
  const target::Board board = target::load_board(options.deployment.board, options.deployment.board_folders);
  if (options.run || !options.profile.empty()) {
    throw InputError(options.run ? "--run" : "--profile", "needs a model or a linked program: a library does not run");
  }
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
  if (options.operator_index < 0) return {board, chosen_functions(*linked.image, options), {}};
  const OperatorCode code = code_of_operator(files, folder, options.operator_index);
  return {board, called_functions(*linked.image, folder, code), {}};
}

AnnotatedProgram functions_of_elf(const AnnotateOptions& options, const Bytes& bytes) {
  const target::Board board = target::load_board(options.deployment.board, options.deployment.board_folders);
  const toolchain::Image image = toolchain::read_image(bytes, options.deployment.model);
  if (options.operator_index >= 0) {
    throw InputError("--operator", "goes with a model or a library, not with an ELF file");
  }
  return {board, chosen_functions(image, options), bytes};
}

}  // namespace

AnnotatedProgram find_functions(const AnnotateOptions& options) {
  const std::string& model = options.deployment.model;
  if (std::filesystem::is_directory(model)) return functions_of_library(options);
  const Bytes bytes = read_bytes(model);
  if (is_elf(bytes)) return functions_of_elf(options, bytes);
  if (!options.profile.empty()) throw InputError("--profile", "goes with a linked program; a model is run with --run");
  return functions_of_model(options);
}

}  // namespace mote::cli
