#include "deploy/views.h"

#include <algorithm>
#include <optional>
#include <set>

namespace mote::deploy {
namespace {

constexpr int64_t kWord = 4;

/// Whether all dimensions before `axis` are 1.
bool is_outermost(const ir::Shape& shape, size_t axis) {
  return std::all_of(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axis),
                     [](int32_t extent) { return extent == 1; });
}

/// Where a slice begins in its operand, in bytes; nothing when it is not one run of bytes.
std::optional<int64_t> offset_of(const ir::Slice& slice, const ir::Tensor& from, const ir::Tensor& to) {
  int64_t offset = 0, stride = static_cast<int64_t>(ir::size_of(from.dtype));
  std::optional<size_t> cut;  // the last dimension that is
  for (size_t d = from.shape.size(); d-- > 0;) {
    if (!cut && from.shape[d] != to.shape[d]) cut = d;
    offset += slice.begin[d] * stride;
    stride *= from.shape[d];
  }
  if (cut && !is_outermost(to.shape, *cut)) return std::nullopt;
  return offset;
}

bool inserts_into(const ir::Operator& op) {
  return std::holds_alternative<ir::Insert>(op.attributes) && op.inputs.size() > 1 && op.inputs[1] != ir::kNoTensor;
}

class Finder {
 public:
  explicit Finder(const ir::Graph& graph)
      : graph_(graph), parents_(graph.tensors.size()), written_(graph.tensors.size()) {
    views_.takes_no_code.assign(graph.operators.size(), false);
    for (const ir::Operator& op : graph.operators) written_[static_cast<size_t>(op.output)] = true;
  }

  Views find() {
    // Concatenations first: what they take of others' outputs saves the most.
    for (size_t i = 0; i < graph_.operators.size(); ++i) {
      const ir::Operator& op = graph_.operators[i];
      const ir::Concat* const concat = std::get_if<ir::Concat>(&op.attributes);
      if (concat != nullptr && !op.post) views_.takes_no_code[i] = gather(op, static_cast<size_t>(concat->axis));
    }
    for (const ir::Operator& op : graph_.operators) {
      if (inserts_into(op)) parents_[static_cast<size_t>(op.inputs[1])] = Place{op.output, 0};
    }
    for (size_t i = 0; i < graph_.operators.size(); ++i) {
      const ir::Operator& op = graph_.operators[i];
      if (!op.post && look_through(op)) views_.takes_no_code[i] = true;
    }
    for (size_t i = 0; i < parents_.size(); ++i) {
      Place place{static_cast<ir::TensorId>(i), 0};
      while (const std::optional<Place>& parent = parents_[static_cast<size_t>(place.root)]) {
        place = {parent->root, place.offset + parent->offset};
      }
      views_.places.push_back(place);
    }
    return std::move(views_);
  }

 private:
  bool gather(const ir::Operator& op, size_t axis) {
    if (!is_outermost(graph_.tensor(op.output).shape, axis)) return false;
    std::set<ir::TensorId> parts;
    int64_t offset = 0;
    for (const ir::TensorId id : op.inputs) {
      const bool is_free = written_[static_cast<size_t>(id)] && !parents_[static_cast<size_t>(id)];
      if (!is_free || offset % kWord != 0 || !parts.insert(id).second) return false;
      offset += static_cast<int64_t>(graph_.tensor(id).size_bytes());
    }
    offset = 0;
    for (const ir::TensorId id : op.inputs) {
      parents_[static_cast<size_t>(id)] = Place{op.output, offset};
      offset += static_cast<int64_t>(graph_.tensor(id).size_bytes());
    }
    return true;
  }

  bool look_through(const ir::Operator& op) {
    const bool is_slice = std::holds_alternative<ir::Slice>(op.attributes);
    if (!is_slice && !std::holds_alternative<ir::Reshape>(op.attributes)) return false;
    if (parents_[static_cast<size_t>(op.output)]) return false;  // a concatenation wants it elsewhere
    const ir::Tensor& from = graph_.tensor(op.inputs[0]);
    std::optional<int64_t> offset = 0;
    if (is_slice) offset = offset_of(std::get<ir::Slice>(op.attributes), from, graph_.tensor(op.output));
    if (!offset || *offset % kWord != 0 || (is_slice && from.is_constant())) return false;
    parents_[static_cast<size_t>(op.output)] = Place{op.inputs[0], *offset};
    return true;
  }

  const ir::Graph& graph_;
  std::vector<std::optional<Place>> parents_;
  std::vector<bool> written_;  // by tensor: by an operator
  Views views_;
};

}  // namespace

Views views_of(const ir::Graph& graph) {
  return Finder(graph).find();
}

int64_t written_from(const ir::Graph& graph, const ir::Operator& op) {
  if (!inserts_into(op)) return 0;
  const ir::Tensor& y = graph.tensor(op.output);
  const std::vector<int32_t>& begin = std::get<ir::Insert>(op.attributes).begin;
  int64_t elements = 0;
  for (size_t d = 0; d < begin.size(); ++d) elements = elements * y.shape[d] + begin[d];
  return elements * static_cast<int64_t>(ir::size_of(y.dtype));
}

}  // namespace mote::deploy
