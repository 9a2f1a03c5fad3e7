#include "import/tflite/reader.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>

#include "import/tflite/operators.h"
#include "import/tflite/source.h"
#include "ir/verify.h"
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

// Records that tensor `index` is written, for the first time.
void write(const Source& source, int index, Liveness& live) {
  if (marked(live.written, index) || source.draft.tensor(index).is_constant()) {
    throw Refusal(fmt::format("writes tensor {}, which has a value already", index));
  }
  mark(live.written, index);
}

// Checks that the operator's operands exist by now and that its result does not yet, and records the result.
void connect(Source& source, const ir::Operator& op, Liveness& live) {
  for (const int index : op.inputs) {
    if (index >= 0 && !marked(live.written, index) && !source.draft.tensor(index).is_constant()) {
      throw Refusal(fmt::format("reads tensor {} before anything has written it", index));
    }
  }
  write(source, op.output, live);
  for (const int index : op.inputs) {
    if (index >= 0) mark(live.used, index);
  }
  mark(live.used, op.output);
}

void read_inputs(Source& source, Survey& survey, Liveness& live) {
  source.draft.inputs = indices_of(source.graph->inputs());
  if (source.draft.inputs.empty()) survey.problems.push_back({-1, "", "", "the model has no input"});
  std::erase_if(source.draft.inputs, [&](int index) {
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
  source.draft.outputs = indices_of(source.graph->outputs());
  if (source.draft.outputs.empty()) survey.problems.push_back({-1, "", "", "the model has no output"});
  std::erase_if(source.draft.outputs, [&](int index) {
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
      if (std::optional<Bytes> value = folded({source, stored})) {
        const int output = stored.outputs()->Get(0);
        write(source, output, live);
        source.draft.tensor(output).data = std::move(value);
        continue;
      }
      for (ir::Operator& op : read_operator({source, stored})) {
        if (const std::optional<std::string> problem = ir::problem_of(source.draft, op)) throw Refusal(*problem);
        live.written.resize(source.draft.tensors.size());
        live.used.resize(source.draft.tensors.size());
        connect(source, op, live);
        op.source = {i};
        op.source_macs = ir::macs_of(source.draft, op);
        source.draft.operators.push_back(std::move(op));
      }
    } catch (const Refusal& refusal) {
      survey.problems.push_back({i, operator_name(source, stored), describe_operands(source, stored), refusal.what()});
      // Those after it are not to be blamed for what it would have written.
      for (const int index : indices_of(stored.outputs())) {
        if (has_tensor(source, index)) mark(live.written, index);
      }
    }
  }
}

// The draft with only the tensors that are used, in the model's order.
ir::Graph compact(ir::Graph draft, const std::vector<bool>& used) {
  std::vector<ir::TensorId> ids(used.size(), ir::kNoTensor);
  std::vector<ir::Tensor> kept;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!used[i]) continue;
    ids[i] = static_cast<ir::TensorId>(kept.size());
    kept.push_back(std::move(draft.tensors[i]));
  }
  draft.tensors = std::move(kept);
  const auto renumber = [&](ir::TensorId& id) { id = id < 0 ? ir::kNoTensor : ids[static_cast<size_t>(id)]; };
  for (ir::Operator& op : draft.operators) {
    std::for_each(op.inputs.begin(), op.inputs.end(), renumber);
    renumber(op.output);
  }
  std::for_each(draft.inputs.begin(), draft.inputs.end(), renumber);
  std::for_each(draft.outputs.begin(), draft.outputs.end(), renumber);
  return draft;
}

Survey survey_aligned(std::span<const std::byte> bytes, const std::string& file) {
  Source source = open_source(bytes, file);
  Survey survey;
  if (const uint32_t count = source.model->subgraphs()->size(); count > 1) {
    survey.problems.push_back({-1, "", "", fmt::format("the model has {} subgraphs; mote takes one", count)});
  }
  Liveness live{std::vector<bool>(source.converted.size()), std::vector<bool>(source.converted.size())};
  read_inputs(source, survey, live);
  read_operators(source, survey, live);
  read_outputs(source, survey, live);
  survey.graph = compact(std::move(source.draft), live.used);
  survey.graph.name = std::filesystem::path(file).stem().string();
  if (!survey.problems.empty()) return survey;
  // All that verify() asks for has been checked. Should something have slipped through, it is still no reason to go on.
  for (const std::string& problem : ir::verify(survey.graph)) survey.problems.push_back({-1, "", "", problem});
  return survey;
}

ir::Graph graph_of(Survey survey, const std::string& file) {
  if (survey.problems.empty()) return std::move(survey.graph);
  std::string text = text_of(survey.problems.front());
  if (const size_t more = survey.problems.size() - 1; more > 0) {
    text += fmt::format(" (and {} more problem{}: `mote inspect` lists them)", more, more == 1 ? "" : "s");
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
