// The one text form of a graph: tests, dumps and reports share it, and it round-trips.
#pragma once

#include <string>
#include <string_view>

#include "ir/graph.h"

namespace mote::ir {

/// `with_data`: constants in full (hexadecimal), so that parse() gives the same graph back; otherwise a digest of them,
/// for people and golden files.
std::string print(const Graph& graph, bool with_data);

/// Parses what print(graph, true) wrote. Throws InputError naming `file` and the line.
Graph parse(std::string_view text, const std::string& file);

}  // namespace mote::ir
