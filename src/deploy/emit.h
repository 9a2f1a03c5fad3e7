// A planned network as the files of a C library.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "deploy/arena.h"
#include "deploy/network.h"

namespace mote::deploy {

struct File {
  std::string path;  // below the library's folder
  std::string text;
  bool operator==(const File&) const = default;
};

/// What the README says about where the library comes from.
struct Origin {
  std::string model;  // file name, no folder
  std::string board, target;
  std::vector<std::string> flags;           // of the compiler, beyond the board's
  std::vector<std::string> cpu_flags = {};  // of the target and the board
  uint32_t model_hash = 0;                  // of the model as imported (see hash_of)
  std::vector<std::string> labels = {};     // what the values of output 0 stand for; none when not known
};

/// Tells models apart: FNV-1a of the graph's text, which has a digest of each constant. The same on every machine.
uint32_t hash_of(const ir::Graph& graph);

/// Bytes in the linked firmware.
struct Measured {
  uint32_t code_bytes = 0, constant_bytes = 0, data_bytes = 0, bss_bytes = 0;
  std::string compiler;                                 // name and version
  std::map<std::string, uint32_t> function_bytes = {};  // code of each function, by its name
  std::optional<uint32_t> stack_bytes = {};             // that one run takes at most (see stack.h)
  uint32_t copied_bytes = 0;  // of code and constants: those in flash that start-up code copies to RAM
  uint32_t flash_bytes() const { return code_bytes + constant_bytes + data_bytes; }
  uint32_t ram_bytes() const { return data_bytes + bss_bytes + copied_bytes; }
};

/// The C sources and the header: what has to be compiled to know the sizes. The same network gives the same bytes.
std::vector<File> emit_sources(const Network& network, const Arena& arena, const Origin& origin);

/// The header as emit_sources() has it first, with what is known when the sources are compiled.
File emit_header(const Network& network, const Arena& arena, const Origin& origin,
                 const std::optional<Measured>& measured);

/// One operator that has a kernel as a source of its own: its function, shared with no other operator, and its
/// constants.
File emit_operator(const Network& network, size_t index);

/// Where a folder has what the README speaks of: folders, with a slash, and the example's file, if any.
struct Layout {
  std::string sources, headers, example;
  bool is_package = false;  // with a PACKAGE.md
};

/// The rest of the folder: README.md, CMakeLists.txt, example_main.c. `sources`: the files that make the library.
std::vector<File> emit_extras(const Network& network, const Arena& arena, const Origin& origin,
                              const std::optional<Measured>& measured, const std::vector<std::string>& sources,
                              const Layout& layout = {"", "", "example_main.c"});

/// "conv_2d 1x32x32x3 -> 1x16x16x8": an operator for people, without any name from outside.
std::string title_of(const ir::Graph& graph, const ir::Operator& op);

/// Bytes of code that operator `index` brings: nothing for one that shares the function of an earlier one.
uint32_t code_bytes_of(const Network& network, size_t index, const Measured& measured);

/// Bytes of all weights and tables the library holds.
size_t constant_bytes(const Network& network);

}  // namespace mote::deploy
