// Row-wise execution: a stretch of operators computes a few rows of its results at a time, and of the tensors between
// them only the rows exist that are still wanted. No row is computed twice.
//
//   x -> conv 3x3 -> y -> conv 3x3 -> z          by rows of z:
//
//   y0 = conv(x[0:3]), z0 = conv(y0)
//   y1 = concat(the last two rows of y0, conv(x[2:5])), z1 = conv(y1), ...
//   z  = concat(z0, z1, ...)
//
// With several strips (patches), one strip of columns of the results comes after the other, each by rows as above: rows
// are shorter then, but the columns that two strips need are computed twice, and a strip's rows are copied, into it
// where they come from outside and out of it where its results go.
//
//   strip of x = x[:, 0:18], by rows;  z = insert(z0 at rows 0:1 and columns 0:16), ...; then x[:, 14:32], ...
//
// Not one of the ordered passes: it is worth its calls and copies only where memory is scarce, and deploy decides.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ir/graph.h"

namespace mote::passes {

/// Operators first to last of a graph, both included, how many rows of the last one's output a turn computes, and into
/// how many strips of columns its results are divided.
struct Stretch {
  size_t first = 0, last = 0;
  int32_t rows = 1, strips = 1;
  bool operator==(const Stretch&) const = default;
};

/// What an operator of a streamed graph is: so many of the positions (rows times columns) that operator `op` of the
/// graph before it computes.
struct Origin {
  int op = -1;  // -1: a slice, a concatenation or an insert
  int64_t part = 1, of = 1;
  bool is_part() const { return op < 0 || part != of; }
};

struct Streamed {
  ir::Graph graph;
  std::vector<Origin> origins;  // by operator
};

/// Whether the operator computes each row of its output from neighbouring rows of its operands: convolutions, depthwise
/// convolutions and pools (any window, stride, dilation and padding), additions and multiplications of images of one
/// shape, and elementwise operators, of one image.
bool goes_by_rows(const ir::Graph& graph, const ir::Operator& op);

/// The graph with the stretch computed by rows; nothing when that cannot be: an operator in it does not go by rows, a
/// tensor is wanted both in it and after it, there would be a single turn, or a result has fewer columns than strips.
std::optional<Streamed> stream(const ir::Graph& graph, const Stretch& stretch);

}  // namespace mote::passes
