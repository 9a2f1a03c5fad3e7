// What running a model once on a board gives, whichever way it is run.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "support/bytes.h"

namespace mote::execute {

/// What one inference gave.
struct Inference {
  std::vector<Bytes> outputs;    // in the order of the graph's outputs
  std::vector<uint64_t> cycles;  // by operator of the library; all 0 on a board without a cycle counter
  uint64_t total_cycles() const;
};

/// Sees the output of each operator as soon as it is computed: its index, and the bytes.
using Observer = std::function<void(size_t operator_index, const Bytes& output)>;

/// Runs a model once: inputs in the order of the graph's, an observer or none.
using RunModel = std::function<Inference(const std::vector<Bytes>& inputs, const Observer& observer)>;

}  // namespace mote::execute
