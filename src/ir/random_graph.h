// Random graphs for property tests: legal ones, and ones that are nearly so. The same seed gives the same graph
// everywhere.
#pragma once

#include <vector>

#include "ir/graph.h"
#include "support/random.h"

namespace mote::ir {

struct RandomGraphOptions {
  int operators = 6;    // about how many
  bool with_i8 = true;  // at least one of the two
  bool with_f32 = true;
  bool with_fused = true;  // fused tables (Operator::post, Operator::computed) and Lookup, which only passes make
};

/// A legal graph of small tensors with random weights, shapes, quantisation and wiring. Every kind of operator can
/// occur.
Graph random_graph(Random& random, const RandomGraphOptions& options = {});

/// Changes one to three random things about `graph`, which is most often illegal afterwards.
void mutate(Graph& graph, Random& random);

/// Random bytes for every input of `graph`: any int8, floats around 0.
std::vector<Bytes> random_inputs(const Graph& graph, Random& random);

}  // namespace mote::ir
