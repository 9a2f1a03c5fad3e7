#include "passes/drop_no_ops.h"

#include <algorithm>

#include "ir/quantized.h"
#include "passes/edit.h"

namespace mote::passes {
namespace {

bool all_zero(const std::vector<int32_t>& values) {
  return std::all_of(values.begin(), values.end(), [](int32_t v) { return v == 0; });
}

bool is_identity(const ir::Table& table) {
  for (int i = 0; i < 256; ++i) {
    if (table[static_cast<size_t>(i)] != i - 128) return false;
  }
  return true;
}

/// A window of one element; the caller knows that input and output have the same shape, so the stride is 1 where it
/// matters.
template <typename Pool>
bool pools_nothing(const Pool& pool) {
  return pool.window == ir::Size2D{} && pool.padding == ir::Padding2D{} && pool.clamp == ir::Clamp{};
}

/// Whether `op` writes its first input unchanged; input and output are known to have the same type.
bool copies(const ir::Operator& op) {
  if (!is_plain(op)) return false;
  return std::visit(ir::Overloaded{
                        [](const ir::Reshape&) { return true; },
                        [](const ir::Pad& pad) { return all_zero(pad.before) && all_zero(pad.after); },
                        [&](const ir::Concat&) { return op.inputs.size() == 1; },
                        [](const ir::Slice&) { return true; },
                        [](const ir::Quantize&) { return true; },
                        [](const ir::Lookup& lookup) { return is_identity(lookup.table); },
                        [](const ir::AveragePool2D& pool) { return pools_nothing(pool); },
                        [](const ir::MaxPool2D& pool) { return pools_nothing(pool); },
                        [](const auto&) { return false; },
                    },
                    op.attributes);
}

/// Removes the copying operator `index`; false when its copy is needed.
bool bypass(ir::Graph& graph, size_t index) {
  const Uses uses = uses_of(graph);
  const ir::Operator op = graph.operators[index];
  const ir::TensorId from = op.inputs[0];
  const int producer = uses.producer[static_cast<size_t>(from)];
  if (uses.is_output[static_cast<size_t>(op.output)]) {
    if (producer < 0 || uses.is_output[static_cast<size_t>(from)]) return false;
    graph.operators[static_cast<size_t>(producer)].output = op.output;
    read_instead(graph, from, op.output);
  } else {
    read_instead(graph, op.output, from);
  }
  if (producer >= 0) absorb(graph.operators[static_cast<size_t>(producer)], op);
  erase_operator(graph, index);
  return true;
}

}  // namespace

ir::Graph drop_no_ops(ir::Graph graph) {
  for (size_t i = 0; i < graph.operators.size();) {
    const ir::Operator& op = graph.operators[i];
    const bool copy = copies(op) && same_type(graph.tensor(op.inputs[0]), graph.tensor(op.output));
    if (!copy || !bypass(graph, i)) ++i;
  }
  return graph;
}

}  // namespace mote::passes
