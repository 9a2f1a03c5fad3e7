// The rows of an image with their padding, some at a time, in scratch memory: for kernels that walk through rows and
// know no border.
#pragma once

#include <functional>
#include <string>

#include "loop/build.h"

namespace mote::kernels {

struct PaddedRows {
  int64_t batch, height, out_height;  // images; rows of the input, of the output
  int64_t stride, reach;              // rows from a window to the next; from a window's first row to its last
  int64_t above;                      // rows of padding
  int64_t row_elements;  // of a row in scratch memory: `left` of padding, `inside` copied, the rest padding
  int64_t left, inside;
  std::string buffer;  // the scratch memory
  loop::Expr outside;  // value of the padding
  /// The copy of one row of image "n", `in_row`, to element `to` of the buffer.
  std::function<loop::Block(const loop::Affine& in_row, const loop::Affine& to)> copy;

  /// Input rows that `rows` output rows need.
  int64_t needed(int64_t rows) const { return (rows - 1) * stride + reach + 1; }
};

/// Every image "n" in blocks of `at_once` output rows, and what they leave: the input rows of a block are copied, then
/// `process` does its rows, `count` of them from `out_row` on; the first one's window begins with the buffer.
loop::Block by_padded_rows(const PaddedRows& rows, int64_t at_once,
                           const std::function<loop::Block(const loop::Affine& out_row, int64_t count)>& process);

/// for i in `count` { buffer[at + i] = value }
loop::Stmt fill(const std::string& buffer, const loop::Affine& at, int64_t count, const loop::Expr& value);

}  // namespace mote::kernels
