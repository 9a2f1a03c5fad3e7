// Why no plan can have a smaller peak, so that it can be checked without knowing how the planner found out.
#pragma once

#include <cstdint>
#include <vector>

namespace mote::memory {

/// A tree of case distinctions. Of two buffers that live at the same time one lies below the other, at the distance
/// that they have to keep; each inner node asks which of two it is. What has been answered on the way from the root to
/// a leaf gives every buffer a lowest offset; and the buffers of the leaf's stack, which all live at the same time and
/// lie above one another in some order, then reach `bound` or higher.
struct Proof {
  struct Node {
    int a = -1, b = -1;                    // buffers of an inner node; -1: a leaf
    int a_is_below = -1, b_is_below = -1;  // nodes, for the two answers
    std::vector<int> stack = {};           // buffers of a leaf
  };
  std::vector<Node> nodes;  // the root comes first; none when nothing has to be proved, because the bound is 0
  int64_t bound = 0;        // bytes that every plan needs
};

}  // namespace mote::memory
