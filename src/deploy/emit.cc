#include "deploy/emit.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "codegen/emit.h"
#include "deploy/describe.h"
#include "deploy/shared_code.h"
#include "deploy/template.h"
#include "ir/text.h"

namespace mote::deploy {
namespace {

using nlohmann::json;

/// The C file that defines the constants of `program` for which `is_stored(its place among them)`; nothing when there
/// are none.
template <typename IsStored>
std::optional<File> data_file(const loop::Program& program, const std::string& title, IsStored is_stored) {
  std::string text = fmt::format("/* {}: weights and tables. */\n#include <stdint.h>\n", title);
  bool any = false;
  size_t next = 0;
  for (const loop::Buffer& buffer : program.buffers) {
    if (buffer.kind != loop::Buffer::Kind::kConstant || !is_stored(next++)) continue;
    any = true;
    text += fmt::format("\nextern const {} {}[{}];\n", loop::c_name(buffer.type),
                        codegen::constant_symbol(program, buffer), buffer.elements());
    text += codegen::emit_constant(program, buffer);
  }
  if (!any) return std::nullopt;
  return File{program.name + "_data.c", text};
}

}  // namespace

uint32_t hash_of(const ir::Graph& graph) {
  uint32_t hash = 2166136261u;
  for (const char c : ir::print(graph, false)) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return hash;
}

size_t constant_bytes(const Network& network) {
  size_t bytes = loose_constants(network).constant_bytes();
  const std::vector<std::vector<StoredConstant>> constants = share_constants(network);
  for (size_t i = 0; i < network.kernels.size(); ++i) {
    if (!network.kernels[i]) continue;
    size_t next = 0;
    for (const loop::Buffer& b : network.kernels[i]->program.buffers) {
      if (b.kind == loop::Buffer::Kind::kConstant && constants[i][next++].is_first) bytes += b.size_bytes();
    }
  }
  return bytes;
}

File emit_header(const Network& network, const Arena& arena, const Origin& origin,
                 const std::optional<Measured>& measured) {
  json values = describe(network, arena, origin);
  values["stack"] = measured && measured->stack_bytes.has_value();
  if (values["stack"]) {
    values["stack_bytes"] = *measured->stack_bytes;
    values["compiler"] = measured->compiler;
    values["flags_text"] = fmt::format("{}", fmt::join(origin.flags, " "));
  }
  return {network.prefix + ".h", render("library/model.h", values)};
}

uint32_t code_bytes_of(const Network& network, size_t index, const Measured& measured) {
  if (!network.kernels[index]) return 0;
  const std::string& name = network.kernels[index]->program.name;
  uint32_t bytes = 0;
  for (const auto& [function, size] : measured.function_bytes) {
    const bool its_own = function == name || function.starts_with(name + "_");
    bytes += its_own ? size : 0;
  }
  return bytes;
}

std::vector<File> emit_sources(const Network& network, const Arena& arena, const Origin& origin) {
  const json values = describe(network, arena, origin);
  std::vector<File> files = {emit_header(network, arena, origin, std::nullopt),
                             {network.prefix + ".c", render("library/model.c", values)}};
  const SharedCode shared = share_code(network);
  for (size_t i = 0; i < network.kernels.size(); ++i) {
    if (!network.kernels[i]) continue;
    const loop::Program& program = network.kernels[i]->program;
    const std::string title = title_of(network.graph, network.graph.operators[i]);
    if (shared.owner[i] == i) {
      const std::string users =
          shared.is_shared[i] ? fmt::format("s {}", fmt::join(shared.users_of(i), ", ")) : fmt::format(" {}", i);
      files.push_back({program.name + ".c", fmt::format("/* Operator{}: {}. */\n", users, title) +
                                                codegen::emit_kernel(shared.function_of(network, i), false)});
    }
    if (std::optional<File> data = data_file(program, fmt::format("Operator {}: {}", i, title),
                                             [&](size_t c) { return shared.constants[i][c].is_first; })) {
      files.push_back(std::move(*data));
    }
  }
  if (std::optional<File> data = data_file(loose_constants(network), "Outputs that do not depend on the inputs",
                                           [](size_t) { return true; })) {
    files.push_back(std::move(*data));
  }
  return files;
}

File emit_operator(const Network& network, size_t index) {
  const loop::Program& program = network.kernels[index]->program;
  return {program.name + ".c", codegen::emit_kernel(program, true)};
}

std::vector<File> emit_extras(const Network& network, const Arena& arena, const Origin& origin,
                              const std::optional<Measured>& measured, const std::vector<std::string>& sources,
                              const Layout& layout) {
  json values = describe(network, arena, origin);
  values["sources"] = values["flags"] = json::array();
  for (const std::string& file : sources) values["sources"].push_back({{"file", file}});
  const bool is_object = !sources.empty() && sources.back().ends_with(".o");
  values["weights_files"] =
      is_object ? fmt::format("`{}{}_weights.o` | all weights and tables, compiled for {}", layout.sources,
                              network.prefix, origin.target)
                : fmt::format("`{}{}_NN_*_data.c` | its weights and tables", layout.sources, network.prefix);
  values["sources_folder"] = layout.sources;
  values["headers"] = layout.headers;
  values["example"] = layout.example;
  values["has_example"] = !layout.example.empty();
  values["package"] = layout.is_package;
  for (const std::string& flag : origin.flags) values["flags"].push_back({{"flag", flag}});
  values["flags_text"] = fmt::format("{}", fmt::join(origin.flags, " "));
  values["measured"] = measured.has_value();
  if (measured) {
    values["code_bytes"] = measured->code_bytes;
    values["constant_bytes"] = measured->constant_bytes;
    values["flash_bytes"] = measured->flash_bytes();
    values["ram_bytes"] = measured->ram_bytes();
    values["copied"] = measured->copied_bytes > 0;
    values["copied_bytes"] = measured->copied_bytes;
    values["other_ram_bytes"] = static_cast<int64_t>(measured->ram_bytes()) - measured->copied_bytes - arena.bytes();
    values["compiler"] = measured->compiler;
    for (size_t i = 0; i < network.kernels.size(); ++i) {
      values["operators"][i]["code_bytes"] = code_bytes_of(network, i, *measured);
    }
    values["stack"] = measured->stack_bytes.has_value();
    values["stack_bytes"] = measured->stack_bytes.value_or(0);
  }
  return {{"README.md", render("library/README.md", values)},
          {"CMakeLists.txt", render("library/CMakeLists.txt", values)},
          {"example_main.c", render("library/example_main.c", values)}};
}

}  // namespace mote::deploy
