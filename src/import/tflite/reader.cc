#include "import/tflite/reader.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>

#include "import/tflite/operators.h"
#include "import/tflite/source.h"
#include "support/error.h"
#include "support/files.h"

namespace mote::import {

namespace {

// A copy that starts at a multiple of 16, where FlatBuffers' own alignment holds.
class Aligned {
 public:
  explicit Aligned(std::span<const std::byte> bytes) : blocks_(bytes.size() / sizeof(Block) + 1), size_(bytes.size()) {
    if (!bytes.empty()) std::memcpy(blocks_.data(), bytes.data(), bytes.size());
  }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(blocks_)).first(size_); }

 private:
  struct alignas(16) Block {
    std::byte bytes[16];
  };
  std::vector<Block> blocks_;
  size_t size_;
};

// Which of the subgraph's tensors hold a value when the next operator runs, and which the graph will keep.
struct Liveness {
  std::vector<bool> written;
  std::vector<bool> used;
};

void mark(std::vector<bool>& set, int index) {
  set[static_cast<size_t>(index)] = true;
}
bool marked(const std::vector<bool>& set, int index) {
  return set[static_cast<size_t>(index)];
}

std::vector<int> indices_of(const flatbuffers::Vector<int32_t>* vector) {
  if (vector == nullptr) return {};
  return {vector->begin(), vector->end()};
}

// Checks that the operator's operands exist by now and that its result does not yet, and records the result.
void connect(Source& source, const ReadOp& op, Liveness& live) {
  for (const int index : op.inputs) {
    if (index >= 0 && !marked(live.written, index) && !tensor_at(source, index).is_constant()) {
      throw Refusal(fmt::format("reads tensor {} before anything has written it", index));
    }
  }
  if (marked(live.written, op.output) || tensor_at(source, op.output).is_constant()) {
    throw Refusal(fmt::format("writes tensor {}, which has a value already", op.output));
  }
  mark(live.written, op.output);
  for (const int index : op.inputs) {
    if (index >= 0) mark(live.used, index);
  }
  mark(live.used, op.output);
}

void read_inputs(Source& source, Survey& survey, Liveness& live) {
  survey.graph.inputs = indices_of(source.graph->inputs());
  if (survey.graph.inputs.empty()) survey.problems.push_back({-1, "", "", "the model has no input"});
  std::erase_if(survey.graph.inputs, [&](int index) {
    try {
      expect_activation(tensor_at(source, index), fmt::format("model input {}", describe_tensor(source, index)));
      if (tensor_at(source, index).is_constant()) throw Refusal(fmt::format("model input {} is a constant", index));
      if (marked(live.written, index)) throw Refusal(fmt::format("tensor {} is a model input twice", index));
    } catch (const Refusal& refusal) {
      survey.problems.push_back({-1, "", "", refusal.what()});
      return true;
    }
    mark(live.written, index);
    mark(live.used, index);
    return false;
  });
}

void read_outputs(Source& source, Survey& survey, Liveness& live) {
  survey.graph.outputs = indices_of(source.graph->outputs());
  if (survey.graph.outputs.empty()) survey.problems.push_back({-1, "", "", "the model has no output"});
  std::erase_if(survey.graph.outputs, [&](int index) {
    const bool known = has_tensor(source, index) && marked(live.used, index) && marked(live.written, index);
    if (known) return false;
    // An operator that cannot be taken may be what writes it; then that is the problem to report.
    if (survey.problems.empty()) {
      survey.problems.push_back(
          {-1, "", "", fmt::format("no operator writes model output {}", describe_tensor(source, index))});
    }
    return true;
  });
}

void read_operators(Source& source, Survey& survey, Liveness& live) {
  const auto* operators = source.graph->operators();
  survey.operator_count = operators == nullptr ? 0 : static_cast<int>(operators->size());
  if (survey.operator_count == 0) survey.problems.push_back({-1, "", "", "the model has no operator"});
  for (int i = 0; i < survey.operator_count; ++i) {
    const tflite::Operator& stored = *operators->Get(static_cast<uint32_t>(i));
    try {
      ReadOp read = read_operator({source, stored});
      connect(source, read, live);
      survey.graph.operators.push_back({.attributes = std::move(read.attributes),
                                        .inputs = std::move(read.inputs),
                                        .output = read.output,
                                        .source = {i}});
    } catch (const Refusal& refusal) {
      survey.problems.push_back({i, operator_name(source, stored), describe_operands(source, stored), refusal.what()});
      // Those after it are not to be blamed for what it would have written.
      for (const int index : indices_of(stored.outputs())) {
        if (has_tensor(source, index)) mark(live.written, index);
      }
    }
  }
}

// Keeps the tensors that are used, in the model's order, and renumbers all references from the model's indices.
void adopt_tensors(Source& source, const Liveness& live, ir::Graph& graph) {
  std::vector<ir::TensorId> ids(live.used.size(), ir::kNoTensor);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!live.used[i]) continue;
    ids[i] = static_cast<ir::TensorId>(graph.tensors.size());
    graph.tensors.push_back(std::move(*source.tensors[i]));
  }
  const auto renumber = [&](int& index) { index = index < 0 ? ir::kNoTensor : ids[static_cast<size_t>(index)]; };
  for (ir::Operator& op : graph.operators) {
    for (int& index : op.inputs) renumber(index);
    renumber(op.output);
  }
  for (int& index : graph.inputs) renumber(index);
  for (int& index : graph.outputs) renumber(index);
  for (ir::Operator& op : graph.operators) op.source_macs = ir::macs_of(graph, op);
}

Survey survey_aligned(std::span<const std::byte> bytes, const std::string& file) {
  Source source = open_source(bytes, file);
  Survey survey;
  survey.graph.name = std::filesystem::path(file).stem().string();
  if (const uint32_t count = source.model->subgraphs()->size(); count > 1) {
    survey.problems.push_back({-1, "", "", fmt::format("the model has {} subgraphs; mote takes one", count)});
  }
  Liveness live{std::vector<bool>(source.tensors.size()), std::vector<bool>(source.tensors.size())};
  read_inputs(source, survey, live);
  read_operators(source, survey, live);
  read_outputs(source, survey, live);
  adopt_tensors(source, live, survey.graph);
  return survey;
}

ir::Graph graph_of(Survey survey, const std::string& file) {
  if (survey.problems.empty()) return std::move(survey.graph);
  std::string text = text_of(survey.problems.front());
  if (survey.problems.size() > 1) {
    text += fmt::format(" (and {} more problems: `mote inspect` lists them)", survey.problems.size() - 1);
  }
  throw InputError(file, text);
}

}  // namespace

Survey survey_tflite(std::span<const std::byte> bytes, const std::string& file) {
  const Aligned aligned(bytes);
  return survey_aligned(aligned.bytes(), file);
}

Survey survey_tflite(const std::string& path) {
  return survey_tflite(read_bytes(path), path);
}

ir::Graph read_tflite(std::span<const std::byte> bytes, const std::string& file) {
  return graph_of(survey_tflite(bytes, file), file);
}

ir::Graph read_tflite(const std::string& path) {
  return graph_of(survey_tflite(path), path);
}

std::string text_of(const Problem& problem) {
  if (problem.op_index < 0) return problem.what;
  return fmt::format("operator {} {} ({}): {}", problem.op_index, problem.op_name, problem.tensors, problem.what);
}

}  // namespace mote::import
