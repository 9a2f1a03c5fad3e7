#include "ir/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "ir/text_fields.h"

namespace mote::ir {
namespace {

using Problem = std::optional<std::string>;

bool is_tensor(const Graph& graph, TensorId id) {
  return id >= 0 && static_cast<size_t>(id) < graph.tensors.size();
}

Problem problem_of(const Quantization& quant, const Tensor& tensor) {
  if (tensor.dtype == DType::kFloat32) return "a float tensor has no quantisation";
  if (quant.scales.empty()) return "its quantisation has no scale";
  if (quant.scales.size() != quant.zero_points.size()) {
    return fmt::format("it has {} scales and {} zero points", quant.scales.size(), quant.zero_points.size());
  }
  for (float scale : quant.scales) {
    if (!(scale > 0) || !std::isfinite(scale)) return fmt::format("its scale {} is not positive and finite", scale);
  }
  for (int32_t zero_point : quant.zero_points) {
    if (quant.per_channel() && zero_point != 0) return "with a scale per channel, zero points must be 0";
    if (tensor.dtype == DType::kInt8 && (zero_point < -128 || zero_point > 127)) {
      return fmt::format("its zero point {} is not in [-128, 127]", zero_point);
    }
  }
  if (!quant.per_channel()) return {};
  if (quant.axis < 0 || static_cast<size_t>(quant.axis) >= tensor.shape.size()) {
    return fmt::format("its quantised axis {} is not one of its {} dimensions", quant.axis, tensor.shape.size());
  }
  const int32_t channels = tensor.shape[static_cast<size_t>(quant.axis)];
  if (quant.scales.size() != static_cast<size_t>(channels)) {
    return fmt::format("it has {} scales for {} channels", quant.scales.size(), channels);
  }
  return {};
}

Problem problem_of_source_channels(const Tensor& tensor) {
  const std::vector<int32_t>& channels = tensor.source_channels;
  if (channels.empty()) return {};
  if (tensor.shape.empty() || channels.size() != static_cast<size_t>(tensor.shape.back())) {
    return fmt::format("it names {} channels of its source and has another number", channels.size());
  }
  const bool ascending = std::adjacent_find(channels.begin(), channels.end(), std::greater_equal<>{}) == channels.end();
  if (ascending && channels.front() >= 0) return {};
  return "the channels of its source are not ascending";
}

Problem problem_of(const Tensor& tensor) {
  for (int32_t dimension : tensor.shape) {
    if (dimension < 1 || dimension > kMaxDimension) {
      return fmt::format("a dimension of {} is not in [1, {}]", dimension, kMaxDimension);
    }
  }
  const int64_t count = elements(tensor.shape);
  constexpr int64_t kMaxBytes = std::numeric_limits<int32_t>::max();
  if (count > kMaxBytes / static_cast<int64_t>(size_of(tensor.dtype))) return "it is larger than 2 GiB";
  if (tensor.data && tensor.data->size() != tensor.size_bytes()) {
    return fmt::format("it holds {} bytes of data, not {}", tensor.data->size(), tensor.size_bytes());
  }
  if (Problem problem = problem_of_source_channels(tensor)) return problem;
  return tensor.quant ? problem_of(*tensor.quant, tensor) : Problem{};
}

/// Marks the tensors that have a value before the first operator runs.
std::vector<bool> defined_at_start(const Graph& graph, std::vector<std::string>& problems) {
  std::vector<bool> defined(graph.tensors.size());
  for (size_t i = 0; i < defined.size(); ++i) defined[i] = graph.tensors[i].is_constant();
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const TensorId id = graph.inputs[i];
    if (!is_tensor(graph, id)) {
      problems.push_back(fmt::format("graph input {}: there is no tensor {}", i, id));
    } else if (defined[static_cast<size_t>(id)]) {
      const std::string_view why = graph.tensor(id).is_constant() ? "is a constant" : "is a graph input twice";
      problems.push_back(fmt::format("graph input {}: tensor {} {}", i, quote(graph.tensor(id).name), why));
    } else {
      defined[static_cast<size_t>(id)] = true;
    }
  }
  return defined;
}

/// The operands exist and have values, the output has none yet.
Problem problem_of_wiring(const Graph& graph, const Operator& op, const std::vector<bool>& defined) {
  for (TensorId id : op.inputs) {
    if (id == kNoTensor) continue;
    if (!is_tensor(graph, id)) return fmt::format("there is no tensor {}", id);
    if (!defined[static_cast<size_t>(id)]) {
      return fmt::format("it reads tensor {}, which nothing has written yet", quote(graph.tensor(id).name));
    }
  }
  if (!is_tensor(graph, op.output)) return fmt::format("there is no tensor {}", op.output);
  if (defined[static_cast<size_t>(op.output)]) {
    return fmt::format("it writes tensor {}, which is a constant, a graph input or written already",
                       quote(graph.tensor(op.output).name));
  }
  return {};
}

std::string name_of(const Graph& graph, const Operator& op, size_t index) {
  std::string names;
  const auto add = [&](TensorId id) {
    names += is_tensor(graph, id) ? " " + quote(graph.tensor(id).name)
             : id == kNoTensor    ? " -"
                                  : fmt::format(" {}", id);
  };
  for (TensorId id : op.inputs) add(id);
  names += " ->";
  add(op.output);
  return fmt::format("op {} {}{}", index, kind_of(op.attributes), names);
}

}  // namespace

std::vector<std::string> verify(const Graph& graph) {
  std::vector<std::string> problems;
  std::vector<bool> legal(graph.tensors.size());
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const Problem problem = problem_of(graph.tensors[i]);
    legal[i] = !problem;
    if (problem) problems.push_back(fmt::format("tensor {} {}: {}", i, quote(graph.tensors[i].name), *problem));
  }
  std::vector<bool> defined = defined_at_start(graph, problems);
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const Operator& op = graph.operators[i];
    Problem problem = problem_of_wiring(graph, op, defined);
    const auto is_legal = [&](TensorId id) { return !is_tensor(graph, id) || legal[static_cast<size_t>(id)]; };
    const bool tensors_legal = std::all_of(op.inputs.begin(), op.inputs.end(), is_legal) && is_legal(op.output);
    if (!problem && tensors_legal) problem = problem_of(graph, op);
    if (problem) problems.push_back(fmt::format("{}: {}", name_of(graph, op, i), *problem));
    if (is_tensor(graph, op.output)) defined[static_cast<size_t>(op.output)] = true;
  }
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const TensorId id = graph.outputs[i];
    if (!is_tensor(graph, id)) {
      problems.push_back(fmt::format("graph output {}: there is no tensor {}", i, id));
    } else if (!defined[static_cast<size_t>(id)]) {
      problems.push_back(fmt::format("graph output {}: nothing writes tensor {}", i, quote(graph.tensor(id).name)));
    }
  }
  return problems;
}

}  // namespace mote::ir
