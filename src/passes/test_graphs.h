// Helpers of the room's tests: small graphs by hand, and what a graph computes.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "reference/interpret.h"
#include "support/random.h"

namespace mote::passes {

/// Adds tensors and operators to `graph`, numbering source tensors and operators as an importer would.
struct TestGraph {
  ir::Graph graph;

  ir::TensorId add(ir::Tensor tensor) {
    tensor.source_index = static_cast<int>(graph.tensors.size());
    graph.tensors.push_back(std::move(tensor));
    return static_cast<ir::TensorId>(graph.tensors.size()) - 1;
  }
  ir::TensorId int8(const ir::Shape& shape, float scale = 0.5f, int32_t zero_point = 0) {
    return add(
        {.name = "t", .dtype = ir::DType::kInt8, .shape = shape, .quant = ir::Quantization{{scale}, {zero_point}, 0}});
  }
  ir::TensorId float32(const ir::Shape& shape) {
    return add({.name = "t", .dtype = ir::DType::kFloat32, .shape = shape});
  }
  ir::TensorId input(ir::TensorId id) {
    graph.inputs.push_back(id);
    return id;
  }
  /// An int8 constant of seeded random values.
  ir::TensorId weights(const ir::Shape& shape, uint64_t seed = 1) {
    const ir::TensorId id = int8(shape, 0.01f);
    Bytes data(static_cast<size_t>(ir::elements(shape)));
    Random(seed).fill(data);
    graph.tensor(id).data = data;
    return id;
  }
  ir::TensorId constant(const ir::Shape& shape, const std::vector<int8_t>& values, float scale = 0.5f) {
    const ir::TensorId id = int8(shape, scale);
    graph.tensor(id).data = to_bytes(values);
    return id;
  }
  ir::TensorId op(ir::OpAttributes attributes, std::vector<ir::TensorId> inputs, ir::TensorId output,
                  int64_t macs = 0) {
    ir::Operator op;
    op.attributes = std::move(attributes);
    op.inputs = std::move(inputs);
    op.output = output;
    op.source = {static_cast<int32_t>(graph.operators.size())};
    op.source_macs = macs;
    graph.operators.push_back(op);
    return output;
  }
};

/// Seeded inputs for `graph`: any bytes for integers, values in [-4, 4] for floats.
inline std::vector<Bytes> random_inputs(const ir::Graph& graph, uint64_t seed) {
  Random random(seed);
  std::vector<Bytes> inputs;
  for (const ir::TensorId id : graph.inputs) {
    const ir::Tensor& tensor = graph.tensor(id);
    Bytes bytes(tensor.size_bytes());
    if (tensor.dtype == ir::DType::kFloat32) {
      std::vector<float> values(static_cast<size_t>(ir::elements(tensor.shape)));
      for (float& value : values) value = static_cast<float>(8 * random.unit() - 4);
      bytes = to_bytes(values);
    } else {
      random.fill(bytes);
    }
    inputs.push_back(std::move(bytes));
  }
  return inputs;
}

/// Where the channels `some` stand among `all`, which has them; empty lists mean every channel.
inline std::vector<int32_t> channels_within(const std::vector<int32_t>& some, const std::vector<int32_t>& all) {
  if (all.empty()) return some;
  std::vector<int32_t> places;
  for (const int32_t channel : some) {
    places.push_back(static_cast<int32_t>(std::find(all.begin(), all.end(), channel) - all.begin()));
  }
  return places;
}

/// The graph's outputs, in order.
inline std::vector<Bytes> outputs_of(const ir::Graph& graph, const std::vector<Bytes>& inputs) {
  const std::vector<Bytes> tensors = reference::interpret(graph, inputs);
  std::vector<Bytes> outputs;
  for (const ir::TensorId id : graph.outputs) outputs.push_back(tensors.at(static_cast<size_t>(id)));
  return outputs;
}

/// Every activation of `after` that is computed and comes from the source model has the bytes that it has in `before`,
/// an earlier form of the same model; those of the channels that are left.
inline void expect_source_tensors_kept(const ir::Graph& before, const ir::Graph& after,
                                       const std::vector<Bytes>& inputs) {
  const auto is_activation = [](const ir::Tensor& tensor) { return tensor.source_index >= 0 && !tensor.is_constant(); };
  const std::vector<Bytes> expected = reference::interpret(before, inputs);
  std::map<int, size_t> by_source;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (is_activation(before.tensors[i]) && !expected[i].empty()) by_source[before.tensors[i].source_index] = i;
  }
  const std::vector<Bytes> got = reference::interpret(after, inputs);
  for (size_t i = 0; i < got.size(); ++i) {
    ir::Tensor tensor = after.tensors[i];
    if (!is_activation(tensor) || got[i].empty()) continue;
    ASSERT_TRUE(by_source.count(tensor.source_index) == 1) << "source tensor " << tensor.source_index;
    const size_t source = by_source[tensor.source_index];
    tensor.source_channels = channels_within(tensor.source_channels, before.tensors[source].source_channels);
    EXPECT_EQ(got[i], ir::left_of_source(tensor, expected[source])) << "source tensor " << tensor.source_index;
  }
}

/// The operators' names, in order.
inline std::vector<std::string> kinds(const ir::Graph& graph) {
  std::vector<std::string> names;
  for (const ir::Operator& op : graph.operators) names.emplace_back(ir::kind_of(op.attributes));
  return names;
}

}  // namespace mote::passes
