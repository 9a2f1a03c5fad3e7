// Which tensors lie in the memory of others, so that no code has to move them.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/graph.h"

namespace mote::deploy {

/// A tensor's bytes are those of `root` from `offset` on.
struct Place {
  ir::TensorId root = ir::kNoTensor;
  int64_t offset = 0;  // bytes
};

struct Views {
  std::vector<Place> places;        // by tensor; itself for one that is nobody's view
  std::vector<bool> takes_no_code;  // by operator: its output is in its place already
};

/// A reshaped tensor is its operand; a slice is part of its operand where that part is one run of bytes; and the
/// operands of a concatenation are parts of its output, written there by their producers, where each is one run of
/// bytes and lies in no other concatenation. All of them begin at multiples of four bytes, because kernels read words.
/// What an insert writes into is its output.
Views views_of(const ir::Graph& graph);

/// Bytes from the beginning of the operator's output to what its kernel is given the address of: the place of what an
/// insert writes into a tensor that is there; otherwise 0.
int64_t written_from(const ir::Graph& graph, const ir::Operator& op);

}  // namespace mote::deploy
