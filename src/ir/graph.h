// A model: tensors, and operators in an order in which they can run.
//
// Invariants, checked by verify(): every operand is a constant, a graph input, or the output of an earlier operator;
// every tensor is written at most once; shapes, types and quantisation fit the operators.
#pragma once

#include <string>
#include <vector>

#include "ir/operators.h"
#include "ir/tensor.h"

namespace mote::ir {

struct Graph {
  std::string name;
  std::vector<Tensor> tensors;
  std::vector<Operator> operators;
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;

  const Tensor& tensor(TensorId id) const { return tensors.at(static_cast<size_t>(id)); }
  Tensor& tensor(TensorId id) { return tensors.at(static_cast<size_t>(id)); }
  bool operator==(const Graph&) const = default;
};

/// Multiply-accumulates of one operator as a direct implementation counts them: output elements times the products each
/// sums (padding included); 0 for operators that do not multiply and accumulate.
int64_t macs_of(const Graph& graph, const Operator& op);

/// A one-operator graph that holds `op` and copies of its operands: the operator's non-constant inputs become the
/// graph's inputs, in order and each once, its output the graph's output. What a workload is made of.
Graph extract(const Graph& graph, const Operator& op);

}  // namespace mote::ir
