// mote inspect: what is in a model, and what of it mote cannot take.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/command.h"
#include "cli/describe.h"
#include "cli/inspect_passes.h"
#include "cli/terminal.h"
#include "import/tflite/reader.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string model;
  std::string after;
  bool passes = false, json = false;
};

// Bytes of the constants among `ids`, each counted once.
int64_t constant_bytes(const ir::Graph& graph, const std::set<ir::TensorId>& ids) {
  int64_t bytes = 0;
  for (const ir::TensorId id : ids) {
    if (id >= 0 && graph.tensor(id).is_constant()) bytes += static_cast<int64_t>(graph.tensor(id).size_bytes());
  }
  return bytes;
}

int64_t weight_bytes(const ir::Graph& graph, const ir::Operator& op) {
  return constant_bytes(graph, {op.inputs.begin(), op.inputs.end()});
}

int64_t weight_bytes(const ir::Graph& graph) {
  std::set<ir::TensorId> ids;
  for (const ir::Operator& op : graph.operators) ids.insert(op.inputs.begin(), op.inputs.end());
  return constant_bytes(graph, ids);
}

int64_t total_macs(const ir::Graph& graph) {
  int64_t total = 0;
  for (const ir::Operator& op : graph.operators) {
    if (__builtin_add_overflow(total, op.source_macs, &total)) return std::numeric_limits<int64_t>::max();
  }
  return total;
}

Json json_of(const ir::Tensor& tensor) {
  Json json{{"index", tensor.source_index}, {"name", tensor.name},          {"type", ir::name_of(tensor.dtype)},
            {"shape", tensor.shape},        {"bytes", tensor.size_bytes()}, {"constant", tensor.is_constant()},
            {"quantization", nullptr}};
  if (tensor.quant) {
    json["quantization"] = {{"scales", tensor.quant->scales}, {"zero_points", tensor.quant->zero_points}};
    if (tensor.quant->per_channel()) json["quantization"]["axis"] = tensor.quant->axis;
  }
  return json;
}

Json source_indices(const ir::Graph& graph, const std::vector<ir::TensorId>& ids) {
  Json indices = Json::array();
  for (const ir::TensorId id : ids) indices.push_back(id < 0 ? -1 : graph.tensor(id).source_index);
  return indices;
}

Json json_of(const ir::Graph& graph, const ir::Operator& op) {
  return {{"index", op.source.front()},
          {"name", graph.tensor(op.output).name},
          {"kind", ir::kind_of(op.attributes)},
          {"supported", true},
          {"inputs", source_indices(graph, op.inputs)},
          {"outputs", source_indices(graph, {op.output})},
          {"details", details_of(graph, op)},
          {"macs", op.source_macs},
          {"weight_bytes", weight_bytes(graph, op)}};
}

Json json_of(const import::Problem& problem) {
  return {{"index", problem.op_index},
          {"kind", problem.op_name},
          {"supported", false},
          {"tensors", problem.tensors},
          {"problem", problem.what}};
}

// Calls one of two functions for every operator of the model, in its order.
template <typename Known, typename Unknown>
void for_each_operator(const import::Survey& survey, Known known, Unknown unknown) {
  std::vector<ir::Operator>::const_iterator op = survey.graph.operators.begin();
  for (const import::Problem& problem : survey.problems) {
    if (problem.op_index < 0) continue;
    for (; op != survey.graph.operators.end() && op->source.front() < problem.op_index; ++op) known(*op);
    unknown(problem);
  }
  for (; op != survey.graph.operators.end(); ++op) known(*op);
}

void print_document(const import::Survey& survey, const std::string& model) {
  const ir::Graph& graph = survey.graph;
  Json document{{"model", model},
                {"name", graph.name},
                {"supported", survey.problems.empty()},
                {"inputs", source_indices(graph, graph.inputs)},
                {"outputs", source_indices(graph, graph.outputs)},
                {"macs", total_macs(graph)},
                {"weight_bytes", weight_bytes(graph)},
                {"operators", Json::array()},
                {"compiled", nullptr},
                {"tensors", Json::array()},
                {"problems", Json::array()}};
  for_each_operator(
      survey, [&](const ir::Operator& op) { document["operators"].push_back(json_of(graph, op)); },
      [&](const import::Problem& problem) { document["operators"].push_back(json_of(problem)); });
  for (const ir::Tensor& tensor : graph.tensors) document["tensors"].push_back(json_of(tensor));
  for (const import::Problem& problem : survey.problems) document["problems"].push_back(text_of(problem));
  if (survey.problems.empty()) {
    const Compiled compiled = compiled_form(graph);
    document["compiled"] = {
        {"macs", compiled.macs}, {"channels", compiled.channels}, {"removed_channels", compiled.removed_channels}};
  }
  print_json(document);
}

