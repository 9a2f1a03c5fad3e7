#include "passes/use_lookups.h"

#include "passes/edit.h"
#include "passes/evaluate.h"

namespace mote::passes {

ir::Graph use_lookups(ir::Graph graph) {
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const std::optional<Elementwise> map = elementwise(graph, i);
    if (!map) continue;
    ir::Operator lookup;
    lookup.attributes = ir::Lookup{map->table};
    lookup.inputs = {map->x};
    lookup.output = graph.operators[i].output;
    for (const int absorbed : map->operators) absorb(lookup, graph.operators[static_cast<size_t>(absorbed)]);
    graph.operators[i] = lookup;
  }
  return graph;
}

}  // namespace mote::passes
