// Parts of a graph in words, for tables.
#pragma once

#include <string>
#include <string_view>

#include "ir/graph.h"

namespace mote::cli {

/// What an operator's kind does not say: "3x3 stride 2x2 pad 0 1 0 1 clamp -128..127"; empty when there is nothing to
/// say.
std::string details_of(const ir::Graph& graph, const ir::Operator& op);

/// "0.0235, -128"; for a tensor quantised per channel the range of its scales; empty when it is not quantised.
std::string quantization_text(const ir::Tensor& tensor);

/// A tensor's name on one line of a table: control characters replaced, shortened in the middle beyond 48 bytes.
std::string printable(std::string_view name);

}  // namespace mote::cli
