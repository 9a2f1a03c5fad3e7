// mote verify: every tensor that the deployed library computes on a board, against the reference.
#include "execute/verify.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/describe.h"
#include "cli/on_board.h"
#include "cli/terminal.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;

/// "8: got 3, expected 4"; "" when there is none.
std::string text_of(const std::optional<execute::FirstDifference>& first) {
  return first ? fmt::format("{}: got {:g}, expected {:g}", first->index, first->got, first->expected) : "";
}

Json json_of(const execute::Comparison& c) {
  Json json{{"index", c.source},
            {"kind", c.kind},
            {"tensor", c.source_tensor},
            {"name", c.tensor},
            {"max_abs_diff", c.max_abs_diff},
            {"bit_exact", c.bit_exact},
            {"ok", c.within_tolerance}};
  if (c.first) {
    json["first_difference"] = {{"index", c.first->index}, {"got", c.first->got}, {"expected", c.first->expected}};
  }
  return json;
}

void print_document(const OnBoardOptions& options, const Deployment& deployment,
                    const execute::Verification& verification) {
  Json document = document_head(options, deployment);
  document["bit_exact"] = verification.bit_exact();
  document["ok"] = verification.ok();
  document["operators"] = document["vanished"] = Json::array();
  for (const execute::Comparison& c : verification.operators) document["operators"].push_back(json_of(c));
  for (const execute::Vanished& v : verification.vanished) {
    document["vanished"].push_back({{"tensor", v.source_tensor}, {"name", v.name}});
  }
  print_json(document);
}

void print_report(const Deployment& deployment, const execute::Verification& verification) {
  const bool differs = !verification.ok();
  std::vector<std::string> titles = {"#", "operator", ">largest difference", "", "tensor"};
  if (differs) titles.insert(titles.end() - 1, "first difference");
  Table table(titles);
  for (const execute::Comparison& c : verification.operators) {
    const char* const verdict = c.bit_exact ? "the same bytes" : c.within_tolerance ? "within tolerance" : "DIFFERS";
    std::vector<std::string> cells = {source_text(c.source), c.kind, fmt::format("{:g}", c.max_abs_diff), verdict,
                                      printable(c.tensor)};
    if (differs) cells.insert(cells.end() - 1, text_of(c.first));
    table.add(cells);
  }
  fmt::print("{}", table.text());
  if (!verification.vanished.empty()) {
    std::vector<std::string> names;
    for (const execute::Vanished& v : verification.vanished) {
      names.push_back(fmt::format("{} {}", v.source_tensor, printable(v.name)));
    }
    fmt::print("fused away, not there to compare: {}\n", fmt::join(names, ", "));
  }
  const std::string verdict =
      verification.bit_exact() ? styled("bit-exact", Style::kGood)
      : verification.ok()
          ? styled(fmt::format("floats within {:g} of a tensor's largest magnitude", execute::kFloatTolerance),
                   Style::kGood)
          : styled("NOT THE SAME as the reference", Style::kBad);
  fmt::print("{} on {}: {}\n", deployment.library.network.prefix, deployment.board.name, verdict);
}

int verify(const OnBoardOptions& options) {
  const Deployment deployment = make_deployment(options.deployment);
  const std::vector<Bytes> inputs = read_inputs(options.device, deployment.model);
  OnBoard board(deployment, options);
  const execute::RunModel run = [&](const std::vector<Bytes>& values, const execute::Observer& observer) {
    return board.run(values, observer);
  };
  const execute::Verification verification = execute::verify(run, deployment.library, deployment.model, inputs);
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
  const std::shared_ptr<OnBoardOptions> options = std::make_shared<OnBoardOptions>();
  add_on_board_options(command, *options);
  command.callback([&run, options] { run = [options] { return verify(*options); }; });
}

}  // namespace mote::cli
