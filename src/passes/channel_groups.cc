#include "passes/channel_groups.h"

#include <algorithm>
#include <numeric>

#include "ir/quantized.h"
#include "passes/channel_ranges.h"
#include "passes/products.h"

namespace mote::passes {
namespace {

constexpr size_t kMultiple = 2;

/// Disjoint sets of channels, some of which must stay.
class Groups {
 public:
  explicit Groups(const ir::Graph& graph) {
    for (const ir::Tensor& tensor : graph.tensors) {
      first_.push_back(parent_.size());
      parent_.resize(parent_.size() + (tensor.is_constant() ? 0 : channels_of(tensor)));
    }
    first_.push_back(parent_.size());
    std::iota(parent_.begin(), parent_.end(), size_t{0});
    pinned_.resize(parent_.size());
  }

  /// Channels of `id` that take part; 0 for a constant, which is cut to fit the others.
  size_t channels(ir::TensorId id) const {
    const size_t i = static_cast<size_t>(id);
    return first_[i + 1] - first_[i];
  }
  void tie(ir::TensorId a, size_t channel_a, ir::TensorId b, size_t channel_b) {
    const size_t root = root_of(a, channel_a), other = root_of(b, channel_b);
    pinned_[root] = pinned_[root] || pinned_[other];
    parent_[other] = root;
  }
  void pin(ir::TensorId id, size_t channel) { pinned_[root_of(id, channel)] = true; }
  void pin(ir::TensorId id) {
    for (size_t c = 0; c < channels(id); ++c) pin(id, c);
  }
  bool is_pinned(ir::TensorId id, size_t channel) { return pinned_[root_of(id, channel)]; }

 private:
  size_t root_of(ir::TensorId id, size_t channel) {
    size_t node = first_[static_cast<size_t>(id)] + channel;
    while (parent_[node] != node) node = parent_[node] = parent_[parent_[node]];
    return node;
  }

  std::vector<size_t> first_;  // node of each tensor's first channel
  std::vector<size_t> parent_;
  std::vector<bool> pinned_;  // of a root: whether the set must stay
};

/// Whether input channel `in` adds the same to `out` for every input and at every position.
bool adds_a_constant(const Products& products, size_t out, size_t in, Range range, int32_t zero_point) {
  if (in < products.first_in(out) || in >= products.end_in(out)) return true;
  bool all_zero = true, all_same = range.is_constant();
  int64_t first = 0;
  for (size_t i = 0; i < products.inside.size(); ++i) {
    int64_t sum = 0;
    for (const size_t tap : products.inside[i]) {
      const int64_t weight = products.weight(out, tap, in);
      all_zero = all_zero && weight == 0;
      sum += weight * (range.lo - zero_point);
    }
    if (i == 0) first = sum;
    all_same = all_same && sum == first;
  }
  return all_zero || all_same;
}

class Connector {
 public:
  Connector(const ir::Graph& graph, Groups& groups) : graph_(graph), groups_(groups), ranges_(channel_ranges(graph)) {}

  void connect(const ir::Operator& op) {
    if (graph_.tensor(op.output).dtype != ir::DType::kInt8) return pin_all(op);
    if (ir::is_elementwise_i8(graph_, op)) return tie_all(op);
    std::visit(ir::Overloaded{
                   [&](const ir::Conv2D&) { connect_sum(op); },
                   [&](const ir::Dense&) { connect_sum(op); },
                   [&](const ir::DepthwiseConv2D& conv) { connect_depthwise(op, conv); },
                   [&](const ir::Add&) { tie_all(op); },
                   [&](const ir::Mul&) { tie_all(op); },
                   [&](const ir::AveragePool2D&) { tie_all(op); },
                   [&](const ir::MaxPool2D&) { tie_all(op); },
                   [&](const ir::Mean& mean) { connect_mean(op, mean); },
                   [&](const ir::Pad& pad) { connect_pad(op, pad); },
                   [&](const ir::Reshape&) { connect_reshape(op); },
                   [&](const ir::Concat& concat) { connect_concat(op, concat); },
                   [&](const auto&) { pin_all(op); },
               },
               op.attributes);
  }

 private:
  void pin_all(const ir::Operator& op) {
    for (const ir::TensorId id : op.inputs) {
      if (id != ir::kNoTensor) groups_.pin(id);
    }
    groups_.pin(op.output);
  }

  /// Ties each channel to the output's of the same index; an operand of one channel that meets many stays.
  void tie_all(const ir::Operator& op) {
    for (const ir::TensorId id : op.inputs) {
      const size_t channels = groups_.channels(id);
      if (channels != groups_.channels(op.output)) {
        groups_.pin(id);
        continue;
      }
      for (size_t c = 0; c < channels; ++c) groups_.tie(id, c, op.output, c);
    }
  }

