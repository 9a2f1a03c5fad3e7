#include "passes/remove_constant_channels.h"

#include <algorithm>
#include <numeric>

#include "passes/channel_groups.h"
#include "passes/channel_ranges.h"
#include "passes/edit.h"
#include "passes/products.h"

namespace mote::passes {
namespace {

using Indices = std::vector<size_t>;  // ascending

Indices kept_of(const std::vector<bool>& removed) {
  Indices kept;
  for (size_t i = 0; i < removed.size(); ++i) {
    if (!removed[i]) kept.push_back(i);
  }
  return kept;
}

Indices all_of(size_t count) {
  Indices all(count);
  std::iota(all.begin(), all.end(), size_t{0});
  return all;
}

template <typename T>
std::vector<T> taken(const std::vector<T>& values, const Indices& which) {
  std::vector<T> result;
  for (const size_t i : which) result.push_back(values[i]);
  return result;
}

/// The slices `kept` of a constant along `axis`, as a tensor of its own.
ir::Tensor sliced(const ir::Tensor& tensor, size_t axis, const Indices& kept) {
  size_t outer = 1, inner = ir::size_of(tensor.dtype);
  for (size_t d = 0; d < axis; ++d) outer *= static_cast<size_t>(tensor.shape[d]);
  for (size_t d = axis + 1; d < tensor.shape.size(); ++d) inner *= static_cast<size_t>(tensor.shape[d]);
  const size_t length = static_cast<size_t>(tensor.shape[axis]);
  ir::Tensor result = tensor;
  result.shape[axis] = static_cast<int32_t>(kept.size());
  result.source_index = -1;
  result.data->clear();
  for (size_t o = 0; o < outer; ++o) {
    for (const size_t i : kept) {
      const auto from = tensor.data->begin() + static_cast<std::ptrdiff_t>((o * length + i) * inner);
      result.data->insert(result.data->end(), from, from + static_cast<std::ptrdiff_t>(inner));
    }
  }
  if (result.quant && result.quant->per_channel() && static_cast<size_t>(result.quant->axis) == axis) {
    result.quant->scales = taken(tensor.quant->scales, kept);
    result.quant->zero_points = taken(tensor.quant->zero_points, kept);
  }
  return result;
}

class Remover {
 public:
  explicit Remover(ir::Graph& graph)
      : graph_(graph), removed_(removable_channels(graph)), ranges_(channel_ranges(graph)) {}

  /// Whether there was anything to remove.
  bool run() {
    bool any = false;
    for (const std::vector<bool>& channels : removed_) any = any || count(channels) > 0;
    if (!any) return false;
    for (ir::Operator& op : graph_.operators) rewrite(op);
    for (size_t i = 0; i < removed_.size(); ++i) {
      if (count(removed_[i]) > 0) shrink(graph_.tensors[i], kept_of(removed_[i]));
    }
    return true;
  }

 private:
  static int64_t count(const std::vector<bool>& channels) { return std::count(channels.begin(), channels.end(), true); }
  const std::vector<bool>& removed(ir::TensorId id) const { return removed_[static_cast<size_t>(id)]; }
  bool shrinks(ir::TensorId id) const { return count(removed(id)) > 0; }

  void rewrite(ir::Operator& op) {
    if (std::optional<Products> products = products_of(graph_, op)) {
      if (shrinks(op.inputs[0]) || shrinks(op.output)) rewrite_products(op, *products);
    } else if (shrinks(op.output)) {
      slice_constants(op);
    }
  }

  /// Constant operands lose the channels that the output loses.
  void slice_constants(ir::Operator& op) {
    const Indices kept = kept_of(removed(op.output));
    for (ir::TensorId& id : op.inputs) {
      if (id == ir::kNoTensor) continue;
      const ir::Tensor& tensor = graph_.tensor(id);
      if (!tensor.is_constant() || channels_of(tensor) != removed(op.output).size()) continue;
      id = add_tensor(graph_, sliced(tensor, tensor.shape.size() - 1, kept));
    }
  }

  void rewrite_products(ir::Operator& op, const Products& products) {
    const Indices outs = shrinks(op.output) ? kept_of(removed(op.output)) : all_of(products.out_channels);
    ir::Tensor weights = graph_.tensor(op.inputs[1]);
    std::vector<int32_t> bias = products.bias;
    if (products.multiplier > 0) {
      weights = sliced(weights, 3, outs);
    } else {
      weights = sliced(weights, 0, outs);
      if (shrinks(op.inputs[0])) {
        fold(op.inputs[0], products, bias);
        weights = sliced(weights, weights.shape.size() - 1, kept_weights(op.inputs[0], weights, products));
      }
    }
    set_bias(op, taken(bias, outs), outs);
    op.inputs[1] = add_tensor(graph_, std::move(weights));
  }

  /// Indices along the weights' last dimension: channels, or for a Dense channels tap by tap.
  Indices kept_weights(ir::TensorId x, const ir::Tensor& weights, const Products& products) const {
    const Indices kept = kept_of(removed(x));
    Indices result;
    for (size_t first = 0; first < static_cast<size_t>(weights.shape.back()); first += products.in_channels) {
      for (const size_t c : kept) result.push_back(first + c);
    }
    return result;
  }

  /// Adds to each bias what the removed channels of `x` contribute; it is the same wherever the window lies. Sums wrap
  /// as those of the operator do.
  void fold(ir::TensorId x, const Products& products, std::vector<int32_t>& bias) const {
    const int32_t zero_point = graph_.tensor(x).zero_point();
    for (size_t out = 0; out < products.out_channels; ++out) {
      int64_t sum = bias[out];
      for (size_t in = 0; in < products.in_channels; ++in) {
        if (!removed(x)[in]) continue;
        const int32_t value = ranges_[static_cast<size_t>(x)][in].lo - zero_point;
        for (const size_t tap : products.inside.front()) sum += int64_t{products.weight(out, tap, in)} * value;
      }
      bias[out] = static_cast<int32_t>(static_cast<uint32_t>(sum));
    }
  }

  /// `values`: of the output channels `outs`, those that are left.
  void set_bias(ir::Operator& op, const std::vector<int32_t>& values, const Indices& outs) {
    op.inputs.resize(3, ir::kNoTensor);
    const bool has_bias = op.inputs[2] != ir::kNoTensor;
    if (!has_bias && std::all_of(values.begin(), values.end(), [](int32_t v) { return v == 0; })) return;
    ir::Tensor bias{.name = "bias", .dtype = ir::DType::kInt32, .shape = {static_cast<int32_t>(values.size())}};
    if (has_bias) {
      const ir::Tensor& before = graph_.tensor(op.inputs[2]);
      bias.name = before.name;
      if (before.shape.size() == 1) bias.quant = sliced(before, 0, outs).quant;
    }
    bias.data = to_bytes(values);
    op.inputs[2] = add_tensor(graph_, std::move(bias));
  }

  static void shrink(ir::Tensor& tensor, const Indices& kept) {
    std::vector<int32_t> source;
    for (const size_t c : kept) {
      source.push_back(tensor.source_channels.empty() ? static_cast<int32_t>(c) : tensor.source_channels[c]);
    }
    tensor.source_channels = std::move(source);
    tensor.shape.back() = static_cast<int32_t>(kept.size());
  }

  ir::Graph& graph_;
  const std::vector<std::vector<bool>> removed_;
  const std::vector<std::vector<Range>> ranges_;
};

}  // namespace

ir::Graph remove_constant_channels(ir::Graph graph) {
  while (Remover(graph).run()) {
  }
  return graph;
}

}  // namespace mote::passes
