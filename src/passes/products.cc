#include "passes/products.h"

#include <algorithm>
#include <set>

namespace mote::passes {
namespace {

/// One dimension of the windows: for each set of kernel indices that lie inside the image at some output position, that
/// set.
std::set<std::vector<size_t>> indices_inside(int32_t size, int32_t kernel, int32_t out, int32_t stride,
                                             int32_t dilation, int32_t before) {
  std::set<std::vector<size_t>> sets;
  for (int64_t o = 0; o < out; ++o) {
    std::vector<size_t> inside;
    for (int64_t k = 0; k < kernel; ++k) {
      const int64_t at = o * stride - before + k * dilation;
      if (at >= 0 && at < size) inside.push_back(static_cast<size_t>(k));
    }
    sets.insert(std::move(inside));
  }
  return sets;
}

template <typename Conv>
std::vector<std::vector<size_t>> taps_inside(const ir::Graph& graph, const ir::Operator& op, const Conv& conv) {
  const ir::Shape& x = graph.tensor(op.inputs[0]).shape;
  const ir::Shape& w = graph.tensor(op.inputs[1]).shape;
  const ir::Shape& y = graph.tensor(op.output).shape;
  std::vector<std::vector<size_t>> sets;
  const std::set<std::vector<size_t>> columns =
      indices_inside(x[2], w[2], y[2], conv.stride.w, conv.dilation.w, conv.padding.left);
  for (const std::vector<size_t>& rows :
       indices_inside(x[1], w[1], y[1], conv.stride.h, conv.dilation.h, conv.padding.top)) {
    for (const std::vector<size_t>& in_row : columns) {
      std::vector<size_t>& taps = sets.emplace_back();
      for (const size_t ky : rows) {
        for (const size_t kx : in_row) taps.push_back(ky * static_cast<size_t>(w[2]) + kx);
      }
    }
  }
  return sets;
}

/// Sets what depends on the kind of operator; false when it is no sum of products by channel.
bool set_geometry(const ir::Graph& graph, const ir::Operator& op, Products& products) {
  const ir::Shape& w = graph.tensor(op.inputs[1]).shape;
  return std::visit(ir::Overloaded{
                        [&](const ir::Conv2D& conv) {
                          products.taps = static_cast<size_t>(w[1]) * static_cast<size_t>(w[2]);
                          products.inside = taps_inside(graph, op, conv);
                          return true;
                        },
                        [&](const ir::DepthwiseConv2D& conv) {
                          products.taps = static_cast<size_t>(w[1]) * static_cast<size_t>(w[2]);
                          products.multiplier = static_cast<size_t>(conv.multiplier);
                          products.inside = taps_inside(graph, op, conv);
                          return true;
                        },
                        [&](const ir::Dense&) {
                          const size_t depth = static_cast<size_t>(w[1]);
                          if (depth % products.in_channels != 0) return false;
                          products.taps = depth / products.in_channels;
                          std::vector<size_t>& all = products.inside.emplace_back();
                          for (size_t tap = 0; tap < products.taps; ++tap) all.push_back(tap);
                          return true;
                        },
                        [](const auto&) { return false; },
                    },
                    op.attributes);
}

}  // namespace

std::optional<Products> products_of(const ir::Graph& graph, const ir::Operator& op) {
  const bool sums = std::holds_alternative<ir::Conv2D>(op.attributes) ||
                    std::holds_alternative<ir::DepthwiseConv2D>(op.attributes) ||
                    std::holds_alternative<ir::Dense>(op.attributes);
  if (!sums || graph.tensor(op.output).dtype != ir::DType::kInt8) return std::nullopt;
  const ir::Shape& x = graph.tensor(op.inputs[0]).shape;
  Products products;
  products.in_channels = x.empty() ? 1 : static_cast<size_t>(x.back());
  products.out_channels = static_cast<size_t>(graph.tensor(op.output).shape.back());
  if (!set_geometry(graph, op, products)) return std::nullopt;
  products.weights = to_values<int8_t>(*graph.tensor(op.inputs[1]).data);
  const bool has_bias = op.inputs.size() > 2 && op.inputs[2] != ir::kNoTensor;
  products.bias =
      has_bias ? to_values<int32_t>(*graph.tensor(op.inputs[2]).data) : std::vector<int32_t>(products.out_channels);
  return products;
}

}  // namespace mote::passes
