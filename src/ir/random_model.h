// Graphs from seeds as an importer makes them of a trained model: scales fit the values, and everything can be said in
// TFLite. random_graph.h has stranger ones.
#pragma once

#include <cstdint>

#include "ir/graph.h"

namespace mote::ir {

struct RandomModelOptions {
  DType dtype = DType::kInt8;  // of inputs and most operators: int8 or float32
  int operators = 10;          // about as many
  int32_t largest_side = 12;   // of an image
  int32_t most_channels = 20;
};

/// A random legal graph with branches, residual connections, every operator of a source model (so no Lookup), and one
/// or more inputs and outputs. The same seed and options give the same graph.
Graph random_model(uint64_t seed, const RandomModelOptions& options = {});

}  // namespace mote::ir
