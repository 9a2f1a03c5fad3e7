#include "cli/deployment.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/terminal.h"
#include "deploy/choose.h"
#include "deploy/cycles.h"
#include "deploy/linked_library.h"
#include "import/tflite/reader.h"
#include "records/database.h"
#include "support/error.h"
#include "support/files.h"
#include "support/npy.h"
#include "support/random.h"
#include "toolchain/toolchain.h"

namespace mote::cli {

namespace {

/// Random values of a tensor's type: any integer, floats in [-1, 1).
Bytes random_values(const ir::Tensor& tensor, Random& random) {
  Bytes bytes(tensor.size_bytes());
  if (tensor.dtype != ir::DType::kFloat32) {
    random.fill(bytes);
    return bytes;
  }
  std::vector<float> values(static_cast<size_t>(ir::elements(tensor.shape)));
  for (float& value : values) value = static_cast<float>(2 * random.unit() - 1);
  return to_bytes(values);
}

/// `shape` without dimensions of 1 at its beginning.
std::vector<int64_t> without_batch(std::vector<int64_t> shape) {
  while (!shape.empty() && shape.front() == 1) shape.erase(shape.begin());
  return shape;
}

Bytes values_of_npy(const std::string& file, const Bytes& bytes, const ir::Tensor& tensor) {
  NpyArray array = parse_npy(bytes, file);
  const ir::DType dtype = array.type == NpyType::kFloat32 ? ir::DType::kFloat32 : ir::DType::kInt8;
  const std::vector<int64_t> wanted(tensor.shape.begin(), tensor.shape.end());
  if (dtype != tensor.dtype || without_batch(array.shape) != without_batch(wanted)) {
    throw InputError(file,
                     fmt::format("is an array of {} {}; the model's input is {} {}", ir::name_of(dtype),
                                 fmt::join(array.shape, "x"), ir::name_of(tensor.dtype), ir::text_of(tensor.shape)));
  }
  return std::move(array.data);
}

Bytes values_of(const std::string& file, const ir::Tensor& tensor) {
  Bytes bytes = read_bytes(file);
  if (is_npy(bytes)) return values_of_npy(file, bytes, tensor);
  if (bytes.size() != tensor.size_bytes()) {
    throw InputError(file, fmt::format("has {} bytes; the model's input {} {} has {}", bytes.size(),
                                       ir::name_of(tensor.dtype), ir::text_of(tensor.shape), tensor.size_bytes()));
  }
  return bytes;
}

/// The compiler that a goal needs; none where it would only say whether the estimates were right, and is not there.
std::unique_ptr<toolchain::Toolchain> toolchain_for(const deploy::Goal& goal, const target::Board& board) {
  if (!goal.fast_bytes && !goal.flash_bytes) return nullptr;
  try {
    return std::make_unique<toolchain::Toolchain>(board, toolchain::Compiler::kGcc, cache_folder());
  } catch (const JobError&) {
    if (goal.fast_bytes) throw;
    return nullptr;
  }
}

}  // namespace

using Optimize = deploy::Goal::Optimize;

void add_deployment_options(CLI::App& command, DeploymentOptions& options) {
  command.add_option("MODEL", options.model, "The model, a .tflite file")->required();
  command.add_option("--board", options.board, "The board: a name that `mote boards` lists, or a board file")
      ->required();
  command.add_option("--boards", options.board_folders, "A folder with more board files")->type_name("DIR");
  command.add_option("--records", options.records,
                     "What `mote tune` has measured; without it, schedules that are not tuned");
  command.add_option("--name", options.name, "Prefix of all C names; by default made of the model's file name");
  add_goal_options(command, options.goal);
}

void add_goal_options(CLI::App& command, deploy::Goal& goal) {
  command
      .add_option(
          "--optimize", goal.optimize,
          "speed: the fastest kernels; ram: little RAM, where that costs few cycles; flash: the smallest kernels")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Optimize>{
          {"speed", Optimize::kSpeed}, {"ram", Optimize::kRam}, {"flash", Optimize::kFlash}}))
      ->option_text("speed|ram|flash");
  const auto not_negative = [](const std::string& bytes) {
    return std::string(bytes.starts_with('-') ? bytes + " is negative" : "");
  };
  const auto bytes_option = [&](const char* name, std::optional<int64_t>* bytes, const char* help) {
    command.add_option(name, *bytes, help)
        ->transform(CLI::AsSizeValue(false))
        ->check(not_negative)
        ->option_text("BYTES");
  };
  bytes_option("--ram", &goal.ram_bytes, "At most so much for activations and scratch: 12K, 34816");
  bytes_option("--flash", &goal.flash_bytes,
               "At most so much flash for the library and the start-up code of a firmware");
  bytes_option("--fast-ram", &goal.fast_bytes,
               "Use tightly coupled memory and the like: at most so much of it for copies of hot code and weights");
}

