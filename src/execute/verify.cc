#include "execute/verify.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "reference/interpret.h"

namespace mote::execute {
namespace {

/// How values of type T differ; beyond `tolerance`, a share of the largest magnitude, they are not within it.
template <typename T>
void compare_values(const Bytes& got, const Bytes& expected, double tolerance, Comparison* comparison) {
  const std::vector<T> a = to_values<T>(got), b = to_values<T>(expected);
  double largest = 1;
  for (const T value : b) largest = std::max(largest, std::abs(static_cast<double>(value)));
  for (size_t i = 0; i < b.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    const double difference = std::abs(x - y);
    if (std::isnan(difference) || difference > comparison->max_abs_diff) comparison->max_abs_diff = difference;
    // Written so that NaN is a difference.
    if (!(difference <= tolerance * largest) && !comparison->first) comparison->first = FirstDifference{i, x, y};
  }
  comparison->within_tolerance = !comparison->first;
}

void compare(ir::DType type, const Bytes& got, const Bytes& expected, Comparison* comparison) {
  comparison->bit_exact = got == expected;
  switch (type) {
    case ir::DType::kFloat32:
      return compare_values<float>(got, expected, kFloatTolerance, comparison);
    case ir::DType::kInt8:
      return compare_values<int8_t>(got, expected, 0, comparison);
    case ir::DType::kInt16:
      return compare_values<int16_t>(got, expected, 0, comparison);
    case ir::DType::kInt32:
      return compare_values<int32_t>(got, expected, 0, comparison);
    case ir::DType::kInt64:
      return compare_values<int64_t>(got, expected, 0, comparison);
  }
}

/// The source model's tensors by their index there.
std::map<int, ir::TensorId> by_source(const ir::Graph& model) {
  std::map<int, ir::TensorId> ids;
  for (size_t i = 0; i < model.tensors.size(); ++i) ids[model.tensors[i].source_index] = static_cast<ir::TensorId>(i);
  return ids;
}

}  // namespace

bool Verification::bit_exact() const {
  return std::all_of(operators.begin(), operators.end(), [](const Comparison& c) { return c.bit_exact; });
}

bool Verification::ok() const {
  return std::all_of(operators.begin(), operators.end(), [](const Comparison& c) { return c.within_tolerance; });
}

Verification verify(const RunModel& run, const deploy::Library& library, const ir::Graph& model,
                    const std::vector<Bytes>& inputs) {
  const ir::Graph& graph = library.network.graph;
  const std::vector<Bytes> expected = reference::interpret(model, inputs);
  const std::vector<Bytes> expected_here = reference::interpret(graph, inputs);  // for tensors that a pass made
  const std::map<int, ir::TensorId> source_ids = by_source(model);

  std::set<ir::TensorId> unfinished;  // of which a part is written yet, and the others are not defined
  for (const ir::Operator& op : graph.operators) {
    const bool goes_on = std::holds_alternative<ir::Insert>(op.attributes) && op.inputs.size() > 1;
    if (goes_on) unfinished.insert(op.inputs[1]);
  }

  Verification result;
  std::set<int> seen;
  result.inference = run(inputs, [&](size_t index, const Bytes& output) {
    const ir::Operator& op = graph.operators[index];
    if (unfinished.count(op.output) > 0) return;
    ir::Tensor tensor = graph.tensor(op.output);
    const bool wide = tensor.dtype == ir::DType::kInt16;  // int8 values, handed over in two bytes each
    if (wide) tensor.dtype = ir::DType::kInt8;
    Comparison comparison{op.source, std::string(ir::kind_of(op.attributes)), tensor.name, tensor.source_index};
    const auto source = source_ids.find(tensor.source_index);
    const bool is_source = tensor.source_index >= 0 && source != source_ids.end();
    const size_t id = static_cast<size_t>(is_source ? source->second : op.output);
    const Bytes reference = is_source ? ir::left_of_source(tensor, expected[id])
                            : wide    ? reference::narrowed(expected_here[id])
                                      : expected_here[id];
    compare(tensor.dtype, wide ? reference::narrowed(output) : output, reference, &comparison);
    seen.insert(tensor.source_index);
    result.operators.push_back(std::move(comparison));
  });
  for (const ir::Operator& op : model.operators) {
    const ir::Tensor& tensor = model.tensor(op.output);
    const bool is_source = tensor.source_index >= 0;
    if (is_source && seen.count(tensor.source_index) == 0)
      result.vanished.push_back({tensor.source_index, tensor.name});
  }
  return result;
}

}  // namespace mote::execute
