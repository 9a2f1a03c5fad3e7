#include "passes/depthwise_to_conv.h"

#include <algorithm>

#include "passes/edit.h"

namespace mote::passes {
namespace {

/// Weights [1,Kh,Kw,M] as [M,Kh,Kw,1].
ir::Tensor transposed(const ir::Tensor& weights) {
  const size_t size = ir::size_of(weights.dtype);
  const size_t filters = static_cast<size_t>(weights.shape.at(3));
  const size_t taps = weights.data->size() / size / filters;
  ir::Tensor result = weights;
  result.shape = {weights.shape[3], weights.shape[1], weights.shape[2], 1};
  result.source_index = -1;
  if (result.quant) result.quant->axis = 0;
  for (size_t tap = 0; tap < taps; ++tap) {
    for (size_t filter = 0; filter < filters; ++filter) {
      std::copy_n(weights.data->begin() + static_cast<std::ptrdiff_t>((tap * filters + filter) * size), size,
                  result.data->begin() + static_cast<std::ptrdiff_t>((filter * taps + tap) * size));
    }
  }
  return result;
}

}  // namespace

ir::Graph depthwise_to_conv(ir::Graph graph) {
  for (ir::Operator& op : graph.operators) {
    const ir::DepthwiseConv2D* const depthwise = std::get_if<ir::DepthwiseConv2D>(&op.attributes);
    if (depthwise == nullptr || graph.tensor(op.inputs[0]).shape.at(3) != 1) continue;
    if (!graph.tensor(op.inputs[1]).is_constant()) continue;
    op.inputs[1] = add_tensor(graph, transposed(graph.tensor(op.inputs[1])));
    op.attributes = ir::Conv2D{depthwise->stride, depthwise->dilation, depthwise->padding, depthwise->clamp};
  }
  return graph;
}

}  // namespace mote::passes
