#include "ir/graph.h"

#include <map>

namespace mote::ir {

int64_t macs_of(const Graph& graph, const Operator& op) {
  const auto products = [&](int from) {  // elements of the weights from dimension `from` on
    const Shape& weights = graph.tensor(op.inputs.at(1)).shape;
    return elements(Shape(weights.begin() + from, weights.end()));
  };
  const int64_t outputs = elements(graph.tensor(op.output).shape);
  return std::visit(Overloaded{
                        [&](const Conv2D&) { return outputs * products(1); },
                        [&](const DepthwiseConv2D& a) {
                          const int64_t channels = graph.tensor(op.inputs.at(0)).shape.at(3) * int64_t{a.multiplier};
                          return channels == 0 ? 0 : outputs * (products(1) / channels);
                        },
                        [&](const Dense&) { return outputs * products(1); },
                        [](const auto&) { return int64_t{0}; },
                    },
                    op.attributes);
}

Graph extract(const Graph& graph, const Operator& op) {
  Graph one;
  one.name = kind_of(op.attributes);
  std::map<TensorId, TensorId> moved;
  const auto move = [&](TensorId id) {
    if (id == kNoTensor) return kNoTensor;
    const auto [place, is_new] = moved.try_emplace(id, static_cast<TensorId>(one.tensors.size()));
    if (is_new) one.tensors.push_back(graph.tensor(id));
    return place->second;
  };
  Operator copy = op;
  for (TensorId& id : copy.inputs) {
    const size_t known = one.tensors.size();
    id = move(id);
    const bool is_new = one.tensors.size() > known;
    if (is_new && !one.tensors.back().is_constant()) one.inputs.push_back(id);
  }
  copy.output = move(op.output);
  one.outputs = {copy.output};
  one.operators.push_back(copy);
  return one;
}

}  // namespace mote::ir
