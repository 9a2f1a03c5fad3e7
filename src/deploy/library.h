// The whole pipeline: an imported model becomes a library for a board. Needs no device; records are data.
//
//   passes -> order of operators -> a kernel for each -> int16 handed over, memory plan -> memories -> does it fit?
//   -> C sources -> (compiler) sizes -> the rest
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "deploy/arena.h"
#include "deploy/emit.h"
#include "deploy/network.h"
#include "deploy/optimize.h"
#include "deploy/placement.h"
#include "target/board.h"

namespace mote::deploy {

/// What kernels are compiled with, beyond what the board asks for; the same while they are measured.
inline const std::vector<std::string> kKernelFlags = {"-O2"};

/// What is switched off, to see what it is worth; everything else is always on.
struct SwitchedOff {
  std::vector<std::string> passes = {};  // by name, see passes::run_passes()
  bool int16_handed_over = false;
  bool search_requantisation = false;  // with the goal of speed alone
  bool order_for_ram = false;          // operators run in the model's order
};

struct Library {
  Network network;
  Arena arena;
  Origin origin;
  std::vector<File> sources;  // what is compiled
  Placement placement;        // all in flash, and the arena in board.ram(), until place() says otherwise
};

/// `graph`: as imported. `model`: its file, for messages and the README. `prefix`: of all names; made of graph.name
/// when empty. Throws InputError when the model is too large for the board (see fit.h) or for the goal's budgets.
Library make_library(const ir::Graph& graph, const std::string& model, const std::string& prefix,
                     const target::Board& board, const Choose& choose = {}, const Goal& goal = {},
                     const SwitchedOff& off = {});

/// What an inference takes.
struct RunCost {
  int64_t ram_bytes = 0;           // of the arena
  std::optional<uint64_t> cycles;  // predicted, see predict_cycles()
};

/// Of a library made as make_library() makes one for speed alone, whether it fits the board or not.
RunCost cost_of_fastest(const ir::Graph& graph, const target::Board& board, const Choose& choose);

/// Gives the values of output 0 names. Throws InputError for `file` when they are not as many as its last dimension.
void set_labels(Library& library, std::vector<std::string> labels, const std::string& file);

/// Whether a source of the library has weights and tables and nothing else.
bool holds_weights(const Library& library, const File& file);

/// All files of the folder. `measured` as far as a compiler was at hand.
/// `weights`: an object that takes the place of the C files with weights (see weights_object()).
std::vector<File> files_of(const Library& library, const std::optional<Measured>& measured,
                           const std::optional<File>& weights = std::nullopt);

/// Writes the files to `folder`, all or nothing: a folder of an earlier library is replaced as a whole. Throws
/// InputError when `folder` exists and holds anything that mote did not write, JobError when it cannot be written.
void write_folder(const std::filesystem::path& folder, const std::vector<File>& files);

}  // namespace mote::deploy