Deployment make_deployment(const DeploymentOptions& options, bool compare) {
  Deployment deployment{
      target::load_board(options.board, options.board_folders), import::read_tflite(options.model), {}};
  apply_limits(options.limits, deployment.board);
  std::optional<records::Database> records;
  deploy::Choose choose;
  if (!options.records.empty()) {
    records.emplace(options.records, records::Database::Mode::kRead);
    choose = deploy::choose_from(*records, deployment.board);
  }
  const deploy::Goal& goal = options.goal;
  const std::unique_ptr<toolchain::Toolchain> toolchain = toolchain_for(goal, deployment.board);
  deployment.library =
      toolchain ? deploy::make_linked_library(deployment.model, options.model, options.name, deployment.board, choose,
                                              goal, *toolchain)
                : deploy::make_library(deployment.model, options.model, options.name, deployment.board, choose, goal);
  if (compare && !goal.is_speed_alone()) {
    deployment.fastest = deploy::cost_of_fastest(deployment.model, deployment.board, choose);
  }
  return deployment;
}

void add_costs(const Deployment& deployment, nlohmann::ordered_json& document) {
  using Json = nlohmann::ordered_json;
  const auto json_of = [](std::optional<uint64_t> cycles) { return cycles ? Json(*cycles) : Json(nullptr); };
  const deploy::Prediction prediction = deploy::predict_cycles(deployment.library.network);
  document["predicted_cycles"] = json_of(prediction.cycles);
  document["estimated_operators"] = prediction.estimated;
  document["unmeasured_operators"] = prediction.unknown;
  document["fastest"] = nullptr;
  if (!deployment.fastest) return;
  document["fastest"] = {{"arena_bytes", deployment.fastest->ram_bytes},
                         {"predicted_cycles", json_of(deployment.fastest->cycles)}};
}

std::string costs_text(const Deployment& deployment) {
  const auto text_of = [](std::optional<uint64_t> cycles) {
    return cycles ? fmt::format("about {:.3g} M cycles", static_cast<double>(*cycles) / 1e6)
                  : std::string("cycles not known");
  };
  const deploy::Prediction prediction = deploy::predict_cycles(deployment.library.network);
  if (!prediction.cycles && !deployment.fastest) return "";
  std::string text = text_of(prediction.cycles);
  text += prediction.cycles ? " an inference" : fmt::format(": {} operators were never measured", prediction.unknown);
  if (prediction.estimated > 0) text += fmt::format(", with estimates for {} of the operators", prediction.estimated);
  if (!deployment.fastest) return text;
  return fmt::format("{} (fastest: {} bytes, {})", text, grouped(deployment.fastest->ram_bytes),
                     text_of(deployment.fastest->cycles));
}

void add_limit_option(CLI::App& command, std::vector<std::string>& limits) {
  command
      .add_option(
          "--limit", limits,
          "How long to wait for the board: connect=, reply=, flash= (programming) or run= (one inference, or one "
          "operator with --hosted), in seconds; once for each. The board file has others, or the defaults are "
          "5, 5, 120 and 300")
      ->type_name("NAME=SECONDS");
}

void apply_limits(const std::vector<std::string>& limits, target::Board& board) {
  for (const std::string& limit : limits) target::set_limit(board.limits, limit, "--limit " + limit);
}

void add_device_options(CLI::App& command, DeviceOptions& options) {
  command
      .add_option("--via", options.via,
                  "How the board is reached: sim, sim:flash, sim:st-link, sim:jtag, gdb[:HOST:PORT], "
                  "openocd[:HOST:PORT], host")
      ->capture_default_str();
  command
      .add_option("--input", options.inputs,
                  "A file with the values of an input, once for each: raw bytes, or .npy. "
                  "Without it they are random")
      ->type_name("FILE");
  command.add_option("--seed", options.seed, "Of the random inputs")->capture_default_str();
}

std::vector<Bytes> read_inputs(const DeviceOptions& options, const ir::Graph& graph) {
  std::vector<Bytes> values;
  if (options.inputs.empty()) {
    Random random(options.seed);
    for (const ir::TensorId id : graph.inputs) values.push_back(random_values(graph.tensor(id), random));
    return values;
  }
  if (options.inputs.size() != graph.inputs.size()) {
    throw InputError("--input", fmt::format("is given {} times, and the model has {} inputs", options.inputs.size(),
                                            graph.inputs.size()));
  }
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    values.push_back(values_of(options.inputs[i], graph.tensor(graph.inputs[i])));
  }
  return values;
}

std::filesystem::path cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0') {
    return std::filesystem::path(cache) / "mote";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return std::filesystem::path(home) / ".cache" / "mote";
  }
  return {};
}

nlohmann::ordered_json source_of(const ir::Operator& op) {
  return op.source;
}

std::string source_text(const std::vector<int32_t>& source) {
  return fmt::format("{}", fmt::join(source, "+"));
}

}  // namespace mote::cli
