// How long an inference takes, before anything runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "deploy/network.h"

namespace mote::deploy {

struct Prediction {
  std::optional<uint64_t> cycles;  // nothing when nothing is known of an operator that multiplies and accumulates
  size_t unknown = 0;              // operators like that
  size_t estimated = 0;            // that were measured with other kernels only
};

/// The sum of what records know of each kernel; of rows their share; of kernels that were not measured an estimate by
/// those that were, and of operators that multiply nothing one by their size, because they hardly count. Records were
/// made in memory without wait states.
Prediction predict_cycles(const Network& network);

}  // namespace mote::deploy