std::string list_of(const ir::Graph& graph, const std::vector<ir::TensorId>& ids) {
  std::vector<std::string> names;
  for (const ir::TensorId id : ids) names.push_back(id < 0 ? "-" : std::to_string(graph.tensor(id).source_index));
  return fmt::format("{}", fmt::join(names, " "));
}

std::string role_of(const ir::Graph& graph, ir::TensorId id) {
  const auto among = [&](const std::vector<ir::TensorId>& ids) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  if (graph.tensor(id).is_constant()) return "constant";
  if (among(graph.inputs)) return "input";
  return among(graph.outputs) ? "output" : "";
}

void print_operators(const import::Survey& survey) {
  const ir::Graph& graph = survey.graph;
  Table table({">#", "operator", "tensors", "output", "details", ">MACs", ">weight bytes"});
  for_each_operator(
      survey,
      [&](const ir::Operator& op) {
        table.add({std::to_string(op.source.front()), std::string(ir::kind_of(op.attributes)),
                   list_of(graph, op.inputs) + " -> " + list_of(graph, {op.output}),
                   ir::text_of(graph.tensor(op.output).shape), details_of(graph, op), grouped(op.source_macs),
                   grouped(weight_bytes(graph, op))});
      },
      [&](const import::Problem& problem) {
        table.add({std::to_string(problem.op_index), problem.op_name, "", "", "NOT SUPPORTED"});
      });
  fmt::print("\n{}\n{}", styled("operators", Style::kHeading), table.text());
}

void print_tensors(const ir::Graph& graph) {
  Table table({">#", "type", "shape", ">bytes", "scale, zero point", "role", "name"});
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const ir::Tensor& tensor = graph.tensors[i];
    table.add({std::to_string(tensor.source_index), std::string(ir::name_of(tensor.dtype)), ir::text_of(tensor.shape),
               grouped(static_cast<int64_t>(tensor.size_bytes())), quantization_text(tensor),
               role_of(graph, static_cast<ir::TensorId>(i)), printable(tensor.name)});
  }
  fmt::print("\n{}\n{}", styled("tensors", Style::kHeading), table.text());
}

void print_report(const import::Survey& survey, const std::string& model) {
  const ir::Graph& graph = survey.graph;
  fmt::print("{}: {} operators, {} MACs, {} bytes of weights\n", styled(model, Style::kHeading), survey.operator_count,
             grouped(total_macs(graph)), grouped(weight_bytes(graph)));
  if (survey.problems.empty()) fmt::print("{}", text_of(compiled_form(graph)));
  print_operators(survey);
  print_tensors(graph);
  if (survey.problems.empty()) return;
  fmt::print("\n{}\n", styled("not supported", Style::kBad));
  for (const import::Problem& problem : survey.problems) fmt::print("  {}\n", text_of(problem));
}

int inspect(const Options& options) {
  const import::Survey survey = import::survey_tflite(options.model);
  if (survey.problems.empty() && !options.after.empty()) {
    print_after(survey.graph, options.after);
  } else if (survey.problems.empty() && options.passes) {
    print_passes(survey.graph);
  } else if (options.json) {
    print_document(survey, options.model);
  } else {
    print_report(survey, options.model);
  }
  if (survey.problems.empty()) return 0;
  std::fflush(stdout);
  print_error(fmt::format("{}: mote cannot take this model: {} problem{}", options.model, survey.problems.size(),
                          survey.problems.size() == 1 ? "" : "s"));
  return 2;
}

}  // namespace

void add_inspect(CLI::App& app, Run& run) {
  CLI::App& command = add_command(app, "inspect", "Show what is in a model and what of it is not supported",
                                  "mote inspect model.tflite\n"
                                  "mote inspect model.tflite --json | jq .macs");
  const std::shared_ptr<Options> options = std::make_shared<Options>();
  command.add_option("MODEL", options->model, "The model, a .tflite file")->required();
  command.add_flag("--passes", options->passes, "Show what each pass of the compiler makes of it");
  command.add_option("--after", options->after, "Print the graph as it is after this pass")->type_name("PASS");
  add_json_flag(command, options->json);
  command.callback([&run, options] { run = [options] { return inspect(*options); }; });
}

}  // namespace mote::cli
