// What the passes share: who writes and reads a tensor, and small edits of a graph.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace mote::passes {

/// Who writes and who reads each tensor, by tensor id; operators by their index. Stale after an edit.
struct Uses {
  std::vector<int> producer;              // -1: a constant, a graph input, or nobody
  std::vector<std::vector<int>> readers;  // each operator once, ascending
  std::vector<bool> is_input, is_output;  // of the graph

  /// The operator that writes `id` when it is the only one that needs the tensor to exist: the tensor is no output of
  /// the graph and has exactly one reader; -1 otherwise.
  int private_producer(ir::TensorId id) const;
};
Uses uses_of(const ir::Graph& graph);

/// Whether both hold the same values in the same layout: dtype, shape and quantisation agree.
bool same_type(const ir::Tensor& a, const ir::Tensor& b);

/// Every operator that reads `from` reads `to` afterwards.
void read_instead(ir::Graph& graph, ir::TensorId from, ir::TensorId to);

/// Removes the operators whose entry in `erased` is true; the others keep their order.
void erase_operators(ir::Graph& graph, const std::vector<bool>& erased);

/// Removes the operator `index`.
void erase_operator(ir::Graph& graph, size_t index);

/// Adds the source operators and multiply-accumulates of `other`, which has been fused into `op`.
void absorb(ir::Operator& op, const ir::Operator& other);

/// Appends `tensor` and returns its id.
ir::TensorId add_tensor(ir::Graph& graph, ir::Tensor tensor);

/// Whether `op` stores what its attributes say, with no table after it.
inline bool is_plain(const ir::Operator& op) {
  return !op.post && !op.computed;
}

/// The fused activation of `op`, or nullptr for an operator that has none.
ir::Clamp* clamp_of(ir::Operator& op);

}  // namespace mote::passes
