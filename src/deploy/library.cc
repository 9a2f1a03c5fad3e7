#include "deploy/library.h"

#include "codegen/emit.h"
#include "deploy/fit.h"
#include "deploy/hand_over.h"
#include "passes/pipeline.h"

namespace mote::deploy {

Library make_library(const ir::Graph& graph, const std::string& model, const std::string& prefix,
                     const target::Board& board, const Choose& choose) {
  const std::string name = codegen::identifier(prefix.empty() ? graph.name : prefix);
  Library library;
  library.network = make_network(passes::run_passes(graph), name, board.target, choose);
  const int64_t ram = board.target.cortex_m() ? board.ram().size - board.stack_bytes : 0;
  library.arena = hand_over_int16(library.network, board.target, ram);
  require_fit(library.network, library.arena, board, model);
  library.origin = {std::filesystem::path(model).filename().string(), board.name, board.target.name, kKernelFlags};
  library.sources = emit_sources(library.network, library.arena, library.origin);
  return library;
}

std::vector<File> files_of(const Library& library, const std::optional<Measured>& measured) {
  std::vector<File> files = library.sources;
  for (File& file : emit_extras(library.network, library.arena, library.origin, measured)) {
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace mote::deploy
