#include "kernels/padded_rows.h"

#include <utility>

namespace mote::kernels {

using loop::Affine;
using loop::Block;
using loop::Expr;
using loop::imm;
using loop::var;

namespace {

void append(Block* block, Block more) {
  for (loop::Stmt& stmt : more) block->push_back(std::move(stmt));
}

/// The input rows that `count` output rows from `out_row` on need, which lies in `out_rows`; the sides are there
/// already.
Block load_rows(const PaddedRows& rows, const Affine& out_row, const loop::Interval& out_rows, int64_t count) {
  const int64_t needed = rows.needed(count);
  const Affine in_row = out_row * rows.stride + var("r") - rows.above;
  const Affine start = var("r") * rows.row_elements + rows.left;
  Block copy = rows.copy(in_row, start);
  const bool above = out_rows.lo * rows.stride - rows.above < 0;
  const bool below = out_rows.hi * rows.stride + needed - 1 - rows.above >= rows.height;
  if (!above && !below) return {loop::loop("r", needed, std::move(copy))};
  const Expr row = loop::value_of(in_row);
  const Expr inside = loop::binary(loop::BinaryOp::kAnd, loop::less(imm(-1), row), loop::less(row, imm(rows.height)));
  const Expr outside = loop::binary(loop::BinaryOp::kEqual, inside, imm(0));
  return {loop::loop("r", needed,
                     {loop::when(inside, std::move(copy)),
                      loop::when(outside, {fill(rows.buffer, start, rows.inside, rows.outside)})})};
}

}  // namespace

loop::Stmt fill(const std::string& buffer, const Affine& at, int64_t count, const Expr& value) {
  return loop::loop("i", count, {loop::store(buffer, {at + var("i")}, value)});
}

Block by_padded_rows(const PaddedRows& rows, int64_t at_once,
                     const std::function<Block(const Affine& out_row, int64_t count)>& process) {
  const int64_t blocks = rows.out_height / at_once, rest = rows.out_height % at_once;
  const int64_t right = rows.row_elements - rows.left - rows.inside;
  const auto block = [&](const Affine& out_row, const loop::Interval& out_rows, int64_t count) {
    Block body = load_rows(rows, out_row, out_rows, count);
    append(&body, process(out_row, count));
    return body;
  };
  Block sides;
  const Affine start = var("r") * rows.row_elements;
  if (rows.left > 0) sides.push_back(fill(rows.buffer, start, rows.left, rows.outside));
  if (right > 0) {
    sides.push_back(fill(rows.buffer, start + (rows.row_elements - right), right, rows.outside));
  }
  Block image{loop::loop("block", blocks, block(var("block") * at_once, {0, (blocks - 1) * at_once}, at_once))};
  if (rest > 0) append(&image, block(blocks * at_once, {blocks * at_once, blocks * at_once}, rest));
  Block body;
  if (!sides.empty()) body.push_back(loop::loop("r", rows.needed(at_once), std::move(sides)));
  body.push_back(loop::loop("n", rows.batch, std::move(image)));
  return body;
}

}  // namespace mote::kernels
