// mote plan: where every tensor and every kernel's scratch memory lives, and how good that is.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/deployment.h"
#include "cli/describe.h"
#include "cli/terminal.h"
#include "deploy/draw.h"
#include "deploy/emit.h"
#include "deploy/pools.h"
#include "support/files.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  DeploymentOptions deployment;
  std::string svg;
  bool json = false;
};

std::string name_of(const deploy::Region& region) {
  return region.scratch_of >= 0 ? "(" + region.name + ")" : printable(region.name);
}

void print_document(const Options& options, const Deployment& deployment) {
  const deploy::Network& network = deployment.library.network;
  const deploy::Arena& arena = deployment.library.arena;
  Json document{{"model", options.deployment.model},
                {"board", deployment.board.name},
                {"peak_bytes", arena.plan.peak_bytes},
                {"lower_bound_bytes", arena.plan.lower_bound_bytes},
                {"optimal", arena.plan.optimal},
                {"constant_bytes", deploy::constant_bytes(network)},
                {"pools", Json::array()},
                {"regions", Json::array()},
                {"operators", Json::array()}};
  const std::vector<deploy::ArenaPool> pools = deploy::pools_of(deployment.library, deployment.board);
  for (const deploy::ArenaPool& pool : pools) {
    document["pools"].push_back({{"memory", pool.memory}, {"bytes", pool.bytes}});
  }
  for (const deploy::Region& region : arena.regions) {
    Json names = Json::array();
    for (const deploy::Part& part : region.parts) {
      if (part.tensor != ir::kNoTensor) names.push_back(network.graph.tensor(part.tensor).name);
    }
    document["regions"].push_back({{"pool", pools.at(region.pool).memory},
                                   {"offset", region.offset},
                                   {"bytes", region.size},
                                   {"first", region.first},
                                   {"last", region.last},
                                   {"tensors", names},
                                   {"scratch_of", region.scratch_of >= 0 ? Json(region.scratch_of) : Json(nullptr)}});
  }
  for (size_t i = 0; i < network.graph.operators.size(); ++i) {
    const ir::Operator& op = network.graph.operators[i];
    document["operators"].push_back(
        {{"index", source_of(op)}, {"kind", ir::kind_of(op.attributes)}, {"live_bytes", arena.live_bytes(i)}});
  }
  add_costs(deployment, document);
  print_json(document);
}

void print_report(const Deployment& deployment) {
  const deploy::Network& network = deployment.library.network;
  const deploy::Arena& arena = deployment.library.arena;
  const bool is_divided = arena.pools.size() > 1;
  Table table({">offset", ">bytes", ">from", ">to", "holds"});
  for (const deploy::Region& region : arena.regions) {
    std::string holds = name_of(region);
    for (size_t i = 1; i < region.parts.size(); ++i) {
      holds += ", then " + printable(network.graph.tensor(region.parts[i].tensor).name);
    }
    if (is_divided) holds += fmt::format("  [{}]", arena.pools[region.pool].memory);
    table.add({grouped(region.offset), grouped(region.size), fmt::format("{}", region.first),
               fmt::format("{}", region.last), holds});
  }
  Table operators({"#", "operator", ">scratch", ">live bytes"});
  for (size_t i = 0; i < network.graph.operators.size(); ++i) {
    const std::optional<deploy::Kernel>& kernel = network.kernels[i];
    operators.add({fmt::format("{}", i), deploy::title_of(network.graph, network.graph.operators[i]),
                   grouped(kernel ? static_cast<int64_t>(kernel->program.workspace_bytes()) : 0),
                   grouped(arena.live_bytes(i))});
  }
  fmt::print("{}\n{}\n", table.text(), operators.text());
  const std::string bound =
      arena.plan.optimal ? "proved to be the least"
                         : fmt::format("no plan can do with less than {}", grouped(arena.plan.lower_bound_bytes));
  fmt::print("{} bytes for activations and scratch, {}\n", grouped(arena.bytes()), bound);
  for (const deploy::ArenaPool& pool : arena.pools) fmt::print("  {} bytes in {}\n", grouped(pool.bytes), pool.memory);
  const std::string costs = costs_text(deployment);
  if (!costs.empty()) fmt::print("{}\n", costs);
}

int plan(const Options& options) {
  const Deployment deployment = make_deployment(options.deployment, true);
  if (!options.svg.empty()) {
    write_file(options.svg, deploy::draw_svg(deployment.library.network, deployment.library.arena));
  }
  if (options.json)
    print_document(options, deployment);
  else
    print_report(deployment);
  return 0;
}

}  // namespace

void add_plan(CLI::App& app, Run& run) {
  CLI::App& command = add_command(app, "plan", "Show where a model's tensors live in memory",
                                  "mote plan model.tflite --board nucleo-f746zg\n"
                                  "mote plan model.tflite --board nucleo-f746zg --records tuning.db --svg plan.svg");
  const std::shared_ptr<Options> options = std::make_shared<Options>();
  add_deployment_options(command, options->deployment);
  command.add_option("--svg", options->svg, "Draw the plan: time across, addresses up")->type_name("FILE");
  add_json_flag(command, options->json);
  command.callback([&run, options] { run = [options] { return plan(*options); }; });
}

}  // namespace mote::cli
