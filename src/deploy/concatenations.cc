#include "deploy/concatenations.h"

#include <utility>

#include "deploy/order.h"
#include "deploy/streaming.h"
#include "deploy/views.h"
#include "passes/insert_operands.h"

namespace mote::deploy {
namespace {

/// The graph with every concatenation taken apart that is copied and of which `take(graph so far, the graph with it
/// apart)`.
template <typename Take>
ir::Graph taken_apart(ir::Graph graph, Take take) {
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    if (!std::holds_alternative<ir::Concat>(graph.operators[i].attributes) || views_of(graph).takes_no_code[i])
      continue;
    std::optional<ir::Graph> apart = passes::insert_operands(graph, i);
    if (!apart || !take(graph, *apart)) continue;
    // What came before is copied behind its producer; the last insert has the concatenation's place or is before it.
    i += apart->operators.size() - graph.operators.size();
    graph = std::move(*apart);
  }
  return graph;
}

}  // namespace

std::optional<ir::Graph> apart_for_ram(const ir::Graph& graph) {
  const int64_t ram_before = guess_ram(graph);
  const auto all = [](const ir::Graph&, const ir::Graph&) { return true; };
  const auto alone = [](const ir::Graph& a, const ir::Graph& b) { return guess_ram(b) < guess_ram(a); };
  ir::Graph best = taken_apart(graph, all);
  if (best.operators.size() == graph.operators.size()) return std::nullopt;
  best = order_for_ram(std::move(best));
  if (guess_ram(best) >= ram_before) best = order_for_ram(taken_apart(graph, alone));
  if (guess_ram(best) >= ram_before) return std::nullopt;
  return best;
}

}  // namespace mote::deploy
