#include "deploy/library.h"

#include <algorithm>

#include "codegen/emit.h"
#include "deploy/fit.h"
#include "deploy/hand_over.h"
#include "passes/pipeline.h"

namespace mote::deploy {

namespace {

std::vector<std::string> cpu_flags_of(const target::Board& board) {
  std::vector<std::string> flags = board.target.flags;
  flags.insert(flags.end(), board.flags.begin(), board.flags.end());
  return flags;
}

/// What the arena may grow to for speed alone.
int64_t ram_for(const Network& network, const target::Board& board, const Goal& goal) {
  if (goal.optimize == Goal::Optimize::kRam) return plan_arena(network).bytes();
  const int64_t ram = board.target.cortex_m() ? board.ram().size - board.stack_bytes : 0;
  return std::min(ram, goal.ram_bytes.value_or(ram));
}

}  // namespace

Library make_library(const ir::Graph& graph, const std::string& model, const std::string& prefix,
                     const target::Board& board, const Choose& choose, const Goal& goal, const SwitchedOff& off) {
  const std::string name = codegen::identifier(prefix.empty() ? graph.name : prefix);
  Library library;
  library.network = make_network(passes::run_passes(graph, {}, off.passes), name, board.target, choose, goal, model);
  library.arena = off.int16_handed_over
                      ? plan_arena(library.network)
                      : hand_over_int16(library.network, board.target, ram_for(library.network, board, goal));
  mark_overlaps(&library.network, library.arena);
  require_fit(library.network, library.arena, board, model);
  library.origin = {std::filesystem::path(model).filename().string(),
                    board.name,
                    board.target.name,
                    kKernelFlags,
                    cpu_flags_of(board),
                    hash_of(graph)};
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
