// The one text form of a graph: tests, dumps and reports share it, and it round-trips.
//
//   graph "kws"
//   inputs 0
//   outputs 2
//   tensor 0 "x" i8 1x49x10x1 quant=0.58:83 source=0
//   tensor 1 "w" i8 8x10x4x1 quant=0.1,0.2,[...]:0,0,[...]/0 source=4 data=00ff7f[...]
//   tensor 2 "y" i8 1x25x5x8 quant=0.04:-128 source=9
//   op 0 conv_2d 0 1 - -> 2 stride=2x2 dilation=1x1 padding=4,5,1,1 clamp=-128..127 source=0 macs=40000
//
// One line an item; words between spaces; operands and results by tensor number, "-" for an absent one. quant is
// scales, colon, zero points, and "/axis" when there is more than one scale; padding is top, bottom, left, right. Names
// are quoted, with \\ \" \n and \xNN in them. A word "#" starts a comment. Attributes at their defaults may be left
// out.
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
