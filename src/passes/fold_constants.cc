#include "passes/fold_constants.h"

#include <algorithm>

#include "passes/edit.h"
#include "passes/evaluate.h"

namespace mote::passes {

ir::Graph fold_constants(ir::Graph graph) {
  const Uses uses = uses_of(graph);
  std::vector<bool> folded(graph.operators.size());
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const ir::Operator& op = graph.operators[i];
    const bool all_constant = std::all_of(op.inputs.begin(), op.inputs.end(), [&](ir::TensorId id) {
      return id == ir::kNoTensor || graph.tensor(id).is_constant();
    });
    if (!all_constant || uses.is_output[static_cast<size_t>(op.output)]) continue;
    graph.tensor(op.output).data = evaluate(graph, op);
    folded[i] = true;
  }
  erase_operators(graph, folded);
  return graph;
}

}  // namespace mote::passes
