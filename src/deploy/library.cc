#include "deploy/library.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "codegen/emit.h"
#include "deploy/cycles.h"
#include "deploy/fit.h"
#include "deploy/hand_over.h"
#include "deploy/manifest.h"
#include "deploy/order.h"
#include "deploy/pools.h"
#include "passes/pipeline.h"
#include "support/error.h"

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

/// What would help a library that is too large: the bytes that the other goals would save where bytes are missing.
std::string advice_for(const ir::Graph& graph, const Library& library, const target::Board& board, const Choose& choose,
                       const Goal& goal, const std::vector<Excess>& excess) {
  using Optimize = Goal::Optimize;
  std::string advice;
  const auto missing = [&](std::string_view memory) {
    return std::any_of(excess.begin(), excess.end(), [&](const Excess& e) { return e.memory.starts_with(memory); });
  };
  for (const auto& [optimize, option] : {std::pair{Optimize::kRam, "ram"}, std::pair{Optimize::kFlash, "flash"}}) {
    if (goal.optimize == optimize || !missing(optimize == Optimize::kRam ? "RAM" : "flash")) continue;
    const Network other = make_network(order_for_ram(passes::run_passes(graph)), library.network.prefix, board.target,
                                       choose, {optimize, {}, {}}, "");
    const int64_t ram = library.arena.bytes() - plan_arena(other).bytes();
    const int64_t flash =
        static_cast<int64_t>(constant_bytes(library.network)) - static_cast<int64_t>(constant_bytes(other));
    if (optimize == Optimize::kRam && ram > 0) {
      advice += fmt::format("; --optimize {} saves {} bytes of RAM", option, ram);
    }
    if (optimize == Optimize::kFlash && flash > 0) {
      advice += fmt::format("; --optimize {} saves {} bytes of weights and tables", option, flash);
    }
  }
  return advice.empty() ? "; no option makes it smaller: a smaller model or another board would" : advice;
}

}  // namespace

Library make_library(const ir::Graph& graph, const std::string& model, const std::string& prefix,
                     const target::Board& board, const Choose& choose, const Goal& goal, const SwitchedOff& off) {
  const std::string name = codegen::identifier(prefix.empty() ? graph.name : prefix);
  Library library;
  ir::Graph fused = passes::run_passes(graph, {}, off.passes);
  if (!off.order_for_ram) fused = order_for_ram(std::move(fused));
  library.network = off.search_requantisation ? make_network(std::move(fused), name, board.target, choose, false)
                                              : make_network(std::move(fused), name, board.target, choose, goal, model);
  library.arena = off.int16_handed_over
                      ? plan_arena(library.network)
                      : hand_over_int16(library.network, board.target, ram_for(library.network, board, goal));
  library.arena = distribute(std::move(library.arena), library.network, board, goal.fast_bytes.has_value());
  mark_overlaps(&library.network, library.arena);
  const std::vector<Excess> excess = check_fit(library, board);
  if (!excess.empty()) {
    require_fit(library, board, model, std::nullopt, advice_for(graph, library, board, choose, goal, excess));
  }
  library.origin = {std::filesystem::path(model).filename().string(),
                    board.name,
                    board.target.name,
                    kKernelFlags,
                    cpu_flags_of(board),
                    hash_of(graph)};
  library.sources = emit_sources(library.network, library.arena, library.origin);
  return library;
}

RunCost cost_of_fastest(const ir::Graph& graph, const target::Board& board, const Choose& choose) {
  Network network = make_network(order_for_ram(passes::run_passes(graph)), "model", board.target, choose, {}, "");
  const Arena arena = hand_over_int16(network, board.target, ram_for(network, board, {}));
  return {arena.bytes(), predict_cycles(network).cycles};
}

void set_labels(Library& library, std::vector<std::string> labels, const std::string& file) {
  const ir::Graph& graph = library.network.graph;
  const ir::Shape& shape = graph.tensor(graph.outputs.front()).shape;
  const size_t wanted = shape.empty() ? 1 : static_cast<size_t>(shape.back());
  if (labels.size() != wanted) {
    throw InputError(file, fmt::format("has {} labels; the last dimension of output 0, {}, has {}", labels.size(),
                                       ir::text_of(shape), wanted));
  }
  library.origin.labels = std::move(labels);
  library.sources = emit_sources(library.network, library.arena, library.origin);
}

bool holds_weights(const Library& library, const File& file) {
  return file.path.ends_with("_data.c") && file.path != library.network.prefix + ".c";
}

std::vector<File> files_of(const Library& library, const std::optional<Measured>& measured,
                           const std::optional<File>& weights) {
  std::vector<File> files = {emit_header(library.network, library.arena, library.origin, measured)};
  std::vector<std::string> sources;
  const auto add = [&](const File& file) {
    files.push_back(file);
    sources.push_back(file.path);
  };
  for (const File& file : library.sources) {
    if (file.path.ends_with(".c") && !(weights && holds_weights(library, file))) add(file);
  }
  if (weights) add(*weights);
  for (File& file : emit_extras(library.network, library.arena, library.origin, measured, sources)) {
    files.push_back(std::move(file));
  }
  for (File& file : linker_fragments(library.placement, library.network.prefix)) files.push_back(std::move(file));
  files.push_back(manifest_of(library, files));
  return files;
}

}  // namespace mote::deploy
