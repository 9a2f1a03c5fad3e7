// The oracle: a slow, obvious interpreter of graphs. Every kernel, pass and deployed library is compared with it.
//
// int8 operators give bit for bit what TensorFlow Lite Micro's reference kernels give. Float operators compute in
// binary32, in the order in which those kernels sum. Graphs must be legal (ir/verify.h), but an int8 activation may be
// typed int16, as deploy/hand_over.h does it: the same values in two bytes each.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace mote::reference {

/// The bytes of every tensor of `graph` by its TensorId, constants included, for `inputs` in the order of graph.inputs.
/// A tensor that nothing writes stays empty. Throws InputError when the number or the sizes of the inputs do not fit.
std::vector<Bytes> interpret(const ir::Graph& graph, const std::vector<Bytes>& inputs);

/// The output bytes of one operator of `graph` for the bytes of its operands, in the order of op.inputs; an absent
/// operand's are empty. Throws InputError when their number or sizes do not fit.
Bytes evaluate(const ir::Graph& graph, const ir::Operator& op, const std::vector<Bytes>& operands);

/// The bytes of int8 values, of those of the same values as int16.
Bytes narrowed(const Bytes& wide);

}  // namespace mote::reference
