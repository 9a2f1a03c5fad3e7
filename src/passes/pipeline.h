// The ordered list of passes: what turns an imported graph into fused, legal operators.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "ir/graph.h"

namespace mote::passes {

/// A pass keeps the meaning of the graph: its inputs and outputs, their types and every bit of them, and every bit of
/// each tensor that is still there, which its source_index tells, or of the channels of it that are left.
struct Pass {
  std::string_view name;  // "fuse_pad", also that of its header
  std::string_view help;  // one line, for people
  ir::Graph (*function)(ir::Graph graph);
};

/// All passes, in the order in which run_passes() applies them.
std::span<const Pass> passes();

/// Applies every pass to `graph`, which must be legal, and verifies what each returns: a graph that a pass broke is our
/// bug and aborts with the pass's name. What one pass leaves can be work for an earlier one, so the list is applied
/// again until it changes no operator. `after` sees each pass's result, for dumps: in the first round of all passes,
/// then of those that still found something. Passes named in `without` are left
/// out, to see what they are worth: only those that no later one relies on, that is none that removes an operator kind.
ir::Graph run_passes(ir::Graph graph, const std::function<void(const Pass&, const ir::Graph&)>& after = {},
                     std::span<const std::string> without = {});

}  // namespace mote::passes
