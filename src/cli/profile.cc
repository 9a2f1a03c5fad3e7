// mote profile: the cycles of every operator of the deployed library on a board.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/describe.h"
#include "cli/on_board.h"
#include "cli/terminal.h"
#include "deploy/firmware.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;

int64_t total_macs(const ir::Graph& graph) {
  int64_t total = 0;
  for (const ir::Operator& op : graph.operators) total += op.source_macs;
  return total;
}

std::string ratio(uint64_t cycles, int64_t macs) {
  return macs == 0 ? "" : fmt::format("{:.2f}", static_cast<double>(cycles) / static_cast<double>(macs));
}

/// The cycles are the virtual board's, which knows nothing of this core's pipeline.
bool no_timing_model(const OnBoardOptions& options, const target::Board& board) {
  return options.device.via.starts_with("sim") && board.target.pipeline.empty();
}

void print_document(const OnBoardOptions& options, const Deployment& deployment, const execute::Inference& inference,
                    const deploy::Measured& measured) {
  const deploy::Network& network = deployment.library.network;
  Json document = document_head(options, deployment);
  document["clock_hz"] = deployment.board.clock_hz;
  document["total_cycles"] = json_cycles(inference.total_cycles(), deployment.board);
  if (no_timing_model(options, deployment.board)) document["timing_model"] = false;
  document["macs"] = total_macs(deployment.model);
  document["operators"] = Json::array();
  document["ram_bytes"] = measured.ram_bytes();
  document["flash_bytes"] = measured.flash_bytes();
  for (size_t i = 0; i < network.graph.operators.size(); ++i) {
    const ir::Operator& op = network.graph.operators[i];
    const std::optional<deploy::Kernel>& kernel = network.kernels[i];
    document["operators"].push_back({{"index", source_of(op)},
                                     {"name", network.graph.tensor(op.output).name},
                                     {"kind", ir::kind_of(op.attributes)},
                                     {"cycles", json_cycles(inference.cycles[i], deployment.board)},
                                     {"macs", op.source_macs},
                                     {"knobs", kernel ? kernel->knobs : ""},
                                     {"tuned", kernel && kernel->tuned}});
  }
  print_json(document);
}

void print_report(const OnBoardOptions& options, const Deployment& deployment, const execute::Inference& inference,
                  const deploy::Measured& measured) {
  const ir::Graph& graph = deployment.library.network.graph;
  Table table({"#", "operator", ">cycles", ">%", ">MACs", ">cycles/MAC", "knobs", "output"});
  const uint64_t total = inference.total_cycles();
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const ir::Operator& op = graph.operators[i];
    const std::optional<deploy::Kernel>& kernel = deployment.library.network.kernels[i];
    const bool timed = deployment.board.counts_cycles();
    const double share = total == 0 ? 0 : 100 * static_cast<double>(inference.cycles[i]) / static_cast<double>(total);
    table.add({source_text(op.source), deploy::title_of(graph, op),
               timed ? grouped(static_cast<int64_t>(inference.cycles[i])) : "",
               timed ? fmt::format("{:.1f}", share) : "", grouped(op.source_macs),
               timed ? ratio(inference.cycles[i], op.source_macs) : "",
               kernel ? kernel->knobs + (kernel->tuned || kernel->knobs.empty() ? "" : " *") : "",
               printable(graph.tensor(op.output).name)});
  }
  const int64_t macs = total_macs(deployment.model);
  fmt::print("{}\n{}", table.text(), time_text(total, deployment.board));
  if (macs > 0 && deployment.board.counts_cycles()) {
    fmt::print(", {} MACs, {} cycles per MAC", grouped(macs), ratio(total, macs));
  }
  if (no_timing_model(options, deployment.board)) {
    fmt::print("\nno timing model for {}: the virtual board counts one cycle for each instruction",
               deployment.board.target.name);
  }
  fmt::print("\nflash {} bytes, RAM {} bytes\n", grouped(measured.flash_bytes()), grouped(measured.ram_bytes()));
  fmt::print("{}\n", styled("* not tuned", Style::kDim));
}

int profile(const OnBoardOptions& options) {
  const Deployment deployment = make_deployment(options.deployment);
  const std::vector<Bytes> inputs = read_inputs(options.device, deployment.model);
  OnBoard board(deployment, options);
  const deploy::Measured measured = deploy::measure(deployment.library, deployment.board, board.toolchain());
  const execute::Inference inference = board.run(inputs);
  if (options.json)
    print_document(options, deployment, inference, measured);
  else
    print_report(options, deployment, inference, measured);
  return 0;
}

}  // namespace

void add_profile(CLI::App& app, Run& run) {
  CLI::App& command = add_command(app, "profile", "Show where a model spends its cycles on a board",
                                  "mote profile model.tflite --board nucleo-f746zg\n"
                                  "mote profile model.tflite --board nucleo-f746zg --records tuning.db --json");
  const std::shared_ptr<OnBoardOptions> options = std::make_shared<OnBoardOptions>();
  add_on_board_options(command, *options);
  command.callback([&run, options] { run = [options] { return profile(*options); }; });
}

}  // namespace mote::cli
