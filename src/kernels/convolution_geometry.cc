#include "kernels/convolution_geometry.h"

#include "kernels/common.h"
#include "kernels/widen.h"

namespace mote::kernels {

namespace {

/// The kernel reads words, that is pairs of elements. A window row of an odd number of elements is read with one
/// element more, whose weight is 0. Where windows begin at odd elements, pixels with many channels get one more; with
/// few, that would be much to multiply for nothing, and odd positions read a shifted copy.
void make_even(ConvolutionGeometry* g) {
  constexpr int64_t kFewChannels = 8;
  const bool odd_steps = g->stride_w * g->channels % 2 != 0 && g->out_width > 1;
  if (!odd_steps) return;
  if (g->channels >= kFewChannels || g->gather_w != 1) {
    ++g->stored_channels;
  } else {
    g->phases = 2;
  }
}

}  // namespace

ConvolutionGeometry geometry_of(const Workload& workload, Layout layout) {
  const bool columns = layout != kRows;
  const ir::Conv2D& conv = std::get<ir::Conv2D>(workload.op().attributes);
  const ir::Shape& x = workload.input(0).shape;
  const ir::Shape& w = workload.input(1).shape;
  const ir::Shape& y = workload.output().shape;
  ConvolutionGeometry g{.batch = x[0],
                        .height = x[1],
                        .width = x[2],
                        .channels = x[3],
                        .source_height = x[1],
                        .source_width = x[2],
                        .gather_h = 1,
                        .gather_w = 1,
                        .out_height = y[1],
                        .out_width = y[2],
                        .out_channels = y[3],
                        .kernel_h = w[1],
                        .kernel_w = w[2],
                        .stride_h = conv.stride.h,
                        .stride_w = conv.stride.w,
                        .dilation_h = w[1] == 1 ? 1 : conv.dilation.h,
                        .dilation_w = w[2] == 1 ? 1 : conv.dilation.w,
                        .pad_top = conv.padding.top,
                        .pad_left = conv.padding.left,
                        .stored_channels = x[3],
                        .phases = 1,
                        .padded_width = 0,
                        .pointwise = false,
                        .wide = reads_int16(workload),
                        .columns = columns,
                        .windows = layout == kWindows};
  g.pointwise = g.kernel_h == 1 && g.kernel_w == 1 && g.stride_h == 1 && g.stride_w == 1 && g.pad_top == 0 &&
                g.pad_left == 0 && g.height == g.out_height && g.width == g.out_width;
  if (g.pointwise) {
    g.width = g.out_width = g.batch * g.height * g.width;
    g.batch = g.height = g.out_height = 1;
  }
  const bool steps = g.stride_h != 1 || g.stride_w != 1;
  if (!columns && steps && g.kernel_h == 1 && g.kernel_w == 1 && g.pad_top == 0 && g.pad_left == 0) {
    g.gather_h = g.stride_h;
    g.gather_w = g.stride_w;
    g.stride_h = g.stride_w = 1;
    g.height = g.out_height;
    g.width = g.out_width;
  }
  if (!columns) make_even(&g);
  g.padded_width = (g.out_width - 1) * g.stride_w + (g.kernel_w - 1) * g.dilation_w + 1;
  if (g.row_elements() % 2 != 0) ++g.padded_width;
  return g;
}

bool by_pixel(const ConvolutionGeometry& g) {
  return g.stored_channels != g.channels || g.gather_w != 1;
}

WidenOrder order_of(const ConvolutionGeometry& g) {
  return !g.wide && (g.channels % 4 == 0 || by_pixel(g)) ? WidenOrder::kQuads : WidenOrder::kNatural;
}

int64_t channel_at(const ConvolutionGeometry& g, int64_t i) {
  const int64_t c = source_place(order_of(g), i, g.channels);
  return c < g.channels ? c : -1;
}

}  // namespace mote::kernels
