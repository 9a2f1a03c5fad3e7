// What compile, run, profile and verify share: a model, a board, records, inputs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "deploy/library.h"
#include "ir/graph.h"
#include "support/bytes.h"
#include "target/board.h"

namespace CLI {
class App;
}

namespace mote::cli {

struct DeploymentOptions {
  std::string model, board, records, name;
  std::vector<std::string> board_folders;
  deploy::Goal goal;
  std::vector<std::string> limits;  // of a command that reaches a board
};

/// --optimize, --ram, --flash, --fast-ram.
void add_goal_options(CLI::App& command, deploy::Goal& goal);

/// MODEL, --board, --boards, --records, --name, --optimize, --ram, --flash, --fast-ram.
void add_deployment_options(CLI::App& command, DeploymentOptions& options);

struct Deployment {
  target::Board board;
  ir::Graph model;  // as imported
  deploy::Library library;
  std::optional<deploy::RunCost> fastest = {};  // to compare with, where the goal is another one and it was asked for
};

/// Reads the model and the records and makes the library; finds out what the fastest would take, if it is to
/// `compare`. Throws InputError.
Deployment make_deployment(const DeploymentOptions& options, bool compare = false);

/// "predicted_cycles", "estimated_operators", "unmeasured_operators" and "fastest" of a document.
void add_costs(const Deployment& deployment, nlohmann::ordered_json& document);
/// The same as a line for people: "about 7.09 M cycles an inference (fastest: 59,648 bytes, about 5.01 M cycles)".
/// Empty when nothing is known and nothing was to be compared.
std::string costs_text(const Deployment& deployment);

/// --limit, for commands that reach a board.
void add_limit_option(CLI::App& command, std::vector<std::string>& limits);
/// Makes the limits that --limit gives the board's own. Throws InputError.
void apply_limits(const std::vector<std::string>& limits, target::Board& board);

struct DeviceOptions {
  std::string via = "sim";
  std::vector<std::string> inputs;
  uint64_t seed = 1;
};

/// --via, --input, --seed.
void add_device_options(CLI::App& command, DeviceOptions& options);

/// One value for each of the graph's inputs: from the files, or random. Throws InputError when a file does not fit.
std::vector<Bytes> read_inputs(const DeviceOptions& options, const ir::Graph& graph);

/// Where compiled objects are kept between runs: $XDG_CACHE_HOME/mote or ~/.cache/mote; "" when there is neither.
std::filesystem::path cache_folder();

/// An operator's "index": the source operators that were fused into it.
nlohmann::ordered_json source_of(const ir::Operator& op);
/// The same for people: "3+4".
std::string source_text(const std::vector<int32_t>& source);

}  // namespace mote::cli
