// Graphs into TensorFlow Lite models: for tests, generated models and examples.
#pragma once

#include "ir/graph.h"
#include "support/bytes.h"

namespace mote::import {

/// A .tflite file (schema version 3) of `graph`, which read_tflite() turns back into an equal graph, but for what the
/// format has no place for: source_index, Operator::source and source_macs, and tensors that nothing uses. The graph
/// must be legal. Throws InputError naming the operator when TFLite cannot say it: Lookup, `post`, `computed`, a clamp
/// that is no activation, padding that is neither SAME nor VALID. The same graph gives the same bytes.
Bytes write_tflite(const ir::Graph& graph);

}  // namespace mote::import
