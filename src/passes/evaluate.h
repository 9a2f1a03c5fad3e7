// Results known at compile time, by the reference interpreter.
#pragma once

#include <optional>
#include <vector>

#include "ir/graph.h"

namespace mote::passes {

/// The output of `op`, whose operands are all constants.
Bytes evaluate(const ir::Graph& graph, const ir::Operator& op);

/// An int8 tensor that is computed element by element from another int8 tensor: out[i] = table[x[i]].
struct Elementwise {
  ir::TensorId x = ir::kNoTensor;  // not a constant
  ir::Table table{};
  std::vector<int> operators;  // that compute it, by index, the last first
};

/// How the operator at `index` depends on a single int8 tensor element by element, through float operators too
/// (dequantize, tanh, quantize); nothing when it does not.
std::optional<Elementwise> elementwise(const ir::Graph& graph, size_t index);

}  // namespace mote::passes
