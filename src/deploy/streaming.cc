#include "deploy/streaming.h"

#include <algorithm>
#include <numeric>

#include "deploy/arena.h"

namespace mote::deploy {
namespace {

/// Bytes of operands that nobody wants after the operator, of which the output can take the place.
int64_t reusable_bytes(const ir::Graph& graph, const Arena& arena, size_t step) {
  const ir::Operator& op = graph.operators[step];
  const auto contains = [](const std::vector<ir::TensorId>& ids, ir::TensorId id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  std::vector<int64_t> dying;
  const int own = arena.region_of_tensor[static_cast<size_t>(op.output)];
  for (size_t i = 0; i < arena.regions.size(); ++i) {
    for (const Part& part : arena.regions[i].parts) {
      if (static_cast<int>(i) == own) continue;
      const bool is_needed = part.last > static_cast<int>(step) || contains(graph.outputs, part.tensor);
      if (contains(op.inputs, part.tensor) && !is_needed) dying.push_back(part.size);
    }
  }
  return reused_bytes(graph, op, dying);
}

/// Where guess_ram() is reached, and what it is.
std::pair<size_t, int64_t> worst_step(const ir::Graph& graph) {
  const Arena arena = regions_of(graph);
  std::pair<size_t, int64_t> worst{0, 0};
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const int64_t bytes = arena.live_bytes(i) - reusable_bytes(graph, arena, i);
    if (bytes > worst.second) worst = {i, bytes};
  }
  return worst;
}

struct Form {
  passes::Streamed streamed;
  int64_t ram = 0;
};

}  // namespace

passes::Streamed unstreamed(const ir::Graph& graph) {
  passes::Streamed all{graph, {}};
  for (size_t i = 0; i < graph.operators.size(); ++i) all.origins.push_back({static_cast<int>(i)});
  return all;
}

int64_t guess_ram(const ir::Graph& graph) {
  return worst_step(graph).second;
}

int64_t reused_bytes(const ir::Graph& graph, const ir::Operator& op, const std::vector<int64_t>& dying) {
  if (dying.empty()) return 0;
  const bool is_first_insert = std::holds_alternative<ir::Insert>(op.attributes) && op.inputs.at(1) == ir::kNoTensor;
  if (std::holds_alternative<ir::Concat>(op.attributes) || is_first_insert)
    return *std::max_element(dying.begin(), dying.end());
  if (!passes::goes_by_rows(graph, op)) return 0;
  const int64_t output = static_cast<int64_t>(graph.tensor(op.output).size_bytes());
  return std::min(output, std::accumulate(dying.begin(), dying.end(), int64_t{0}));
}

std::vector<passes::Streamed> streamed_forms(const ir::Graph& graph, int32_t strips, std::optional<int64_t> limit,
                                             size_t most) {
  // Only a stretch through the worst operator can help.
  const auto [worst, ram_before] = worst_step(graph);
  const auto goes = [&](size_t i) { return passes::goes_by_rows(graph, graph.operators[i]); };
  std::vector<Form> forms;
  for (size_t first = worst + 1; first-- > 0 && goes(first);) {
    for (size_t last = worst; last < graph.operators.size() && goes(last); ++last) {
      for (const int32_t rows : {1, 2, 4, 8}) {
        std::optional<passes::Streamed> streamed = passes::stream(graph, {first, last, rows, strips});
        if (!streamed) continue;
        const int64_t ram = guess_ram(streamed->graph);
        if (ram < ram_before) forms.push_back({std::move(*streamed), ram});
      }
    }
  }
  std::stable_sort(forms.begin(), forms.end(), [&](const Form& a, const Form& b) {
    const bool a_fits = limit && a.ram <= *limit, b_fits = limit && b.ram <= *limit;
    if (a_fits != b_fits) return a_fits;
    if (a_fits) return a.streamed.origins.size() < b.streamed.origins.size();
    return a.ram < b.ram;
  });
  std::vector<passes::Streamed> best;
  for (size_t i = 0; i < std::min(most, forms.size()); ++i) best.push_back(std::move(forms[i].streamed));
  return best;
}

}  // namespace mote::deploy
