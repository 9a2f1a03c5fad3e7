#include "passes/fuse_pad.h"

#include "passes/edit.h"

namespace mote::passes {
namespace {

bool pads_height_and_width_only(const ir::Pad& pad) {
  return pad.before.size() == 4 && pad.before[0] == 0 && pad.after[0] == 0 && pad.before[3] == 0 && pad.after[3] == 0;
}

ir::Padding2D sum(const ir::Padding2D& a, const ir::Pad& pad) {
  return {a.top + pad.before[1], a.bottom + pad.after[1], a.left + pad.before[2], a.right + pad.after[2]};
}

/// Whether every window keeps at least one element of the image.
bool leaves_something(const ir::Padding2D& padding, const ir::Size2D& window) {
  return padding.top < window.h && padding.bottom < window.h && padding.left < window.w && padding.right < window.w;
}

/// The padding of `reader` when a position it pads behaves like one that holds `pad`'s value; nullptr otherwise.
ir::Padding2D* padding_like(ir::Operator& reader, const ir::Pad& pad, const ir::Tensor& x) {
  const bool is_int8 = x.dtype == ir::DType::kInt8;
  const bool is_zero = pad.value == (is_int8 ? x.zero_point() : 0);
  const bool is_least = is_int8 && pad.value == -128;
  return std::visit(ir::Overloaded{
                        [&](ir::Conv2D& conv) { return is_zero ? &conv.padding : nullptr; },
                        [&](ir::DepthwiseConv2D& conv) { return is_zero ? &conv.padding : nullptr; },
                        [&](ir::MaxPool2D& pool) {
                          return is_least && leaves_something(sum(pool.padding, pad), pool.window) ? &pool.padding
                                                                                                   : nullptr;
                        },
                        [](auto&) -> ir::Padding2D* { return nullptr; },
                    },
                    reader.attributes);
}

/// Lets `reader` read in front of the Pad operator `op`, where it can.
void read_through(const ir::Graph& graph, const ir::Operator& op, ir::Operator& reader) {
  const ir::Pad& pad = std::get<ir::Pad>(op.attributes);
  const ir::Tensor& x = graph.tensor(op.inputs[0]);
  if (reader.inputs[0] != op.output || !pads_height_and_width_only(pad)) return;
  if (x.quant != graph.tensor(op.output).quant) return;
  ir::Padding2D* const padding = padding_like(reader, pad, x);
  if (padding == nullptr) return;
  *padding = sum(*padding, pad);
  reader.inputs[0] = op.inputs[0];
  absorb(reader, op);
}

}  // namespace

ir::Graph fuse_pad(ir::Graph graph) {
  for (size_t i = 0; i < graph.operators.size(); ++i) {
    const ir::Operator pad = graph.operators[i];
    if (!std::holds_alternative<ir::Pad>(pad.attributes) || !is_plain(pad)) continue;
    for (ir::Operator& reader : graph.operators) read_through(graph, pad, reader);
  }
  return graph;
}

}  // namespace mote::passes
