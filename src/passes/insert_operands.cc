#include "passes/insert_operands.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "passes/edit.h"

namespace mote::passes {
namespace {

/// An operand of the concatenation: behind which operator it is copied, and to where.
struct Operand {
  size_t behind = 0;
  ir::TensorId id = ir::kNoTensor;
  std::vector<int32_t> begin = {};
};

std::vector<Operand> operands_of(const ir::Graph& graph, size_t index) {
  const ir::Operator& op = graph.operators[index];
  const size_t axis = static_cast<size_t>(std::get<ir::Concat>(op.attributes).axis);
  const Uses uses = uses_of(graph);
  std::vector<Operand> operands;
  std::vector<int32_t> begin(graph.tensor(op.output).shape.size(), 0);
  for (const ir::TensorId id : op.inputs) {
    const int producer = uses.producer[static_cast<size_t>(id)];
    operands.push_back({producer < 0 ? index : static_cast<size_t>(producer), id, begin});
    begin[axis] += graph.tensor(id).shape[axis];
  }
  std::stable_sort(operands.begin(), operands.end(),
                   [](const Operand& a, const Operand& b) { return a.behind < b.behind; });
  return operands;
}

}  // namespace

std::optional<ir::Graph> insert_operands(const ir::Graph& graph, size_t index) {
  const ir::Operator concat = graph.operators.at(index);
  const bool is_plain_concat = std::holds_alternative<ir::Concat>(concat.attributes) && is_plain(concat);
  const bool are_computed = std::none_of(concat.inputs.begin(), concat.inputs.end(),
                                         [&](ir::TensorId id) { return graph.tensor(id).is_constant(); });
  if (!is_plain_concat || !are_computed || concat.inputs.size() < 2) return std::nullopt;

  ir::Graph apart = graph;
  apart.operators.clear();
  const std::vector<Operand> operands = operands_of(graph, index);
  size_t next = 0;
  ir::TensorId into = ir::kNoTensor;
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    if (i != index) apart.operators.push_back(graph.operators[i]);
    for (; next < operands.size() && operands[next].behind == i; ++next) {
      const bool is_last = next + 1 == operands.size();
      ir::Operator insert{.attributes = ir::Insert{operands[next].begin}, .inputs = {operands[next].id, into}};
      if (is_last) {
        insert.output = concat.output;
        insert.source = concat.source;
      } else {
        ir::Tensor part = graph.tensor(concat.output);
        part.name += fmt::format("+{}", next + 1);
        part.source_index = -1;
        part.source_channels.clear();
        insert.output = add_tensor(apart, std::move(part));
      }
      into = insert.output;
      apart.operators.push_back(std::move(insert));
    }
  }
  return apart;
}

}  // namespace mote::passes
