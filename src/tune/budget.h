// Budgets of memory for a whole model, and what they mean for the search of one of its tasks: a price.
#pragma once

#include <cstdint>
#include <vector>

#include "records/tradeoff.h"

namespace mote::tune {

struct Budget {
  uint64_t flash = 0;  // bytes of all tasks' kernels and their constants; 0: any
  uint64_t ram = 0;    // bytes of any kernel's scratch memory; 0: any
};

/// What was measured of one task, each worth having or not.
struct Choices {
  int occurrences = 1;
  std::vector<records::Option> options;  // at least one
};

/// The cycles of the whole model that a byte of flash is worth where the budget ends: how steeply the fastest
/// combinations get faster from the best one of at most `flash` bytes on. 0 when the fastest of all fits. A search
/// that minimises cycles + price * bytes finds kernels by which the combination within the budget gets faster.
double price_of_flash(const std::vector<Choices>& tasks, uint64_t flash);

}  // namespace mote::tune
