// mote verify: every tensor that the deployed library computes on a board, against the reference.
#include "execute/verify.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/booted_board.h"
#include "cli/command.h"
#include "cli/deployment.h"
#include "cli/describe.h"
#include "cli/terminal.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  DeploymentOptions deployment;
  DeviceOptions device;
  bool json = false;
};

void print_document(const Options& options, const Deployment& deployment, const execute::Verification& verification) {
  Json document{{"model", options.deployment.model}, {"board", deployment.board.name},
                {"via", options.device.via},         {"bit_exact", verification.bit_exact()},
                {"ok", verification.ok()},           {"operators", Json::array()},
                {"vanished", Json::array()}};
  for (const execute::Comparison& c : verification.operators) {
    document["operators"].push_back({{"index", c.source},
                                     {"kind", c.kind},
                                     {"tensor", c.source_tensor},
                                     {"name", c.tensor},
                                     {"max_abs_diff", c.max_abs_diff},
                                     {"bit_exact", c.bit_exact},
                                     {"ok", c.within_tolerance}});
  }
  for (const execute::Vanished& v : verification.vanished) {
    document["vanished"].push_back({{"tensor", v.source_tensor}, {"name", v.name}});
  }
  print_json(document);
}

void print_report(const Deployment& deployment, const execute::Verification& verification) {
  Table table({"#", "operator", ">largest difference", "", "tensor"});
  for (const execute::Comparison& c : verification.operators) {
    const char* const verdict = c.bit_exact ? "the same bytes" : c.within_tolerance ? "within tolerance" : "DIFFERS";
    table.add({source_text(c.source), c.kind, fmt::format("{:g}", c.max_abs_diff), verdict, printable(c.tensor)});
  }
  fmt::print("{}", table.text());
  if (!verification.vanished.empty()) {
    std::vector<std::string> names;
    for (const execute::Vanished& v : verification.vanished) {
      names.push_back(fmt::format("{} {}", v.source_tensor, printable(v.name)));
    }
    fmt::print("fused away, not there to compare: {}\n", fmt::join(names, ", "));
  }
  const std::string verdict = verification.bit_exact() ? styled("bit-exact", Style::kGood)
                              : verification.ok()      ? styled("within the tolerance of floats", Style::kGood)
                                                       : styled("NOT THE SAME as the reference", Style::kBad);
  fmt::print("{} on {}: {}\n", deployment.library.network.prefix, deployment.board.name, verdict);
}

int verify(const Options& options) {
  const Deployment deployment = make_deployment(options.deployment);
  const std::vector<Bytes> inputs = read_inputs(options.device, deployment.model);
  BootedBoard booted(deployment, options.device.via);
  const execute::Verification verification =
      execute::verify(booted.get(), deployment.library, deployment.model, inputs);
  if (options.json)
    print_document(options, deployment, verification);
  else
    print_report(deployment, verification);
  return verification.ok() ? 0 : 1;
}

}  // namespace

void add_verify(CLI::App& app, Run& run) {
  CLI::App& command = add_command(app, "verify", "Compare every tensor on a board with the reference",
                                  "mote verify model.tflite --board nucleo-f746zg\n"
                                  "mote verify model.tflite --board nucleo-f746zg --records tuning.db --input in.bin");
  const std::shared_ptr<Options> options = std::make_shared<Options>();
  add_deployment_options(command, options->deployment);
  add_device_options(command, options->device);
  add_json_flag(command, options->json);
  command.callback([&run, options] { run = [options] { return verify(*options); }; });
}

}  // namespace mote::cli
