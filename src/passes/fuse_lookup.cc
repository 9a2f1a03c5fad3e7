#include "passes/fuse_lookup.h"

#include <algorithm>

#include "ir/quantized.h"
#include "passes/edit.h"

namespace mote::passes {
namespace {

int8_t entry(const ir::Table& table, int value) {
  return table[static_cast<size_t>(value + 128)];
}

/// second(first(x))
ir::Table compose(const ir::Table& first, const ir::Table& second) {
  ir::Table both{};
  for (size_t i = 0; i < both.size(); ++i) both[i] = entry(second, first[i]);
  return both;
}

/// The bounds by which `table` limits the values in `range`; nothing when it does anything else to them.
std::optional<ir::ClampI8> as_limit(const ir::Table& table, const ir::ClampI8& range) {
  const ir::ClampI8 limit{entry(table, range.lo), entry(table, range.hi)};
  if (limit.lo > limit.hi) return std::nullopt;
  for (int value = range.lo; value <= range.hi; ++value) {
    if (entry(table, value) != std::clamp(value, limit.lo, limit.hi)) return std::nullopt;
  }
  return limit;
}

/// Whether the kernels of this operator can apply a table to what they store.
bool takes_post(const ir::OpAttributes& attributes) {
  return std::visit(ir::Overloaded{
                        [](const ir::Conv2D&) { return true; },
                        [](const ir::DepthwiseConv2D&) { return true; },
                        [](const ir::Dense&) { return true; },
                        [](const ir::Add&) { return true; },
                        [](const ir::Mul&) { return true; },
                        [](const ir::AveragePool2D&) { return true; },
                        [](const ir::MaxPool2D&) { return true; },
                        [](const ir::Mean&) { return true; },
                        [](const auto&) { return false; },
                    },
                    attributes);
}

/// Applies `table` to what `op` computes so far.
void append(ir::Operator& op, const ir::Table& table) {
  if (ir::Lookup* const lookup = std::get_if<ir::Lookup>(&op.attributes)) {
    lookup->table = compose(op.post ? compose(lookup->table, *op.post) : lookup->table, table);
    op.post.reset();
    op.computed.reset();
    return;
  }
  op.post = op.post ? compose(*op.post, table) : table;
  ir::Clamp* const clamp = clamp_of(op);
  const std::optional<ir::ClampI8> limit = as_limit(*op.post, ir::clamp_i8(op));
  if (!limit || (clamp == nullptr && (limit->lo != -128 || limit->hi != 127))) return;
  op.post.reset();
  if (clamp != nullptr) *clamp = {static_cast<double>(limit->lo), static_cast<double>(limit->hi)};
}

/// Fuses the Lookup `index` into its producer, and removes it; false when it cannot be.
bool fuse(ir::Graph& graph, size_t index) {
  const ir::Operator& lookup = graph.operators[index];
  const int before = uses_of(graph).private_producer(lookup.inputs[0]);
  if (before < 0 || !is_plain(lookup)) return false;
  ir::Operator& producer = graph.operators[static_cast<size_t>(before)];
  const bool is_lookup = std::holds_alternative<ir::Lookup>(producer.attributes);
  if (!is_lookup && !takes_post(producer.attributes)) return false;

  if (!is_lookup) producer.computed = ir::computed_in(graph, producer);
  append(producer, std::get<ir::Lookup>(lookup.attributes).table);
  producer.output = lookup.output;
  if (producer.computed == graph.tensor(producer.output).quant) producer.computed.reset();
  absorb(producer, lookup);
  erase_operator(graph, index);
  return true;
}

}  // namespace

ir::Graph fuse_lookup(ir::Graph graph) {
  for (size_t i = 0; i < graph.operators.size();) {
    if (!std::holds_alternative<ir::Lookup>(graph.operators[i].attributes) || !fuse(graph, i)) ++i;
  }
  return graph;
}

}  // namespace mote::passes
