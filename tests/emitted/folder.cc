#include "folder.h"

#include <fmt/format.h>

#include "deploy/emit.h"
#include "support/error.h"
#include "support/subprocess.h"

namespace mote::tests {

namespace {

const std::vector<std::string> kWarnings = {"-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror"};

constexpr size_t kLargeTable = 40'000;  // of text: cppcheck's time grows with the square

/// A program that runs a library: inputs from standard input, outputs to standard output. NET stands for the prefix in
/// capitals, net for the prefix itself.
constexpr const char* kMain = R"(#define _POSIX_C_SOURCE 200112L
#include "net.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int next;

void net_hook(int operator_index)
{
    if (operator_index != next++) {
        fprintf(stderr, "the hook was called for %d\n", operator_index);
        abort();
    }
}

static void expect(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

int main(void)
{
    static const size_t in_bytes[] = { @IN@0 }, out_bytes[] = { @OUT@0 };
    void *memory = NULL;
    expect(posix_memalign(&memory, NET_ARENA_ALIGNMENT < 8 ? 8 : NET_ARENA_ALIGNMENT, NET_ARENA_BYTES) == 0, "memory");
    memset(memory, 0x5A, NET_ARENA_BYTES);
    const net_context context = { memory };
    net_init();
    for (int i = 0; i < NET_INPUT_COUNT; i++) {
        expect(fread(net_input_in(&context, i), 1, in_bytes[i], stdin) == in_bytes[i], "too little input");
        memcpy(net_input(i), net_input_in(&context, i), in_bytes[i]);
    }
    expect(net_input(NET_INPUT_COUNT) == NULL && net_output(NET_OUTPUT_COUNT) == NULL, "one too many");
    expect(net_input(-1) == NULL && net_output(-1) == NULL, "a negative index");
    net_run_in(&context);
    expect(next == NET_OPERATOR_COUNT + 1, "the hook was not called for every operator");
    next = 0;
    net_run();
    for (int i = 0; i < NET_OUTPUT_COUNT; i++) {
        expect(memcmp(net_output(i), net_output_in(&context, i), out_bytes[i]) == 0, "the two arenas differ");
        fwrite(net_output(i), 1, out_bytes[i], stdout);
    }
    free(memory);
    return 0;
}
)";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

std::string sizes_of(const ir::Graph& graph, const std::vector<ir::TensorId>& ids) {
  std::string text;
  for (const ir::TensorId id : ids) text += fmt::format("{}, ", graph.tensor(id).size_bytes());
  return text;
}

std::string main_of(const deploy::Library& library) {
  const std::string& prefix = library.network.prefix;
  const ir::Graph& graph = library.network.graph;
  std::string macro = prefix;
  for (char& c : macro) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::string text = replaced(replaced(kMain, "NET_", macro + "_"), "net_", prefix + "_");
  text = replaced(text, "\"net.h\"", "\"" + prefix + ".h\"");
  text = replaced(text, "@IN@", sizes_of(graph, graph.inputs));
  return replaced(text, "@OUT@", sizes_of(graph, graph.outputs));
}

CommandResult run_in(const std::filesystem::path& folder, std::vector<std::string> arguments, std::string input = "") {
  Command command;
  command.arguments = std::move(arguments);
  command.folder = folder;
  command.input = std::move(input);
  return run_command(command);
}

std::string complaint(const CommandResult& result) {
  return result.ok() ? "" : "failed: " + (result.err + result.out).substr(0, 3000);
}

}  // namespace

LibraryFolder::LibraryFolder(const deploy::Library& library) : prefix_(library.network.prefix) {
  for (const deploy::File& file : library.sources) {
    write_file(folder_.path() / file.path, file.text);
    if (!file.path.ends_with(".c")) continue;
    sources_.push_back(file.path);
    if (!file.path.ends_with("_data.c") || file.text.size() < kLargeTable) code_.push_back(file.path);
  }
  for (const ir::TensorId id : library.network.graph.outputs) {
    output_bytes_.push_back(library.network.graph.tensor(id).size_bytes());
  }
  std::filesystem::create_directory(folder_.path() / "use");
  write_file(folder_.path() / "use" / "main.c", main_of(library));
  write_file(folder_.path() / "use" / "main.cc", "#include \"" + prefix_ + ".h\"\nint main() { return 0; }\n");
}

std::string LibraryFolder::compile(std::vector<std::string> compiler) const {
  compiler.insert(compiler.end(), kWarnings.begin(), kWarnings.end());
  compiler.insert(compiler.end(), {"-O2", "-c"});
  compiler.insert(compiler.end(), sources_.begin(), sources_.end());
  return complaint(run_in(folder_.path(), compiler));
}

std::string LibraryFolder::include_in_cpp() const {
  return complaint(run_in(folder_.path(), {"g++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I.",
                                           "-fsyntax-only", "use/main.cc"}));
}

std::string LibraryFolder::check() const {
  // Not looked at: that to shift a negative number right is up to the compiler (all that know a Cortex-M keep its sign,
  // and the kernels count on it), that a shape's constants make a comparison always true or a quotient one, and that
  // the maximum of floats without an upper bound begins at the lower bound it is held to.
  std::vector<std::string> arguments = {"cppcheck",
                                        "--std=c99",
                                        "--quiet",
                                        "--enable=warning,style,performance,portability",
                                        "--suppress=shiftTooManyBitsSigned",
                                        "--suppress=knownConditionTrueFalse",
                                        "--suppress=duplicateExpression",
                                        "--suppress=duplicateValueTernary",
                                        "--error-exitcode=1"};
  arguments.insert(arguments.end(), code_.begin(), code_.end());
  return complaint(run_in(folder_.path(), arguments));
}

std::string LibraryFolder::build_sanitized() const {
  std::string macro = prefix_;
  for (char& c : macro) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::vector<std::string> arguments = {"gcc",
                                        "-O1",
                                        "-g",
                                        "-fsanitize=address,undefined",
                                        "-fno-sanitize-recover=all",
                                        "-ffp-contract=off",
                                        "-D" + macro + "_HOOK",
                                        "-I.",
                                        "-o",
                                        "use/program",
                                        "use/main.c"};
  arguments.insert(arguments.end(), kWarnings.begin(), kWarnings.end());
  arguments.insert(arguments.end(), sources_.begin(), sources_.end());
  return complaint(run_in(folder_.path(), arguments));
}

std::vector<Bytes> LibraryFolder::run(const std::vector<Bytes>& inputs) const {
  std::string input;
  for (const Bytes& bytes : inputs) input.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const CommandResult result = run_in(folder_.path(), {(folder_.path() / "use" / "program").string()}, input);
  if (!result.ok()) throw JobError(result.err.substr(0, 3000));
  std::vector<Bytes> outputs;
  size_t at = 0;
  for (const size_t bytes : output_bytes_) {
    outputs.push_back(to_bytes(std::span<const char>(result.out).subspan(at, bytes)));
    at += bytes;
  }
  return outputs;
}

}  // namespace mote::tests
