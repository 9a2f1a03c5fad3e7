// What every legal graph satisfies. Runs after the import and after every pass.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace mote::ir {

/// All violations, each naming its operator (index and kind) and tensors; empty when the graph is legal.
std::vector<std::string> verify(const Graph& graph);

}  // namespace mote::ir