  void connect_sum(const ir::Operator& op) {
    const ir::TensorId x = op.inputs[0];
    const std::optional<Products> products = products_of(graph_, op);
    if (!products) return groups_.pin(x);
    for (size_t in = 0; in < groups_.channels(x); ++in) {
      const Range range = ranges_[static_cast<size_t>(x)][in];
      bool constant = true;
      for (size_t out = 0; constant && out < products->out_channels; ++out) {
        constant = adds_a_constant(*products, out, in, range, graph_.tensor(x).zero_point());
      }
      if (!constant) groups_.pin(x, in);
    }
  }

  void connect_depthwise(const ir::Operator& op, const ir::DepthwiseConv2D& conv) {
    const size_t multiplier = static_cast<size_t>(conv.multiplier);
    if (groups_.channels(op.inputs[0]) == 0) return groups_.pin(op.output);
    for (size_t c = 0; c < groups_.channels(op.output); ++c) groups_.tie(op.inputs[0], c / multiplier, op.output, c);
  }

  void connect_mean(const ir::Operator& op, const ir::Mean& mean) {
    const int32_t last = static_cast<int32_t>(graph_.tensor(op.inputs[0]).shape.size()) - 1;
    const bool over_channels = std::find(mean.axes.begin(), mean.axes.end(), last) != mean.axes.end();
    over_channels ? pin_all(op) : tie_all(op);
  }

  void connect_pad(const ir::Operator& op, const ir::Pad& pad) {
    const bool channels = !pad.before.empty() && (pad.before.back() != 0 || pad.after.back() != 0);
    channels ? pin_all(op) : tie_all(op);
  }

  /// The channels of one side repeat along those of the other, or else each mixes several.
  void connect_reshape(const ir::Operator& op) {
    const ir::TensorId x = op.inputs[0];
    const size_t from = groups_.channels(x), to = groups_.channels(op.output);
    if (from == 0 || (to % from != 0 && from % to != 0)) return pin_all(op);
    for (size_t c = 0; c < std::max(from, to); ++c) groups_.tie(x, c % from, op.output, c % to);
  }

  void connect_concat(const ir::Operator& op, const ir::Concat& concat) {
    const bool of_channels = static_cast<size_t>(concat.axis) + 1 == graph_.tensor(op.output).shape.size();
    if (!of_channels) return tie_all(op);
    size_t at = 0;
    for (const ir::TensorId id : op.inputs) {
      for (size_t c = 0; c < channels_of(graph_.tensor(id)); ++c, ++at) {
        if (graph_.tensor(id).is_constant()) {
          groups_.pin(op.output, at);
        } else {
          groups_.tie(id, c, op.output, at);
        }
      }
    }
  }

  const ir::Graph& graph_;
  Groups& groups_;
  const std::vector<std::vector<Range>> ranges_;
};

/// Pins as many removable channels of a tensor as are missing to a multiple; whether there were any.
bool round_up(Groups& groups, ir::TensorId id) {
  const size_t channels = groups.channels(id);
  size_t live = 0;
  for (size_t c = 0; c < channels; ++c) live += groups.is_pinned(id, c) ? 1 : 0;
  const size_t wanted = std::min(std::max((live + kMultiple - 1) / kMultiple, size_t{1}) * kMultiple, channels);
  if (live >= wanted) return false;
  for (size_t c = 0; c < channels && live < wanted; ++c) {
    if (groups.is_pinned(id, c)) continue;
    groups.pin(id, c);
    ++live;
  }
  return true;
}

}  // namespace

std::vector<std::vector<bool>> removable_channels(const ir::Graph& graph) {
  Groups groups(graph);
  Connector connector(graph, groups);
  for (const ir::Operator& op : graph.operators) connector.connect(op);
  for (const ir::TensorId id : graph.inputs) groups.pin(id);
  for (const ir::TensorId id : graph.outputs) {
    if (!graph.tensor(id).is_constant()) groups.pin(id);
  }
  const ir::TensorId tensors = static_cast<ir::TensorId>(graph.tensors.size());
  for (bool again = true; again;) {
    again = false;
    for (ir::TensorId id = 0; id < tensors; ++id) again = round_up(groups, id) || again;
  }
  std::vector<std::vector<bool>> removable(graph.tensors.size());
  for (ir::TensorId id = 0; id < tensors; ++id) {
    std::vector<bool>& channels = removable[static_cast<size_t>(id)];
    for (size_t c = 0; c < groups.channels(id); ++c) channels.push_back(!groups.is_pinned(id, c));
  }
  return removable;
}

}  // namespace mote::passes
