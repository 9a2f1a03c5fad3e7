// How a convolution looks to the GEMM micro-kernel: what is read, widened and walked through, in elements.
#pragma once

#include "kernels/kernel.h"
#include "kernels/micro/elementwise.h"

namespace mote::kernels {

/// Values of the knob "layout"; the alternative without the knob copies windows.
enum Layout : int64_t { kRows, kColumns, kWindows };

/// The convolution as the kernel sees it. A pointwise one without stride or padding is one long row.
struct ConvolutionGeometry {
  int64_t batch, height, width, channels;  // input, those of its pixels that are read
  int64_t source_height, source_width;     // input
  int64_t gather_h, gather_w;              // from one pixel that is read to the next: 1, or the strides of a 1x1 window
  int64_t out_height, out_width, out_channels;
  int64_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
  int64_t pad_top, pad_left;
  int64_t stored_channels;  // of the widened input
  int64_t phases;           // 2: odd positions start at odd elements, and read a copy that is shifted by one
  int64_t padded_width;     // of the widened input: what the windows of one row of outputs reach
  bool pointwise;
  bool wide;     // the input is int16 already
  bool columns;  // windows are copied side by side; else the kernel walks through the widened rows
  bool windows;  // columns, copied straight from the input, one tile at a time: the least scratch memory

  int64_t row_elements() const { return padded_width * stored_channels; }
  /// Elements of one window, as a whole number of words.
  int64_t window_elements() const { return (kernel_h * kernel_w * stored_channels + 1) / 2 * 2; }
  /// Elements of one row of a window as the kernel walks through it, a whole number of words.
  int64_t segment_elements() const { return (kernel_w * stored_channels + 1) / 2 * 2; }
  /// From one output position to the next of the same phase, in what the kernel reads.
  int64_t position_elements() const { return columns ? window_elements() : phases * stride_w * stored_channels; }
  /// Input rows that `rows` output rows need.
  int64_t rows_needed(int64_t rows) const { return (rows - 1) * stride_h + (kernel_h - 1) * dilation_h + 1; }
};

ConvolutionGeometry geometry_of(const Workload& workload, Layout layout);

/// Whether pixels are widened one by one, else in runs.
bool by_pixel(const ConvolutionGeometry& g);

/// Order in which the channels of a pixel are widened; natural where a run of four may cross pixels, or nothing is
/// widened.
micro::WidenOrder order_of(const ConvolutionGeometry& g);

/// Input channel that stands at place `i` of the widened pixel, or -1 for a place that only pads.
int64_t channel_at(const ConvolutionGeometry& g, int64_t i);

}  // namespace mote::kernels
