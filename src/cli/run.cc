// mote run: one inference of the deployed library on a board.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/describe.h"
#include "cli/on_board.h"
#include "cli/terminal.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Options : OnBoardOptions {
  std::vector<std::string> outputs;
};

template <typename T>
Json json_values(const Bytes& bytes) {
  Json values = Json::array();
  for (const T value : to_values<T>(bytes)) values.push_back(value);
  return values;
}

Json values_of(const ir::Tensor& tensor, const Bytes& bytes) {
  switch (tensor.dtype) {
    case ir::DType::kInt8:
      return json_values<int8_t>(bytes);
    case ir::DType::kInt16:
      return json_values<int16_t>(bytes);
    case ir::DType::kInt32:
      return json_values<int32_t>(bytes);
    case ir::DType::kInt64:
      return json_values<int64_t>(bytes);
    case ir::DType::kFloat32:
      return json_values<float>(bytes);
  }
  unreachable("dtype");
}

void print_document(const Options& options, const Deployment& deployment, const execute::Inference& inference) {
  Json document = document_head(options, deployment);
  document["cycles"] = json_cycles(inference.total_cycles(), deployment.board);
  document["outputs"] = Json::array();
  for (size_t i = 0; i < inference.outputs.size(); ++i) {
    const ir::Tensor& tensor = deployment.model.tensor(deployment.model.outputs[i]);
    document["outputs"].push_back({{"index", tensor.source_index},
                                   {"name", tensor.name},
                                   {"type", ir::name_of(tensor.dtype)},
                                   {"shape", tensor.shape},
                                   {"values", values_of(tensor, inference.outputs[i])}});
  }
  print_json(document);
}

void print_report(const Deployment& deployment, const execute::Inference& inference) {
  constexpr size_t kMost = 16;  // values of each output
  fmt::print("{}: {}\n", deployment.board.name, time_text(inference.total_cycles(), deployment.board));
  for (size_t i = 0; i < inference.outputs.size(); ++i) {
    const ir::Tensor& tensor = deployment.model.tensor(deployment.model.outputs[i]);
    const Json values = values_of(tensor, inference.outputs[i]);
    std::vector<std::string> shown;
    for (size_t k = 0; k < std::min(values.size(), kMost); ++k) shown.push_back(values[k].dump());
    fmt::print("  {} {} {}: {}{}\n", printable(tensor.name), ir::name_of(tensor.dtype), ir::text_of(tensor.shape),
               fmt::join(shown, " "), values.size() > kMost ? " ..." : "");
  }
}

int run_once(const Options& options) {
  const Deployment deployment = make_deployment(options.deployment);
  const std::vector<Bytes> inputs = read_inputs(options.device, deployment.model);
  if (!options.outputs.empty() && options.outputs.size() != deployment.model.outputs.size()) {
    throw InputError("--output", fmt::format("is given {} times, and the model has {} outputs", options.outputs.size(),
                                             deployment.model.outputs.size()));
  }
  const execute::Inference inference = OnBoard(deployment, options).run(inputs);
  for (size_t i = 0; i < options.outputs.size(); ++i) write_file(options.outputs[i], inference.outputs[i]);
  if (options.json)
    print_document(options, deployment, inference);
  else
    print_report(deployment, inference);
  return 0;
}

}  // namespace

void add_run(CLI::App& app, Run& run) {
  CLI::App& command = add_command(app, "run", "Run a model once on a board",
                                  "mote run model.tflite --board nucleo-f746zg\n"
                                  "mote run model.tflite --board nucleo-f746zg --input in.npy --output out.bin\n"
                                  "mote run model.tflite --board nucleo-f746zg --via openocd --hosted --repeats 10");
  const std::shared_ptr<Options> options = std::make_shared<Options>();
  add_on_board_options(command, *options);
  command.add_option("--output", options->outputs, "A file to write an output to, once for each: raw bytes")
      ->type_name("FILE");
  command.callback([&run, options] { run = [options] { return run_once(*options); }; });
}

}  // namespace mote::cli
